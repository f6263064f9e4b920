package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

// A Fit is what of a subject the running kernel takes.
type Fit struct {
	Spec     *ebpf.CollectionSpec // with programs that were made for keys, attached where a run may
	Programs []string             // that keys are given: two at least
	Keys     []protocol.Key       // that change
	Most     int                  // sites of one of them
	Made     []string             // of the programs, those that were made
	Left     string               // why others were left out, or ""
	As       string               // what programs were taken for whose sections name no type, or ""
	Missed   bool                 // executions were tried, and took no tail call while every key held a program
}

// Bounds of what is tried.
const (
	fitWithin   = 3 * time.Minute // for all
	fitPrograms = 2 * time.Second // to load programs for keys, the shortest first
	fitKeys     = 10 * time.Second
	fitIndexes  = 4096 // of a prog array
	// MaxKeys is how many keys are chosen to change.
	MaxKeys = 16
)

// Survey finds out what a run can do: which programs the kernel loads, and takes into the entry's prog
// arrays, and which keys have sites. Those of the config are preferred. The error is [ErrUnsupported]
// if the kernel does not take the entry, or takes too long; and the cause of the end of until, if that
// comes first.
func Survey(until context.Context, c Config) (*Fit, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(until, fitWithin)
	defer cancel()
	f, done := &Fit{Spec: c.Spec.Copy()}, make(chan error, 1)
	go func() {
		done <- confined(func() error {
			l := &loaded{arrays: map[string]*ebpf.Map{}, ids: map[string]ebpf.MapID{}}
			return errors.Join(f.survey(l, &c), l.close())
		})
	}()
	select {
	case err := <-done:
		return f, err
	case <-ctx.Done(): // nothing ends a call of bpf(2) that the verifier is at work in, but the process's end
		if until.Err() != nil {
			return nil, context.Cause(until)
		}
		return nil, fmt.Errorf("%w: its programs take too long to load", ErrUnsupported)
	}
}

func (f *Fit) survey(l *loaded, c *Config) error {
	entry := f.Spec.Programs[c.Entry]
	if entry == nil {
		return fmt.Errorf("kernel: no program %q", c.Entry)
	}
	l.entry = entry
	l.learnCompiler()
	given := c.Programs
	if err := f.makeMaps(l, c, given); err != nil {
		given = nil // their maps may be at fault
		if f.makeMaps(l, c, given) != nil {
			return err
		}
	}
	p, err := f.loadEntry(l, entry)
	if err != nil {
		return refused("program "+c.Entry, err)
	}
	l.callers = []caller{{Program: p, img: &identity.Image{}}}
	if err := l.findArrays(f.arraysOf(entry)); err != nil {
		return err
	}
	f.choose(l, entry, given)
	if len(f.Programs) == 0 {
		return fmt.Errorf("%w: its prog arrays take no program: %s", ErrUnsupported, f.Left)
	}
	keys, err := f.keysOf(l, c.Keys)
	if err != nil {
		return err
	}
	if err := f.findKeys(l, keys); err != nil {
		return err
	}
	f.Missed = f.misses(l, c.Input)
	return nil
}

// makeMaps makes the maps of the entry and of programs.
func (f *Fit) makeMaps(l *loaded, c *Config, given []string) error {
	l.spec = f.Spec.Copy()
	l.spec.Variables = nil
	programs := []*ebpf.ProgramSpec{l.spec.Programs[c.Entry]}
	for _, name := range given {
		if p := l.spec.Programs[name]; p != nil {
			programs = append(programs, p)
		}
	}
	l.spec.Programs = nil
	var err error
	if l.spec.Maps, err = mapsOf(l.spec, programs, c.Keys); err != nil {
		return err
	}
	if l.maps, err = ebpf.NewCollection(l.spec); err != nil {
		return refused("its maps", err)
	}
	return nil
}

// loadEntry loads the entry where a run may attach it, if the kernel takes it there.
func (f *Fit) loadEntry(l *loaded, entry *ebpf.ProgramSpec) (*ebpf.Program, error) {
	if entry.Type == ebpf.UnspecifiedProgram {
		return f.loadUntyped(l, entry)
	}
	for _, a := range aims(entry) {
		aimed := entry.Copy()
		a.take(aimed)
		if p, err := loadProgram(l.spec, l.maps.Maps, aimed); err == nil {
			for _, other := range f.Spec.Programs {
				if other.Type == entry.Type {
					a.take(other)
				}
			}
			return p, nil
		}
	}
	return loadProgram(l.spec, l.maps.Maps, entry)
}

// loadUntyped loads an entry whose section names no type as the first type that the kernel takes, which
// the others are then taken for, too.
func (f *Fit) loadUntyped(l *loaded, entry *ebpf.ProgramSpec) (*ebpf.Program, error) {
	for _, kind := range identity.Kinds(f.Spec) {
		entry.Type = kind
		p, err := loadProgram(l.spec, l.maps.Maps, entry)
		if err != nil {
			continue
		}
		f.As = kind.String()
		for _, other := range f.Spec.Programs {
			if other.Type == ebpf.UnspecifiedProgram {
				other.Type = kind
			}
		}
		return p, nil
	}
	return nil, errors.New("its section names no type, and it is none of those that were tried: --type says it")
}

// choose loads programs for keys, and tries whether the prog arrays take them. If these are not two, it
// makes more.
func (f *Fit) choose(l *loaded, entry *ebpf.ProgramSpec, given []string) {
	end := time.Now().Add(fitPrograms)
	var left []string
	size := func(name string) int { return len(f.Spec.Programs[name].Instructions) }
	shortest := slices.SortedStableFunc(slices.Values(given), func(a, b string) int { return size(a) - size(b) })
	for _, name := range shortest {
		why := "it takes too long to load them all"
		if time.Now().Before(end) || len(f.Programs) < 2 {
			why = f.admit(l, f.Spec.Programs[name])
		}
		if why != "" {
			left = append(left, fmt.Sprintf("program %s: %s", name, why))
		}
	}
	inOrder := func(name string) int { return slices.Index(given, name) }
	slices.SortFunc(f.Programs, func(a, b string) int { return inOrder(a) - inOrder(b) })
	for _, v := range madeValuesOf(entry) {
		if len(f.Programs) > 1 {
			break
		}
		p := entry.Copy()
		p.Name, p.Instructions = fmt.Sprintf("tailpoke_%d", len(f.Made)), returning(v)
		p.Instructions[0] = p.Instructions[0].WithSymbol(p.Name)
		if why := f.admit(l, p); why != "" {
			left = append(left, "a program that was made: "+why)
			continue
		}
		f.Spec.Programs[p.Name] = p
		f.Made = append(f.Made, p.Name)
	}
	f.Left = strings.Join(left[:min(len(left), 1)], "")
	if n := len(left) - 1; n > 0 {
		f.Left += fmt.Sprintf(", and %d more", n)
	}
}

// madeValuesOf are what programs return that are made. Of some types the verifier allows 0 alone, or 0
// and 1. Where a result ends an event it is 0, so that nothing is forbidden, and all are executed.
func madeValuesOf(entry *ebpf.ProgramSpec) []int32 {
	if endsEvent(entry) {
		return []int32{0, 0}
	}
	return []int32{21, 22, 1, 0, 0}
}

// admit loads a program and puts it into every prog array once. It says why that cannot be.
func (f *Fit) admit(l *loaded, spec *ebpf.ProgramSpec) (why string) {
	p, err := loadProgram(l.spec, l.maps.Maps, spec)
	if err != nil {
		return reasonOf(err)
	}
	for name, array := range l.arrays {
		if err := taken(array, p); err != nil {
			return errors.Join(fmt.Errorf("prog array %s, whose callers differ from it in more than their type: %w", name, err), p.Close()).Error()
		}
	}
	l.pinned = append(l.pinned, program{Program: p})
	f.Programs = append(f.Programs, spec.Name)
	return ""
}

// until reports, each time, whether some time is not over yet.
func until(long time.Duration) func() bool {
	end := time.Now().Add(long)
	return func() bool { return time.Now().Before(end) }
}
