package native

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
)

// Config says what a machine has.
type Config struct {
	Layout   *jit.Layout
	Programs []*jit.Program // all that may run or be put into arrays, by their names
	Arrays   map[string]int // number of keys of each prog array
	Host     host.Config    // its layout is the machine's
	CtxSize  int            // of the context, in bytes
}

// Machine runs programs. One goroutine at a time may run them; Put and Delete are safe for
// concurrent use.
type Machine struct {
	arena   *exec.Arena
	pool    *exec.Pool
	patcher *patcher.Patcher
	host    *host.Host
	arrays  map[string]*patcher.ProgArray
	ctxSize int

	mu       sync.Mutex // guards programs, which Reload changes
	programs map[string]*patcher.Program
}

// New loads the programs. Close gives everything back.
func New(c Config) (*Machine, error) {
	if err := exec.Supported(); err != nil {
		return nil, err
	}
	m := &Machine{arrays: map[string]*patcher.ProgArray{}, programs: map[string]*patcher.Program{}, ctxSize: c.CtxSize}
	if err := m.build(c); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Machine) build(c Config) error {
	c.Host.Layout = c.Layout
	var err error
	if m.host, err = host.New(c.Host); err != nil {
		return err
	}
	if m.arena, err = exec.NewArena(arenaSize(c.Programs)); err != nil {
		return err
	}
	m.pool, err = exec.NewPool(exec.PoolConfig{Threads: 1, Ctx: make([]byte, c.CtxSize), Host: m.host})
	if err != nil {
		return err
	}
	sub := protocol.DefaultSubject()
	m.patcher, err = patcher.New(patcher.Config{
		Arena: m.arena, Domain: rcu.New(m.pool, sub.Grace, false), Layout: c.Layout,
		Protocol: sub.Protocol, Method: sub.Method, Maps: m.host.MapInfo(),
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Arrays)) {
		if m.arrays[name], err = m.patcher.NewArray(name, c.Arrays[name]); err != nil {
			return err
		}
	}
	return m.load(c.Programs)
}

// arenaSize leaves room for the programs, at 64 bytes of code for an instruction, for helpers, and
// for programs that were reloaded: the patcher keeps some from being used again for a while.
func arenaSize(programs []*jit.Program) int {
	const page = 4096
	pages := 256
	for _, p := range programs {
		pages += 4 + len(p.Insns)*64/page
	}
	return pages * page
}

func (m *Machine) load(programs []*jit.Program) error {
	for _, p := range programs {
		if _, ok := m.programs[p.Name]; ok {
			return fmt.Errorf("two programs called %q", p.Name)
		}
		img, err := m.patcher.Compile(p)
		if err != nil {
			return fmt.Errorf("program %s: %w", p.Name, err)
		}
		if err := m.place(p.Name, img); err != nil {
			return err
		}
	}
	return nil
}

// place loads an image as the program of a name.
func (m *Machine) place(name string, img *jit.Image) error {
	loaded, err := m.patcher.Load(name, img, patcher.PlaceAny)
	if err != nil {
		return err
	}
	loaded.Hold()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.programs[name] = loaded
	return nil
}

// Reload loads a program's image once more, and takes that one from here on. Keys keep what they
// hold.
func (m *Machine) Reload(name string) error {
	old, err := m.program(name)
	if err != nil {
		return err
	}
	if err := m.place(name, old.Image); err != nil {
		return err
	}
	m.patcher.Release(old)
	return m.patcher.Synchronize()
}

func (m *Machine) program(name string) (*patcher.Program, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.programs[name]
	if !ok {
		return nil, fmt.Errorf("no program %q", name)
	}
	return p, nil
}

// Close gives memory and handlers back.
func (m *Machine) Close() error {
	var errs []error
	if m.pool != nil {
		errs = append(errs, m.pool.Close())
	}
	if m.patcher != nil {
		errs = append(errs, m.patcher.Close())
	}
	if m.arena != nil {
		errs = append(errs, m.arena.Close())
	}
	if m.host != nil {
		errs = append(errs, m.host.Close())
	}
	return errors.Join(errs...)
}

// Host returns the machine's maps and packet.
func (m *Machine) Host() *host.Host { return m.host }

// Put gives a key of a prog array a program.
func (m *Machine) Put(array string, key uint32, program string) error {
	p, err := m.program(program)
	if err != nil {
		return err
	}
	a, err := m.array(array, key)
	if err != nil {
		return err
	}
	return a.Update(int(key), p)
}

// Delete empties a key of a prog array, and says whether it held a program.
func (m *Machine) Delete(array string, key uint32) (bool, error) {
	a, err := m.array(array, key)
	if err != nil {
		return false, err
	}
	return a.Delete(int(key))
}

func (m *Machine) array(name string, key uint32) (*patcher.ProgArray, error) {
	a, ok := m.arrays[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("no prog array %q", name)
	case int64(key) >= int64(a.Keys()):
		return nil, fmt.Errorf("prog array %q has %d keys, not key %d", name, a.Keys(), key)
	}
	return a, nil
}

// ErrEndless says that an execution did not end in the time that it was given.
var ErrEndless = exec.ErrLimit

// ErrStackUsedUp says that pending functions filled the thread's stack.
var ErrStackUsedUp = errors.New("the execution uses up its stack")

// AnomalyError is an execution that went wrong: it faulted, or did not give back what it was lent.
type AnomalyError struct {
	exec.Anomaly
	Program string // where a fault happened; "" if in none
	Off     jit.Off
}

// Error says what went wrong.
func (e *AnomalyError) Error() string {
	switch {
	case e.Kind == exec.BadRegisters:
		return fmt.Sprintf("registers of the caller are lost, rsp is off by %d", e.RSPOff)
	case e.Program == "":
		return fmt.Sprintf("signal %d outside of every program, address %#x", e.Signal, e.Addr)
	}
	return fmt.Sprintf("signal %d in program %s at +%#x, address %#x", e.Signal, e.Program, e.Off, e.Addr)
}

// Run executes a program once and returns r0. ctx is what r1 points to; afterwards it holds what
// the program made of it. An execution that takes longer than limit is thrown out.
func (m *Machine) Run(program string, ctx []byte, limit time.Duration) (uint64, error) {
	p, err := m.program(program)
	if err != nil {
		return 0, err
	}
	if len(ctx) != m.ctxSize {
		return 0, fmt.Errorf("context of %d bytes, not %d", len(ctx), m.ctxSize)
	}
	m.pool.SetContext(ctx)
	m.pool.SetEntries([]uint64{m.patcher.Addr(p)})
	r0, err := m.pool.Run(1, limit)
	copy(ctx, m.pool.Context(0))
	if err != nil {
		return 0, err
	}
	for _, a := range m.pool.Anomalies() {
		switch {
		case a.Kind == exec.BadValue: // no value was said to be right
		case a.Kind == exec.Fault && m.pool.InGuard(a.Addr):
			return 0, ErrStackUsedUp
		default:
			return 0, m.anomaly(a)
		}
	}
	return r0, nil
}

// anomaly says where it happened.
func (m *Machine) anomaly(a exec.Anomaly) error {
	e := &AnomalyError{Anomaly: a}
	m.mu.Lock()
	defer m.mu.Unlock()
	if off, ok := m.arena.OffOf(a.RIP); ok && a.Kind == exec.Fault {
		for _, p := range m.programs {
			if p.Contains(off) {
				e.Program, e.Off = p.Name, p.At(off)
			}
		}
	}
	return e
}
