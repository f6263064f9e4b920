package jit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// LayoutByName finds a layout: an era, with options where facts are not as in that era,
// "v6.12+ibt+no-reload"; or a faulty one, "v6.12+ibt with limit=34, landing=11".
func LayoutByName(name string) (*Layout, error) {
	whole, edits, faulty := strings.Cut(name, " with ")
	era, options, optional := strings.Cut(whole, "+")
	l, err := layoutOf(era)
	if err != nil || name == l.Name {
		return l, err
	}
	made := *l
	made.Name = name
	if optional {
		for word := range strings.SplitSeq(options, "+") {
			if err := made.take(word); err != nil {
				return nil, fmt.Errorf("layout %q: %w", whole, err)
			}
		}
	}
	if faulty {
		for edit := range strings.SplitSeq(edits, ",") {
			if err := made.edit(strings.TrimSpace(edit)); err != nil {
				return nil, fmt.Errorf("layout %q: %w", name, err)
			}
		}
	}
	return &made, nil
}

// ErrUnknownLayout says that no era has a name.
var ErrUnknownLayout = errors.New("unknown layout")

// layoutOf is the layout of an era.
func layoutOf(era string) (*Layout, error) {
	var known []string
	for _, l := range Layouts() {
		if l.Name == era {
			return l, nil
		}
		known = append(known, l.Name)
	}
	if l, ok := LayoutAliases()[era]; ok {
		return l, nil
	}
	known = append(known, slices.Sorted(maps.Keys(LayoutAliases()))...)
	return nil, fmt.Errorf("%w %q; there are: %s", ErrUnknownLayout, era, strings.Join(known, " "))
}

// String is the shortest name that [LayoutByName] makes the same facts of, whatever the layout's own
// name is. Of facts that no name can say (an offset that is no kernel's) it is the layout's own name.
func (l *Layout) String() string {
	shortest := ""
	for _, era := range Layouts() {
		name, ok := l.nameFrom(era)
		if ok && (shortest == "" || len(name) < len(shortest)) {
			shortest = name
		}
	}
	if shortest == "" {
		return l.Name
	}
	return shortest
}

// nameFrom is the name of a layout as that of an era with options.
func (l *Layout) nameFrom(era *Layout) (name string, ok bool) {
	name = era.Name
	for _, o := range LayoutOptions() {
		if word := o.word(l); word != o.word(era) {
			name += "+" + word
		}
	}
	// What options do not say, faults do.
	made, err := LayoutByName(name)
	if err != nil {
		return "", false
	}
	join := " with "
	for _, f := range []struct {
		edit      string
		want, got uint32
	}{
		{"limit", l.Counter.Limit, made.Counter.Limit},
		{"landing", uint32(l.AdjOff), uint32(made.AdjOff)},
	} {
		if f.want != f.got {
			name += fmt.Sprintf("%s%s=%d", join, f.edit, f.want)
			join = ", "
		}
	}
	if made, err = LayoutByName(name); err != nil {
		return "", false
	}
	same := *made
	same.Name = l.Name
	return name, same == *l // the eras of other counters do not come to it
}

// layoutEdits are the faults that a layout can be given by name, each with a field changed. The
// value of an edit is a number; of "unrounded", which is an option too, there is none.
var layoutEdits = map[string]func(l *Layout, v uint8){
	"limit":     func(l *Layout, v uint8) { l.Counter.Limit = uint32(v) }, // tail calls that succeed
	"landing":   func(l *Layout, v uint8) { l.AdjOff = v },                // in bytes
	"unrounded": func(l *Layout, _ uint8) { l.UnroundedReload = true },    // see UnroundedReload
}

// edit gives a layout a fault.
func (l *Layout) edit(text string) error {
	what, value, numbered := strings.Cut(text, "=")
	edit, ok := layoutEdits[what]
	if !ok || numbered == (what == "unrounded") {
		return fmt.Errorf("%q is none of limit=N, landing=N, unrounded", text)
	}
	n := uint64(0)
	if numbered {
		var err error
		if n, err = strconv.ParseUint(value, 10, 7); err != nil {
			return fmt.Errorf("%s is not a number from 0 to 127", value)
		}
	}
	edit(l, uint8(n))
	return nil
}
