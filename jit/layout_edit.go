package jit

import (
	"fmt"
	"strconv"
	"strings"
)

// layoutEdits are the faults that a layout can be given by name, each with a field changed. The
// value of an edit is a number; of "unrounded" there is none.
var layoutEdits = map[string]func(l *Layout, v uint8){
	"limit":     func(l *Layout, v uint8) { l.Counter.Limit = uint32(v) }, // tail calls that succeed
	"landing":   func(l *Layout, v uint8) { l.AdjOff = v },                // in bytes
	"unrounded": func(l *Layout, _ uint8) { l.UnroundedReload = true },    // see UnroundedReload
}

// with returns a copy of the layout with faults.
func (l *Layout) with(name string, edits []string) (*Layout, error) {
	faulty := *l
	faulty.Name = name
	for _, e := range edits {
		what, value, numbered := strings.Cut(strings.TrimSpace(e), "=")
		edit, ok := layoutEdits[what]
		if !ok || numbered == (what == "unrounded") {
			return nil, fmt.Errorf("layout %q: %q is none of limit=N, landing=N, unrounded", name,
				strings.TrimSpace(e))
		}
		n := uint64(0)
		if numbered {
			var err error
			if n, err = strconv.ParseUint(value, 10, 7); err != nil {
				return nil, fmt.Errorf("layout %q: %s is not a number from 0 to 127", name, value)
			}
		}
		edit(&faulty, uint8(n))
	}
	return &faulty, nil
}
