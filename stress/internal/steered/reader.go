package steered

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tailpoke/internal/vm/gdb"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
)

// A reader is a thread that executes a caller. It is stepped alone, one instruction at a time, in the
// caller's own code, where it needs nothing of others.
type reader struct {
	thread
	index  int
	caller *inside.Caller
	pc     uint64
	slot   protocol.Slot // before which it stands, or that it trapped at
	traps  bool          // it is in the handler
	out    bool          // it has left the site: nothing of it is shared any more
	isA    bool          // by a cleared target, its frame unwound
	ended  bool          // the execution has returned
	value  string        // what
}

// A saw is what a reader was seen to do at a slot, in the words of witnesses.
type saw struct {
	do   witness.Do
	slot protocol.Slot
	text protocol.SlotText
}

// String says it for people.
func (s saw) String() string {
	out := s.do.String() + " at " + s.slot.String()
	if s.text.Head != protocol.Unread {
		out += " as " + s.text.String()
	}
	return out
}

// anywhere is the next instruction, for [machine.advance].
const anywhere = ^uint64(0)

// mostSteps is how many instructions there are at most from one slot to the next.
const mostSteps = 500

// enter has a reader begin an execution, and parks it at an address that every execution passes.
func (m *machine) enter(ctx context.Context, r *reader, c *inside.Caller, at uint64) error {
	m.moves++
	r.caller, r.slot, r.traps, r.out, r.isA, r.ended, r.value = c, 0, false, false, false, false, ""
	if err := m.vm.Say(fmt.Sprintf("run %d %s", r.index, c.Name)); err != nil {
		return err
	}
	for {
		e, err := m.next(ctx, at)
		switch {
		case err != nil:
			return err
		case r.ended:
			return fmt.Errorf("reader %d returned %s, and did not come by %#x", r.index, r.value, at)
		case e.line != "":
		case e.stop.Thread != r.id || e.pc != at:
			return fmt.Errorf("CPU %d stopped at %#x, where reader %d was to be", e.stop.Thread-1, e.pc, r.index)
		default:
			r.pc = at
			return m.park(&r.thread, at)
		}
	}
}

// advance steps a reader until it has done something at a slot, or is at an address, and parks it. What it
// did is nil if it is there first.
func (m *machine) advance(ctx context.Context, r *reader, to uint64) (*saw, error) {
	m.moves++
	if err := m.unpark(ctx, &r.thread); err != nil {
		return nil, err
	}
	if r.traps {
		return m.handled(ctx, r)
	}
	for range mostSteps {
		before := r.pc
		if err := m.cpus.Step(ctx, r.id); err != nil {
			return nil, err
		}
		var err error
		if r.pc, err = m.cpus.Reg(r.id, gdb.RIP); err != nil {
			return nil, err
		}
		did := r.did(before)
		if did != nil || r.pc == to || to == anywhere {
			return did, m.park(&r.thread, r.pc)
		}
	}
	return nil, fmt.Errorf("reader %d is at %#x after %d instructions", r.index, r.pc, mostSteps)
}

// handled lets a reader go on that is in the handler of int3, until that returns to code of its own. All
// run: who else is held is parked.
func (m *machine) handled(ctx context.Context, r *reader) (*saw, error) {
	c, before := r.caller, r.pc
	back := []uint64{c.Slots[r.slot].At, c.Slots[r.slot].At + slotSize}
	if out := c.Slots[r.slot].Out; out != 0 {
		back = append(back, out)
	} else {
		for _, p := range c.Programs {
			back = append(back, p.Landing)
		}
	}
	for {
		e, err := m.next(ctx, back...)
		switch {
		case err != nil:
			return nil, err
		case e.line != "":
		case e.stop.Thread != r.id || !slices.Contains(back, e.pc):
			return nil, fmt.Errorf("CPU %d stopped at %#x, where reader %d was to be", e.stop.Thread-1, e.pc, r.index)
		default:
			r.pc = e.pc
			return r.did(before), m.park(&r.thread, r.pc)
		}
	}
}

// did says what an instruction did that the reader has executed, if it was one of a slot, or the end of
// the handler.
func (r *reader) did(before uint64) *saw {
	c := r.caller
	switch {
	case r.traps:
		if !r.inCode(r.pc) {
			return nil
		}
		r.traps = false
		if r.pc == c.Slots[r.slot].At {
			return &saw{do: witness.Late, slot: r.slot}
		}
		return r.acted(witness.Handle)
	case r.out:
		return nil
	}
	for s := range c.Slots {
		if before == c.Slots[s].At {
			r.slot = protocol.Slot(s)
			if r.inCode(r.pc) {
				return r.acted(witness.Fetch)
			}
			r.traps = true
			return &saw{do: witness.Trap, slot: r.slot}
		}
	}
	return nil
}

// acted says as which instruction of its slot the reader went on, by where it is now.
func (r *reader) acted(do witness.Do) *saw {
	c, s := r.caller, saw{do: do, slot: r.slot}
	switch at := &c.Slots[r.slot]; r.pc {
	case at.At + slotSize:
		s.text = protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
		site := protocol.TailCall()
		r.isA = site.Breaks(r.slot, protocol.Nop) == protocol.NeverA
		r.out = int(r.slot) == len(c.Slots)-1
		r.slot++
	case at.Out:
		s.text, r.out = protocol.SlotText{Head: protocol.HeadJump, Tail: protocol.OutTail}, true
	default:
		s.text, r.out = protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.AnyTail}, true
		if p := programAt(c, r.pc); p != none {
			s.text = protocol.SlotText{Head: protocol.HeadJump, Tail: p}
		}
	}
	return &s
}

// programAt is the program that tail calls enter at an address, or none.
func programAt(c *inside.Caller, at uint64) int {
	return slices.IndexFunc(c.Programs, func(p inside.Program) bool { return p.Landing == at })
}

// inCode reports whether an address is in the caller or in a program of its key.
func (r *reader) inCode(at uint64) bool {
	for _, f := range r.caller.Funcs {
		if f.Has(at) {
			return true
		}
	}
	for _, p := range r.caller.Programs {
		if p.Has(at) {
			return true
		}
	}
	return false
}

// leave lets a reader go that has left its site, until its execution has returned.
func (m *machine) leave(ctx context.Context, r *reader) (value int, err error) {
	if err := m.unpark(ctx, &r.thread); err != nil {
		return 0, err
	}
	r.state = free
	for !r.ended {
		e, err := m.next(ctx)
		if err != nil {
			return 0, err
		}
		if e.line == "" {
			return 0, fmt.Errorf("CPU %d stopped at %#x, which is no place of ours", e.stop.Thread-1, e.pc)
		}
	}
	if err := m.halt(ctx); err != nil {
		return 0, err
	}
	return strconv.Atoi(r.value)
}

// slots reads the bytes of a caller's slots, as a thread in the kernel sees them.
func (m *machine) slots(t *thread, c *inside.Caller) (out [][]byte, err error) {
	first := c.Slots[0].At
	all, err := m.cpus.Memory(t.id, first, int(c.Slots[len(c.Slots)-1].At-first)+slotSize)
	if err != nil {
		return nil, err
	}
	for i := range c.Slots {
		at := c.Slots[i].At - first
		out = append(out, all[at:at+slotSize])
	}
	return out, nil
}
