package step

import (
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/sim/x86"
)

// thread is a thread of the witness.
type thread struct {
	*exec.Stepper
	stop   exec.Stop
	inside bool // an execution of it has begun, and is not over
	tails  int  // tail calls that the execution has taken

	// What the execution began with: registers, the words above its return address, and that.
	entry  [16]uint64
	caller []uint64
	ret    uint64
}

// threadStep takes a step of a thread.
func (r *replay) threadStep(s *witness.Step, last bool) error {
	t := r.threads[s.Actor.Index]
	if !t.inside {
		if err := t.begin(r); err != nil {
			return err
		}
	}
	if !r.standsAt(t, s.Code.At) {
		return differs("%v stands at %s, the witness at %s",
			s.Actor, r.where(t.stop.RIP), r.w.Where(s.Code.At))
	}
	if err := r.sameBytes(t, s); err != nil {
		return err
	}
	if err := r.execute(t, s); err != nil {
		return err
	}
	if !last {
		if err := r.samePosition(t, s); err != nil {
			return err
		}
	}
	if last && r.w.Property == protocol.Registers && t.inside {
		return nil // only the simulated thread crashes: see seenRegisters
	}
	return r.sameRegs(t, s)
}

// begin begins an execution.
func (t *thread) begin(r *replay) (err error) {
	if t.stop, err = t.Begin(r.texts[0].at); err != nil {
		return err
	}
	t.inside, t.tails, t.entry = true, 0, t.stop.Regs
	sp := t.entry[x86.RSP]
	t.ret, _ = t.Word(sp)
	t.caller = make([]uint64, len(r.w.Memory.Caller))
	for i := range t.caller {
		t.caller[i], _ = t.Word(sp + 8*uint64(i+1))
	}
	return nil
}

// execute has the thread execute what the step says.
func (r *replay) execute(t *thread, s *witness.Step) error {
	steps := s.Code.Count // where a handler answers, its answer is the first one
	switch s.Action.Do {
	case witness.Trap, witness.Retry, witness.Late:
		steps = 1 // to the handler, and from it back to the byte
	}
	for n := range steps {
		from := t.stop.RIP
		if err := r.single(t); err != nil {
			return err
		}
		r.countTail(t, from)
		if t.stop.Kind != exec.Stands && n < steps-1 {
			return differs("%v %s after %d instructions from %s, the witness executes %d",
				s.Actor, r.stopText(t), n+1, r.w.Where(s.Code.At), steps)
		}
	}
	return nil
}

// single is one step of the thread.
func (r *replay) single(t *thread) (err error) {
	if t.stop, err = t.Step(); err != nil {
		return err
	}
	if t.stop.Kind == exec.Returned || t.stop.Kind == exec.Faulted {
		t.inside = false
	}
	return nil
}

// countTail counts a tail call: from a slot, or by a jump to a register, to where a program is
// entered.
func (r *replay) countTail(t *thread, from uint64) {
	in, to := r.textAt(from), r.textAt(t.stop.RIP)
	if t.stop.Kind != exec.Stands || in == nil || to == nil {
		return
	}
	i := x86.Decode(in.Image.Code[from-in.at:])
	enters := t.stop.RIP == r.Arena.Addr(to.landing())
	if enters && (r.slotAt(from) != nil || i.JumpsToReg()) {
		t.tails++
	}
}

// sameBytes compares what the step executes with what memory holds there.
func (r *replay) sameBytes(t *thread, s *witness.Step) error {
	in := r.textAt(t.stop.RIP)
	if in == nil || in.freed || t.stop.Kind == exec.Trapped {
		return nil // nothing is executed, or the handler's answer, which shows in where it leads
	}
	switch s.Action.Do {
	case witness.Fetch, witness.Trap, witness.Torn:
		return r.sameFetch(t, s)
	}
	rel, want := int(t.stop.RIP-in.at), s.Code.Bytes
	if len(want) > len(in.Image.Code)-rel {
		return differs("the program ends after %s, the witness has % x there", r.where(t.stop.RIP), want)
	}
	off := in.off + exec.Off(rel)
	got := r.Arena.Read(off, len(want))
	for i := range got {
		if got[i] != want[i] && !in.absolute(off+exec.Off(i)) {
			return differs("the bytes at %s are % x, the witness's % x", r.where(t.stop.RIP), got, want)
		}
	}
	return nil
}

// absolute reports whether the byte at an offset is part of an address, which is another one here.
func (t *loaded) absolute(off exec.Off) bool {
	for _, ref := range t.Image.Refs {
		if from := t.off + exec.Off(ref.Off); off >= from && off < from+exec.Off(ref.Size) {
			return true
		}
	}
	return false
}

// sameFetch wants the slot to hold what the thread fetches.
func (r *replay) sameFetch(t *thread, s *witness.Step) error {
	at := r.slotAt(t.stop.RIP)
	if at == nil {
		return differs("there is no slot at %s, the witness fetches from one", r.where(t.stop.RIP))
	}
	got := text.Insn(r.Arena.Read(at.off, text.Size))
	switch s.Action.Do {
	case witness.Trap:
		if got[0] == protocol.Trap {
			return nil
		}
		return r.noLonger(s, []byte{protocol.Trap}, got)
	case witness.Torn:
		if want, ok := at.translated(s.Code.Bytes); ok && want == got {
			return nil
		}
		return cannotForce("fetches a mixture of old bytes and new ones at %s (memory holds %v): "+
			"a CPU cannot be made to", r.where(t.stop.RIP), got)
	}
	want := at.reads(s.Action.Text)
	switch {
	case want == nil:
		return differs("the slot at %s never holds %s", r.where(t.stop.RIP), r.w.Holds(s.Action.Text))
	case want.real == got:
		return nil
	}
	return r.noLonger(s, want.real[:], got)
}

// noLonger is a fetch that cannot be forced.
func (r *replay) noLonger(s *witness.Step, want []byte, got text.Insn) error {
	return cannotForce("fetches bytes at %s that memory does not hold any more "+
		"(% x, and memory holds %v): a CPU cannot be made to", r.w.Where(s.Code.At), want, got)
}
