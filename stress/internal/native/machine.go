package native

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/rig"
)

// Config says what a machine has.
type Config struct {
	Layout   *jit.Layout
	Programs []*jit.Program // all that may run or be put into arrays, by their names
	Arrays   map[string]int // number of keys of each prog array
	Host     host.Config    // its layout is this one
	CtxSize  int            // of the context, in bytes
}

// Machine runs programs. One goroutine at a time may run them; Put and Delete are safe for
// concurrent use.
type Machine struct {
	rig     *rig.Rig
	ctxSize int

	mu       sync.Mutex // guards programs, which Reload changes
	programs map[string]*patcher.Program
}

// New loads the programs. Close gives everything back.
func New(c Config) (*Machine, error) {
	m := &Machine{programs: map[string]*patcher.Program{}, ctxSize: c.CtxSize}
	var err error
	m.rig, err = rig.Open(rig.Config{
		Subject: protocol.DefaultSubject(), Layout: c.Layout, Arena: arenaSize(c.Programs),
		Arrays: c.Arrays, Host: &c.Host,
		Pool: exec.PoolConfig{Threads: 1, Ctx: make([]byte, c.CtxSize)},
	})
	if err != nil {
		return nil, err
	}
	if err := m.load(c.Programs); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
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
		img, err := m.rig.Compile(p)
		if err != nil {
			return err
		}
		if err := m.place(p.Name, rig.Image(img)); err != nil {
			return err
		}
	}
	return nil
}

// place loads an image as the program of a name.
func (m *Machine) place(name string, img *patcher.Image) error {
	loaded, err := m.rig.Patcher.Load(name, img, patcher.PlaceAny)
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
	m.rig.Patcher.Release(old)
	return m.rig.Patcher.Synchronize()
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
func (m *Machine) Close() error { return m.rig.Close() }

// Host returns the machine's maps and packet.
func (m *Machine) Host() *host.Host { return m.rig.Host }

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
	a, ok := m.rig.Arrays[name]
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
	Off     patcher.Off
}

// Error says what went wrong.
func (e *AnomalyError) Error() string {
	switch {
	case e.Kind == exec.BadRegisters:
		return fmt.Sprintf("registers of the caller are lost, rsp is off by %d", e.RSPOff)
	case e.Program == "":
		return fmt.Sprintf("signal %d outside of every program, address %#x", e.Signal, e.Addr)
	}
	return fmt.Sprintf("signal %d in program %s at +%#x, address %#x", e.Signal, e.Program, e.Off,
		e.Addr)
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
	m.rig.Pool.SetContext(ctx)
	m.rig.Pool.SetEntries([]uint64{m.rig.Patcher.Addr(p)})
	r0, err := m.rig.Pool.Run(1, limit)
	copy(ctx, m.rig.Pool.Context(0))
	if err != nil {
		return 0, err
	}
	for _, a := range m.rig.Pool.Anomalies() {
		switch {
		case a.Kind == exec.BadValue: // no value was said to be right
		case a.Kind == exec.Fault && m.rig.Pool.InGuard(a.Addr):
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
	if off, ok := m.rig.Arena.OffOf(a.RIP); ok && a.Kind == exec.Fault {
		for _, p := range m.programs {
			if p.Contains(off) {
				e.Program, e.Off = p.Name, p.At(off)
			}
		}
	}
	return e
}
