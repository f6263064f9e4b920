package steered

import (
	"context"
	"fmt"

	"tailpoke/internal/vm/gdb"
)

// A state is what a thread does.
type state uint8

const (
	free   state = iota // it runs as it likes, or has nothing to do
	parked              // it is in its spin, and goes on nowhere but at thread.at
	going               // it runs under our eyes, or waits in the kernel
)

// A thread is one of the guest's that is steered.
type thread struct {
	id    int // of its vCPU
	spin  uint64
	state state
	at    uint64 // parked: where it goes on
	spun  bool   // it has run since it was parked
}

// park puts a thread that stands somewhere into its spin: it serves interrupts there, and executes
// nothing else. Only here and in unpark is RIP ever written.
func (m *machine) park(t *thread, at uint64) error {
	pc, err := m.cpus.Reg(t.id, gdb.RIP)
	if err != nil {
		return err
	}
	if pc != at || t.state == parked {
		return fmt.Errorf("CPU %d is at %#x, and was to be parked at %#x", t.id-1, pc, at)
	}
	if err := m.cpus.SetReg(t.id, gdb.RIP, t.spin); err != nil {
		return err
	}
	t.state, t.at, t.spun = parked, at, false
	return nil
}

// unpark puts a thread back to where it was parked. Its CPU may be in an interrupt, or execute another
// task: only the thread itself is ever at its spin.
func (m *machine) unpark(ctx context.Context, t *thread) error {
	if t.state != parked {
		return fmt.Errorf("CPU %d is not parked", t.id-1)
	}
	for t.spun {
		e, err := m.next(ctx, t.spin)
		if err != nil {
			return err
		}
		if e.line != "" {
			continue
		}
		if e.stop.Thread != t.id || e.pc != t.spin {
			return fmt.Errorf("CPU %d is at %#x, where CPU %d is parked", e.stop.Thread-1, e.pc, t.id-1)
		}
		break
	}
	if err := m.cpus.SetReg(t.id, gdb.RIP, t.at); err != nil {
		return err
	}
	t.state = going
	return nil
}
