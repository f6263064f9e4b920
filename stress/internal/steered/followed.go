package steered

import (
	"context"
	"fmt"

	"tailpoke/internal/vm/gdb"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// thread takes one step of a reader.
func (f *follower) thread(ctx context.Context, r *reader, s *witness.Step) error {
	a := &s.Action
	switch a.Do {
	case witness.Enter:
		if err := f.enter(ctx, r, f.caller, f.caller.Slots[0].At); err != nil {
			return err
		}
		return f.same(&r.thread, s)
	case witness.Fetch, witness.Trap, witness.Handle, witness.Retry, witness.Late:
	case witness.Run, witness.Leave:
		if !r.out || r.state == free {
			return nil
		}
		_, err := f.leave(ctx, r)
		return err
	case witness.Execute, witness.Epoch, witness.Drain:
		return nil // it touches nothing that is shared
	default:
		return refuse("a reader of the kernel does no such thing")
	}
	if r.state != parked || r.out {
		return refuse("the kernel's reader is not at its site")
	}
	if a.Do == witness.Fetch || a.Do == witness.Trap {
		if err := f.fresh(r, a); err != nil {
			return err
		}
	}
	want := saw{a.Do, a.Slot, a.Text}
	if a.Do == witness.Retry {
		want.do = witness.Late
	}
	got := (*saw)(nil)
	for got == nil {
		var err error
		if got, err = f.advance(ctx, r, 0); err != nil {
			return err
		}
	}
	if *got != want {
		return refuse("the kernel's reader: %v", got)
	}
	return nil
}

// fresh refuses a fetch of what memory does not hold: no CPU that is emulated makes one.
func (f *follower) fresh(r *reader, a *witness.Action) error {
	got, err := f.slots(&r.thread, f.caller)
	if err != nil {
		return err
	}
	holds := words(f.caller, a.Slot, got[a.Slot])
	if a.Do == witness.Trap && got[a.Slot][0] != protocol.Trap || a.Do == witness.Fetch && holds != a.Text.String() {
		return refuse("it fetches what memory does not hold: the %v is %s, and an emulated CPU fetches that", a.Slot, holds)
	}
	return nil
}

// note keeps what there is after a step.
func (f *follower) note(i int, s *witness.Step) error {
	t, at := &f.mutator.thread, uint64(0)
	if s.Actor.Kind == witness.Thread {
		t = &f.readers[s.Actor.Index].thread
	}
	m := report.KernelMove{Step: i + 1, Actor: s.Actor.String(), Words: f.w.Words(s)}
	if at = t.at; t.state == parked {
		for _, r := range []struct {
			name   string
			number int
		}{{"rax", gdb.RAX}, {"rbx", gdb.RBX}, {"rcx", gdb.RCX}, {"rdx", gdb.RDX}, {"rsi", gdb.RSI}, {"rdi", gdb.RDI}, {"rbp", gdb.RBP}, {"rsp", gdb.RSP}} {
			v, err := f.cpus.Reg(t.id, r.number)
			if err != nil {
				return err
			}
			m.Regs = append(m.Regs, report.KernelReg{Name: r.name, Value: fmt.Sprintf("%#x", v)})
			if r.number == gdb.RSP {
				if m.Stack, err = f.stack(t, v); err != nil {
					return err
				}
			}
		}
		m.At = fmt.Sprintf("%#x", at)
		got, err := f.slots(t, f.caller)
		if err != nil {
			return err
		}
		for slot, b := range got {
			m.Slots = append(m.Slots, fmt.Sprintf("% x %s", b, words(f.caller, protocol.Slot(slot), b)))
		}
	}
	f.out.Moves = append(f.out.Moves, m)
	return nil
}

// stackWords is how much of a stack is kept.
const stackWords = 4

func (f *follower) stack(t *thread, sp uint64) (out []string, err error) {
	for i := range uint64(stackWords) {
		w, err := f.word(t.id, sp+8*i)
		if err != nil {
			return nil, err
		}
		out = append(out, fmt.Sprintf("%#x", w))
	}
	return out, nil
}
