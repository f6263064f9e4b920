package step

import (
	"encoding/hex"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/sim"
)

// Numbers of registers in the encoding.
const (
	rsp = 4
	rdi = 7
)

var regNames = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// thread is a thread of the witness.
type thread struct {
	*exec.Stepper
	stop   exec.Stop
	inside bool // an execution of it has begun, and is not over
	tails  int  // tail calls that the execution has taken

	// What the execution began with: registers, the words above its return address, and that.
	entry  [16]uint64
	caller [callers]uint64
	ret    uint64
}

// threadStep takes a step of a thread.
func (r *replay) threadStep(s *sim.Step, last bool) error {
	t := r.threads[s.Actor]
	if !t.inside {
		if err := t.begin(r); err != nil {
			return err
		}
	}
	if got := r.where(t.stop.RIP); got != s.At {
		return differs("thread %d stands at %s, the witness at %s", s.Actor, got, s.At)
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
		return nil // it crashes in package machine alone: see seenRegisters
	}
	return r.sameRegs(t, s)
}

// begin begins an execution.
func (t *thread) begin(r *replay) (err error) {
	if t.stop, err = t.Begin(r.texts[0].at); err != nil {
		return err
	}
	t.inside, t.tails, t.entry = true, 0, t.stop.Regs
	t.ret, _ = t.Word(t.entry[rsp])
	for i := range t.caller {
		t.caller[i], _ = t.Word(t.entry[rsp] + 8*uint64(i+1))
	}
	return nil
}

// execute has the thread execute what the step says.
func (r *replay) execute(t *thread, s *sim.Step) error {
	steps := s.Count
	switch {
	case t.stop.Kind == exec.Trapped && s.Count > 0:
		// The handler's answer is the first of the instructions.
	case t.stop.Kind == exec.Trapped && !isLast(r.w, s), s.Fetch == trapFetch:
		steps = 1 // the handler runs the byte again; or there is an int3
	}
	for n := range steps {
		from := t.stop.RIP
		if err := r.single(t); err != nil {
			return err
		}
		r.countTail(t, from)
		if t.stop.Kind != exec.Stands && n < steps-1 {
			return differs("thread %d %s behind %d instructions from %s, the witness executes %d", s.Actor, r.stopText(t), n+1, s.At, steps)
		}
	}
	return nil
}

// trapFetch is how a choice says that a thread fetches int3.
const trapFetch = "cc"

func isLast(w *sim.Witness, s *sim.Step) bool { return s == &w.Steps[len(w.Steps)-1] }

// single is one step of the thread.
func (r *replay) single(t *thread) (err error) {
	if t.stop, err = t.Step(); err == nil && (t.stop.Kind == exec.Returned || t.stop.Kind == exec.Faulted) {
		t.inside = false
	}
	return err
}

// countTail counts a tail call: from a target, or by a jump to a register, to where a program is
// entered.
func (r *replay) countTail(t *thread, from uint64) {
	in, to := r.textAt(from), r.textAt(t.stop.RIP)
	if t.stop.Kind != exec.Stands || in == nil || to == nil || t.stop.RIP != r.Arena.Addr(to.landing()) {
		return
	}
	code := in.Image.Code[from-in.at:]
	if len(code) > 1 && code[0]&0xf0 == 0x40 { // REX
		code = code[1:]
	}
	if r.slotAt(from) != nil || len(code) > 1 && code[0] == 0xff && code[1]&0xf8 == 0xe0 {
		t.tails++
	}
}

// slotAt finds the slot at an address, nil if there is none.
func (r *replay) slotAt(at uint64) *slot {
	for i := range r.sites {
		for n := range r.sites[i].slots {
			if s := &r.sites[i].slots[n]; r.Arena.Addr(s.off) == at {
				return s
			}
		}
	}
	return nil
}

// sameBytes compares what the step executes with what memory holds there.
func (r *replay) sameBytes(t *thread, s *sim.Step) error {
	in := r.textAt(t.stop.RIP)
	switch {
	case in == nil || in.freed || t.stop.Kind == exec.Trapped:
		return nil // nothing is executed, or the handler's answer, which shows in where it leads
	case s.Fetch != "":
		return r.sameFetch(t, s)
	}
	rel := int(t.stop.RIP - in.at)
	if len(s.Bytes) > len(in.Image.Code)-rel {
		return differs("the program ends behind %s, the witness has % x there", s.At, s.Bytes)
	}
	off := in.off + exec.Off(rel)
	got := r.Arena.Read(off, len(s.Bytes))
	for i := range got {
		if got[i] != s.Bytes[i] && !in.absolute(off+exec.Off(i)) {
			return differs("the bytes at %s are % x, the witness's % x", s.At, got, s.Bytes)
		}
	}
	return nil
}

// absolute says whether the byte at an offset is of an address, which is another one here.
func (t *loaded) absolute(off exec.Off) bool {
	for _, ref := range t.Image.Refs {
		if from := t.off + exec.Off(ref.Off); off >= from && off < from+exec.Off(ref.Size) {
			return true
		}
	}
	return false
}

// sameFetch wants the slot to hold what the thread fetches.
func (r *replay) sameFetch(t *thread, s *sim.Step) error {
	at := r.slotAt(t.stop.RIP)
	if at == nil {
		return differs("there is no slot at %s, the witness fetches %s of one", s.At, s.Fetch)
	}
	got := text.Insn(r.Arena.Read(at.off, text.Size))
	if s.Fetch == trapFetch {
		if got[0] != exec.Int3 {
			return r.noLonger(s, []byte{exec.Int3}, got)
		}
		return nil
	}
	raw, err := hex.DecodeString(s.Fetch)
	if err != nil || len(raw) != text.Size {
		return differs("the witness fetches %q", s.Fetch)
	}
	want, ok := at.real(text.Insn(raw))
	switch {
	case ok && want == got:
		return nil
	case !at.whole(want):
		return cannotForce("fetches a mixture of old bytes and new ones at %s (memory holds %v): a CPU cannot be made to", s.At, got)
	}
	return r.noLonger(s, want[:], got)
}

// noLonger is a fetch that cannot be forced.
func (r *replay) noLonger(s *sim.Step, want []byte, got text.Insn) error {
	return cannotForce("fetches bytes at %s that memory does not hold any more (% x, and memory holds %v): a CPU cannot be made to", s.At, want, got)
}
