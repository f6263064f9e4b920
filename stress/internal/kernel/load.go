package kernel

import (
	"errors"
	"fmt"
	"io"
	"slices"
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
	compiler *identity.Compiler       // nil: images of this kernel are not known
	unknown  string                   // why nobody knows where sites are, in one line
	adjOff   uint64                   // from where a program begins to where tail calls enter it; 0: not known
	tried    map[bool]*identity.Image // of callers that check themselves or do not: sites found by experiment
	slow     bool                     // the programs that keys are given take long to load
	executor

	uncheckable string // why no caller checks itself
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
	at     io.Closer       // what executes it, if events do
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
	l.learnCompiler()
	err := l.specs(c)
	if err != nil {
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
	if err := l.findSites(c.Keys); err != nil { // then there is no watcher
		l.unknown = firstLine(err.Error())
	}
	return nil
}

// learnCompiler finds out what the kernel emits, if it is known.
func (l *loaded) learnCompiler() {
	if k, err := identity.DetectCompiler(); err == nil {
		l.compiler, l.adjOff = k, uint64(k.Layout.AdjOff)
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

// slowLoad is how long a program may take to load of which fresh copies come and go, one after the
// other. An emulator needs some hundred milliseconds for a small one, and loads beside pokes are what
// Linux 5.10 dies of.
const slowLoad = time.Second

// load loads programs and callers. If no caller can check itself, the reason is kept.
func (l *loaded) load(c *Config) error {
	for i, name := range c.Programs {
		begun := time.Now()
		p, err := loadProgram(l.spec, l.maps.Maps, l.programs[i])
		if err != nil {
			return refused("program "+name, err)
		}
		l.slow = l.slow || time.Since(begun) > slowLoad
		l.pinned = append(l.pinned, program{Program: p})
	}
	for i := range c.Callers {
		checks := l.checksItself(i)
		p, err := l.copyOf(checks)
		if err != nil && checks && i == 0 {
			l.uncheckable, checks = reasonOf(err), false
			p, err = l.copyOf(false)
		}
		if err != nil {
			return refused("program "+c.Entry, err)
		}
		l.callers = append(l.callers, caller{Program: p, checks: checks, img: &identity.Image{}})
	}
	return nil
}

// checksItself says whether a copy of the entry does: every other one. Where a result ends an event, one
// at most does not. It returns what the entry returns, and the others 0: so whatever the order is, it is
// executed each time.
func (l *loaded) checksItself(n int) bool {
	return l.uncheckable == "" && (n%2 == 0 || n > 1 && endsEvent(l.entry))
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

// NoSite is why nothing is watched of an entry whose tail calls are all indirect.
const NoSite = "no key that changes changes a byte of its images: it has no direct site of them"

// findSites finds the sites of callers, and where programs are entered: all keys are empty.
func (l *loaded) findSites(keys []protocol.Key) error {
	some := false
	for i := range l.callers {
		c := &l.callers[i]
		img, err := l.imageOf(c.Program, c.checks, keys)
		if err != nil {
			return err
		}
		c.img = img
		some = some || slices.Contains(l.wantedOf(*c, keys), true)
	}
	if !some {
		return errors.New(NoSite)
	}
	for i := range l.pinned {
		p := &l.pinned[i]
		var err error
		if p.landing, err = l.landingOf(p.Program); err != nil {
			return fmt.Errorf("%s: %w", l.programs[i].Name, err)
		}
	}
	return nil
}

// landingOf is where tail calls enter a loaded program.
func (l *loaded) landingOf(p *ebpf.Program) (uint64, error) {
	at, err := identity.Functions(p)
	if err != nil {
		return 0, err
	}
	return at[0] + l.adjOff, nil
}

// program loads a copy of a program that keys are given.
func (l *loaded) program(i int) (program, error) {
	p, err := loadProgram(l.spec, l.maps.Maps, l.programs[i])
	if err != nil || l.unknown != "" {
		return program{p, 0}, err
	}
	landing, err := l.landingOf(p)
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
		if c.at != nil {
			errs = append(errs, c.at.Close())
		}
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
	errs := []error{l.dismiss(), l.executor.close()}
	for _, p := range l.pinned {
		errs = append(errs, p.Close())
	}
	if l.maps != nil {
		l.maps.Close()
	}
	return errors.Join(errs...)
}
