package kernel

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/stress/identity"
)

// loaded is what a run has in the kernel. All of it is closed at the end: nothing is pinned, nothing
// was there before.
type loaded struct {
	spec     *ebpf.CollectionSpec // with maps alone
	entry    *ebpf.ProgramSpec
	checking *ebpf.ProgramSpec
	programs []*ebpf.ProgramSpec

	maps    *ebpf.Collection
	rows    *ebpf.Map
	clock   *clock
	target  *identity.Target // nil: images of this kernel are not known
	unknown string           // why

	uncheckable string // why no caller checks itself, though what is legal is known
	arrays      map[string]*ebpf.Map
	pinned      []program // a copy of each program that stays loaded
	callers     []caller
}

// A program is a loaded copy of one of the programs that keys are given.
type program struct {
	*ebpf.Program
	landing uint64 // where tail calls enter it
}

// A caller is a loaded copy of the entry.
type caller struct {
	*ebpf.Program
	checks bool // every execution
	img    *identity.Image
}

// open makes the maps and loads programs and callers.
func open(c *Config) (*loaded, error) {
	l := &loaded{arrays: map[string]*ebpf.Map{}}
	err := l.open(c)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *loaded) open(c *Config) error {
	var err error
	if l.target, err = identity.DetectTarget(); err != nil {
		l.unknown = err.Error()
	}
	if err := l.specs(c); err != nil {
		return err
	}
	if l.maps, err = ebpf.NewCollection(l.spec); err != nil {
		return fmt.Errorf("maps: %w", err)
	}
	l.rows, l.clock = l.maps.Maps[rowsName], newClock(l.maps.Maps[phaseName])
	if err := fillRows(l.rows, c.Seed); err != nil {
		return err
	}
	for _, k := range c.Keys {
		l.arrays[k.Map] = l.maps.Maps[k.Map]
	}
	for i := range c.Programs {
		p, err := l.program(i)
		if err != nil {
			return err
		}
		l.pinned = append(l.pinned, p)
	}
	for i := range c.Callers {
		checks := i%2 == 0 && c.Legal != nil && l.uncheckable == ""
		caller, err := l.caller(checks)
		if err != nil && checks && i == 0 {
			l.uncheckable = err.Error()
			caller, err = l.caller(false)
		}
		if err != nil {
			return err
		}
		l.callers = append(l.callers, caller)
	}
	return nil
}

// specs takes the run's maps and programs out of the collection.
func (l *loaded) specs(c *Config) error {
	l.spec = c.Spec.Copy()
	l.spec.Variables = nil // they are in the maps
	l.entry = l.spec.Programs[c.Entry]
	if !slices.Contains(kinds, l.entry.Type) {
		return fmt.Errorf("%w: programs of type %v are not run on a packet, many times at a call", ErrUnsupported, l.entry.Type)
	}
	for _, name := range c.Programs {
		l.programs = append(l.programs, l.spec.Programs[name])
	}
	l.spec.Programs = nil
	for _, m := range l.spec.Maps {
		m.Pinning = ebpf.PinNone
		if m.Type == ebpf.ProgramArray {
			m.Contents = nil
		}
	}
	l.checking = checking(l.entry, c)
	if c.faults.checker != nil {
		l.checking.Instructions = c.faults.checker(l.checking.Instructions)
	}
	var err error
	l.spec.Maps[phaseName] = phaseSpec()
	l.spec.Maps[rowsName], err = rowsSpec(c.Outcomes)
	return err
}

// loadProgram loads one program over maps that there are.
func loadProgram(spec *ebpf.CollectionSpec, over map[string]*ebpf.Map, p *ebpf.ProgramSpec) (*ebpf.Program, error) {
	one := spec.Copy()
	one.Programs = map[string]*ebpf.ProgramSpec{"main": p.Copy()}
	coll, err := ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{MapReplacements: over})
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name, err)
	}
	defer coll.Close()
	return coll.DetachProgram("main"), nil
}

// program loads a copy of a program that keys are given.
func (l *loaded) program(i int) (program, error) {
	p, err := loadProgram(l.spec, l.maps.Maps, l.programs[i])
	if err != nil || l.target == nil {
		return program{p, 0}, err
	}
	landing, err := l.target.Landing(p)
	if err != nil {
		return program{}, errors.Join(err, p.Close())
	}
	return program{p, landing}, nil
}

// caller loads a copy of the entry, and finds its sites: all keys are empty. The image is empty
// where those of this kernel are not known.
func (l *loaded) caller(checks bool) (caller, error) {
	p, err := l.copyOf(checks)
	if err != nil || l.target == nil {
		return caller{p, checks, &identity.Image{}}, err
	}
	img, err := l.target.Image(p.String(), p, slices.Collect(maps.Values(l.maps.Maps))...)
	if err != nil {
		return caller{}, errors.Join(err, p.Close())
	}
	return caller{p, checks, img}, nil
}

// copyOf loads a copy of the entry.
func (l *loaded) copyOf(checks bool) (*ebpf.Program, error) {
	if checks {
		return loadProgram(l.spec, l.maps.Maps, l.checking)
	}
	return loadProgram(l.spec, l.maps.Maps, l.entry)
}

// close lets everything go.
func (l *loaded) close() error {
	var errs []error
	for _, c := range l.callers {
		errs = append(errs, c.Close())
	}
	for _, p := range l.pinned {
		errs = append(errs, p.Close())
	}
	if l.maps != nil {
		l.maps.Close()
	}
	return errors.Join(errs...)
}
