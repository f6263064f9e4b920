package kernel

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

// loaded is what a run has in the kernel. All of it is closed at the end: nothing is pinned,
// nothing was there before.
type loaded struct {
	spec     *ebpf.CollectionSpec // with maps alone
	entry    *ebpf.ProgramSpec
	checking *ebpf.ProgramSpec
	programs []*ebpf.ProgramSpec

	maps     *ebpf.Collection
	rows     *ebpf.Map
	clock    *clock
	compiler *identity.Compiler // nil: images of this kernel are not known
	unknown  string             // why, in one line

	uncheckable string // why no caller checks itself, though what is legal is known
	arrays      map[string]*ebpf.Map
	ids         map[string]ebpf.MapID // of arrays
	pinned      []program             // a copy of each program that stays loaded
	callers     []caller
	sought      sought
}

// A program is a loaded copy of one of the programs that keys are given.
type program struct {
	*ebpf.Program
	landing uint64 // where tail calls enter it
}

// A caller is a loaded copy of the entry.
type caller struct {
	*ebpf.Program
	checks bool            // every execution
	img    *identity.Image // empty where its sites are unknown
}

// open makes the maps and loads programs and callers.
func open(c *Config) (*loaded, error) {
	l := &loaded{arrays: map[string]*ebpf.Map{}, ids: map[string]ebpf.MapID{}}
	err := l.open(c)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *loaded) open(c *Config) error {
	var err error
	if l.compiler, err = identity.DetectCompiler(); err != nil {
		l.unknown = firstLine(err.Error())
	}
	if err := l.specs(c); err != nil {
		return err
	}
	if l.maps, err = ebpf.NewCollection(l.spec); err != nil {
		return refused("its maps", err)
	}
	l.rows, l.clock = l.maps.Maps[rowsName], newClock(l.maps.Maps[phaseName])
	if err := fillRows(l.rows, c.Seed); err != nil {
		return err
	}
	if err := l.findArrays(c.Keys); err != nil {
		return err
	}
	if err := l.load(c); err != nil {
		return err
	}
	if err := l.admit(c.Programs); err != nil {
		return err
	}
	l.identify()
	return nil
}

// identify finds where slots are. If it cannot be said, there is no watcher.
func (l *loaded) identify() {
	if l.compiler == nil {
		return
	}
	if err := l.findSites(); err != nil {
		l.compiler, l.unknown = nil, firstLine(err.Error())
	}
}

// findArrays finds the prog arrays of the keys.
func (l *loaded) findArrays(keys []protocol.Key) error {
	for _, k := range keys {
		m := l.maps.Maps[k.Map]
		info, err := m.Info()
		if err != nil {
			return err
		}
		l.arrays[k.Map] = m
		l.ids[k.Map], _ = info.ID() // 0 where the kernel does not tell: no map has it
	}
	return nil
}

// load loads programs and callers. If no caller can check itself, the reason is kept.
func (l *loaded) load(c *Config) error {
	for i, name := range c.Programs {
		p, err := loadProgram(l.spec, l.maps.Maps, l.programs[i])
		if err != nil {
			return refused("program "+name, err)
		}
		l.pinned = append(l.pinned, program{Program: p})
	}
	for i := range c.Callers {
		checks := i%2 == 0 && c.Oracle != nil && l.uncheckable == ""
		p, err := l.copyOf(checks)
		if err != nil && checks && i == 0 {
			l.uncheckable, checks = reasonOf(err), false
			p, err = l.copyOf(false)
		}
		if err != nil {
			return refused("program "+c.Entry, err)
		}
		l.callers = append(l.callers, caller{p, checks, &identity.Image{}})
	}
	return nil
}

// admit tries whether every array takes every program: from the first caller that a kernel compiles,
// an array is of its kind, which is more than its type. It leaves the arrays empty.
func (l *loaded) admit(names []string) error {
	for at, array := range l.arrays {
		for i, p := range l.pinned {
			if err := array.Put(uint32(0), p.Program); err != nil {
				return refused(fmt.Sprintf("program %s in prog array %s, whose callers differ from it in more than their type", names[i], at), err)
			}
		}
		if err := array.Delete(uint32(0)); err != nil {
			return err
		}
	}
	return nil
}

// specs takes the run's maps and programs out of the collection.
func (l *loaded) specs(c *Config) error {
	l.spec = c.Spec.Copy()
	l.spec.Variables = nil // they are in the maps
	l.entry = l.spec.Programs[c.Entry]
	if err := runnable(l.entry.Type); err != nil {
		return err
	}
	for _, name := range c.Programs {
		l.programs = append(l.programs, l.spec.Programs[name])
	}
	l.spec.Programs = nil
	var err error
	if l.spec.Maps, err = mapsOf(l.spec, append(l.programs[:len(l.programs):len(l.programs)], l.entry), c.Keys); err != nil {
		return err
	}
	l.checking = checking(l.entry, c)
	if c.faults.checker != nil {
		l.checking.Instructions = c.faults.checker(l.checking.Instructions)
	}
	l.spec.Maps[phaseName], l.spec.Maps[rowsName] = phaseSpec(), rowsSpec(c.outcomes())
	return nil
}

// loadProgram loads one program over maps that there are.
func loadProgram(spec *ebpf.CollectionSpec, over map[string]*ebpf.Map, p *ebpf.ProgramSpec) (*ebpf.Program, error) {
	one := spec.Copy()
	one.Programs = map[string]*ebpf.ProgramSpec{p.Name: p.Copy()}
	coll, err := ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{MapReplacements: over})
	if err != nil {
		return nil, err // it names the program
	}
	defer coll.Close()
	return coll.DetachProgram(p.Name), nil
}

// findSites finds where programs are entered, and the sites of callers: all keys are empty.
func (l *loaded) findSites() error {
	for i := range l.pinned {
		p := &l.pinned[i]
		var err error
		if p.landing, err = l.compiler.Landing(p.Program); err != nil {
			return fmt.Errorf("%s: %w", l.programs[i].Name, err)
		}
	}
	for i := range l.callers {
		c := &l.callers[i]
		img, err := l.imageOf(c.Program)
		if err != nil {
			return err
		}
		c.img = img
	}
	return nil
}

// program loads a copy of a program that keys are given.
func (l *loaded) program(i int) (program, error) {
	p, err := loadProgram(l.spec, l.maps.Maps, l.programs[i])
	if err != nil || l.compiler == nil {
		return program{p, 0}, err
	}
	landing, err := l.compiler.Landing(p)
	if err != nil {
		return program{}, errors.Join(err, p.Close())
	}
	return program{p, landing}, nil
}

// copyOf loads a copy of the entry.
func (l *loaded) copyOf(checks bool) (*ebpf.Program, error) {
	if checks {
		return loadProgram(l.spec, l.maps.Maps, l.checking)
	}
	return loadProgram(l.spec, l.maps.Maps, l.entry)
}

// freedWithin is how long the kernel takes, after a grace period, to free programs that are not
// held.
const freedWithin = 20 * time.Millisecond

// dismiss lets the callers go and waits until they are, about. Then keys are emptied at once: while
// there were 64 callers of four sites of a key, that took the kernel 2.5 s, a grace period a site.
func (l *loaded) dismiss() error {
	var errs []error
	for _, c := range l.callers {
		errs = append(errs, c.Close())
	}
	if len(l.callers) > 0 {
		gracePeriod()
		time.Sleep(freedWithin)
	}
	l.callers = nil
	return errors.Join(errs...)
}

// close lets everything go.
func (l *loaded) close() error {
	errs := []error{l.dismiss()}
	for _, p := range l.pinned {
		errs = append(errs, p.Close())
	}
	if l.maps != nil {
		l.maps.Close()
	}
	return errors.Join(errs...)
}
