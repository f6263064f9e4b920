package steered

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tailpoke/internal/vm"
	"tailpoke/internal/vm/gdb"
	"tailpoke/stress/internal/steered/inside"
)

// A machine is a guest whose threads go on only as they are told.
type machine struct {
	vm      *vm.Steered
	cpus    *gdb.Client
	facts   inside.Facts
	mutator mutator
	readers []*reader
	loader  loader
	moves   int // that threads were made to do
	rests   int // orders to rest, and the last that was answered
	rested  int
}

// Died says that the guest's kernel went wrong, which is a finding.
type Died struct{ Fault vm.Fault }

// Error is what the kernel said.
func (d *Died) Error() string { return d.Fault.Line }

// mostSilent is how long nothing may happen, in seconds of processor time that the machine has had: this
// one may be busy with other things.
const mostSilent = 60

// lastWords is how long a kernel that has gone wrong is listened to. One that panics is over in less.
const lastWords = 2 * time.Second

// open starts a machine, and asks it where everything lies.
func open(ctx context.Context, o vm.Options) (*machine, error) {
	o.Args, o.Dir = []string{inside.Verb}, "/"
	g, err := vm.Steer(ctx, o)
	if err != nil {
		return nil, err
	}
	return opened(ctx, g)
}

// again ends the machine, and opens another one in which everything lies as in this one.
func (m *machine) again(ctx context.Context) (*machine, error) {
	g, err := m.vm.Again(ctx)
	if err != nil {
		return nil, err
	}
	return opened(ctx, g)
}

func opened(ctx context.Context, g *vm.Steered) (*machine, error) {
	m := &machine{vm: g, cpus: g.CPUs}
	if err := m.begin(ctx); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return m, nil
}

func (m *machine) begin(ctx context.Context) error {
	text, err := m.order(ctx, "facts")
	if err != nil {
		return err
	}
	f := &m.facts
	if err := json.Unmarshal([]byte(text), f); err != nil {
		return fmt.Errorf("the guest's facts: %w", err)
	}
	if f.CPUs < 3 || len(f.Spins) < f.CPUs || len(f.Callers) == 0 {
		return fmt.Errorf("the guest has %d CPUs, %d spins and %d callers: %v", f.CPUs, len(f.Spins), len(f.Callers), f.Refused)
	}
	m.mutator.thread = thread{id: 1, spin: f.Spins[0]}
	for cpu := 1; cpu < f.CPUs-1; cpu++ {
		m.loader.thread = thread{id: cpu + 1, spin: f.Spins[cpu]}
		m.readers = append(m.readers, &reader{thread: thread{id: cpu + 1, spin: f.Spins[cpu]}, index: cpu - 1})
	}
	return nil
}

func (m *machine) close() error { return m.vm.Close() }

// An event is a stop or a line.
type event struct {
	stop gdb.Stop
	pc   uint64
	line string // "" for a stop
}

// errSilent says that nothing happened for as long as was to be waited.
var errSilent = errors.New("nothing happened")

// next lets the machine run, if it stands, until a line comes or a thread is at one of these addresses.
// If it runs, the addresses are those that it was told before.
func (m *machine) next(ctx context.Context, at ...uint64) (event, error) {
	e, err := m.await(ctx, mostSilent, at)
	if errors.Is(err, errSilent) {
		err = &Died{vm.Fault{Kind: "hang", Line: fmt.Sprintf("nothing happened for %d s of the machine's time; %s", mostSilent, m.where())}}
	}
	return e, err
}

// await is next, for so many seconds of the machine's time: the error is errSilent after these.
func (m *machine) await(ctx context.Context, seconds float64, at []uint64) (event, error) {
	if !m.cpus.Running() {
		if err := m.resume(at); err != nil {
			return event{}, err
		}
	}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for began := m.vm.Spent(); ; {
		select {
		case p, ok := <-m.cpus.Stops():
			stop, err := m.cpus.Stopped(p, ok)
			if err != nil {
				return event{}, m.lost(err)
			}
			pc, err := m.cpus.Reg(stop.Thread, gdb.RIP)
			if err != nil {
				return event{}, err
			}
			held, err := m.guarded(ctx, stop, pc, at)
			if err != nil {
				return event{}, err
			}
			if !held {
				return event{stop: stop, pc: pc}, nil
			}
			if err := m.resume(at); err != nil {
				return event{}, err
			}
		case line, ok := <-m.vm.Lines:
			switch {
			case !ok:
				return event{}, m.lost(errors.New("the guest ended"))
			case strings.HasPrefix(line, "fault "), strings.HasPrefix(line, "exit "):
				return event{}, m.lost(fmt.Errorf("the guest: %s", line))
			}
			m.hear(line)
			return event{line: line}, nil
		case <-look.C:
			if f := m.vm.Fault(); f != nil {
				return event{}, m.lost(nil)
			}
			if m.vm.Spent()-began > seconds {
				return event{}, errSilent
			}
		case <-ctx.Done():
			return event{}, context.Cause(ctx)
		}
	}
}

// resume lets the machine run up to these addresses. A mutator that waits in the kernel is held before
// its next store, whatever else happens.
func (m *machine) resume(at []uint64) error {
	if m.mutator.state == going && !slices.Contains(at, m.poke()) {
		at = append(slices.Clone(at), m.poke())
	}
	if err := m.cpus.BreakAt(at...); err != nil {
		return err
	}
	for _, t := range m.threads() {
		t.spun = true
	}
	return m.cpus.Go()
}

// guarded holds a mutator that comes to its next store while another thread is looked after, and
// passes by stores that are none of ours.
func (m *machine) guarded(ctx context.Context, stop gdb.Stop, pc uint64, wanted []uint64) (bool, error) {
	if pc != m.poke() || slices.Contains(wanted, pc) {
		return false, nil
	}
	mine, err := m.stores(stop)
	if err == nil && !mine {
		err = m.past(ctx, stop)
	} else if err == nil {
		err = m.park(&m.mutator.thread, pc)
	}
	return true, err
}

// past lets a thread execute the instruction at which it was stopped.
func (m *machine) past(ctx context.Context, stop gdb.Stop) error {
	return m.cpus.Step(ctx, stop.Thread)
}

func (m *machine) threads() []*thread {
	out := []*thread{&m.mutator.thread, &m.loader.thread}
	for _, r := range m.readers {
		out = append(out, &r.thread)
	}
	return out
}

// halt stops the machine, if it runs.
func (m *machine) halt(ctx context.Context) error {
	if !m.cpus.Running() {
		return nil
	}
	_, err := m.cpus.Interrupt(ctx)
	return err
}

// lost is the error of a guest that says nothing any more: what its kernel did, if it did something.
func (m *machine) lost(err error) error {
	if f := m.vm.LastWords(lastWords); f != nil {
		return &Died{*f}
	}
	return err
}

// where says where the CPUs are, for people.
func (m *machine) where() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if m.halt(ctx) != nil {
		return ""
	}
	var out []string
	for cpu := range m.facts.CPUs {
		pc, _ := m.cpus.Reg(cpu+1, gdb.RIP)
		out = append(out, fmt.Sprintf("CPU %d at %#x", cpu, pc))
	}
	return strings.Join(out, ", ")
}

// word reads eight bytes of memory.
func (m *machine) word(thread int, at uint64) (uint64, error) {
	b, err := m.cpus.Memory(thread, at, 8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}
