package step

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/sim"
)

// seen looks for the violation after the last step, and says what is to be seen of it.
func (r *replay) seen(s *witness.Step) (string, error) {
	if s.Actor.Kind != witness.Thread {
		if r.mutator.refused == nil {
			return "", differs("the patcher has no objection, the witness %s", r.w.Text)
		}
		return r.mutator.refused.Error(), nil
	}
	t := r.threads[s.Actor.Index]
	var what string
	var err error
	switch r.w.Property {
	case protocol.NeverA:
		what, err = r.seenForbidden(t)
	case protocol.NoUseAfterFree:
		what, err = r.seenFreed(t)
	case protocol.NoTorn:
		what, err = r.seenTorn(t, s)
	case protocol.TailLimit:
		what, err = r.seenTails(t)
	case protocol.Registers:
		what, err = r.seenRegisters(t)
	default:
		err = fmt.Errorf("a witness of %s: no thread breaks that", r.w.Property)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%v %s", s.Actor, what), nil
}

// seenForbidden wants the thread in front of an instruction of a slot that breaks the property: it
// has come there by a path that is forbidden.
func (r *replay) seenForbidden(t *thread) (string, error) {
	from := t.stop.RIP
	at := r.slotAt(from)
	if at == nil {
		return "", differs("the thread %s, which is no slot", r.stopText(t))
	}
	where := fmt.Sprintf("the %v %s", at.which, r.where(from))
	if t.stop.Kind == exec.Trapped {
		if err := r.single(t); err != nil {
			return "", err
		}
		i := at.find(func(i *instr) bool {
			return i.breaks == r.w.Property && r.Arena.Addr(i.next) == t.stop.RIP
		})
		if i == nil {
			return "", differs("the handler at %s breaks nothing: the thread %s", where, r.stopText(t))
		}
		return fmt.Sprintf("trapped at %s, and its handler has answered as %s: %s",
			where, r.w.Holds(i.text), r.w.Text), nil
	}
	got := text.Insn(r.Arena.Read(at.off, text.Size))
	i := at.holds(got)
	if i == nil || i.breaks != r.w.Property {
		return "", differs("%s holds %v, which breaks nothing", where, got)
	}
	return fmt.Sprintf("stands at %s, which holds %s: %s", where, r.w.Holds(i.text), r.w.Text), nil
}

// seenFreed wants the thread in text that has been freed.
func (r *replay) seenFreed(t *thread) (string, error) {
	in := r.textAt(t.stop.RIP)
	if in == nil || !r.erased(in) {
		return "", differs("the thread %s, which is not freed", r.stopText(t))
	}
	return fmt.Sprintf("%s, which has been freed: all its bytes are int3", r.stopText(t)), nil
}

// seenTorn wants the thread in front of bytes that never were an instruction, or at an int3 that
// no poke answers for.
func (r *replay) seenTorn(t *thread, s *witness.Step) (string, error) {
	in, at := r.textAt(t.stop.RIP), r.slotAt(t.stop.RIP)
	switch {
	case t.stop.Kind == exec.Trapped:
		where := r.where(t.stop.RIP)
		if err := r.single(t); err != nil {
			return "", err
		}
		if t.stop.Kind != exec.Faulted {
			return "", differs("the handler has an answer to the int3 at %s", where)
		}
		return fmt.Sprintf("met the int3 at %s, and no poke answers for it", where), nil
	case t.stop.Kind != exec.Stands || in == nil:
		return "", differs("the thread %s, the witness %s", r.stopText(t), r.w.Text)
	case s.Code.Count > 0:
		if slices.Contains(in.Image.Starts, jit.Off(t.stop.RIP-in.at)) {
			return "", differs("the thread %s, where an instruction begins", r.stopText(t))
		}
		return fmt.Sprintf("%s, where no instruction begins", r.stopText(t)), nil
	case at == nil:
		return "", differs("the thread %s, which is no slot", r.stopText(t))
	}
	got := text.Insn(r.Arena.Read(at.off, text.Size))
	if at.holds(got) != nil {
		return "", differs("the slot at %s holds %v, a whole instruction", r.where(t.stop.RIP), got)
	}
	return fmt.Sprintf("%s, in front of %v, which never was an instruction of that slot",
		r.stopText(t), got), nil
}

// seenTails wants one tail call too many.
func (r *replay) seenTails(t *thread) (string, error) {
	if t.tails != sim.TailLimit+1 {
		return "", differs("the execution has taken %d tail calls, the witness %s", t.tails, r.w.Text)
	}
	return fmt.Sprintf("has taken %d tail calls in one execution, and %s", t.tails, r.stopText(t)), nil
}

// seenRegisters wants something lost, a value that no path gives, or a crash.
func (r *replay) seenRegisters(t *thread) (string, error) {
	lost := lost(t.stop.Anomaly)
	switch {
	case t.stop.Kind == exec.Faulted:
	case t.stop.Kind != exec.Returned:
		return "", cannotForce("%s: a CPU carries that out without a word", r.w.Text)
	case lost == "" && (r.c.Outcomes == nil || slices.Contains(r.c.Outcomes, t.stop.Regs[0])):
		return "", differs("the thread %s, and nothing is lost; the witness %s", r.stopText(t), r.w.Text)
	case lost == "":
		return r.stopText(t) + ", which no path of the programs gives", nil
	}
	return join(r.stopText(t), lost), nil
}

// letGo lets the thread go on and says what becomes of it; "" if it has ended.
func (r *replay) letGo(n int) (string, error) {
	t := r.threads[n]
	if !t.inside {
		return "", nil
	}
	var err error
	if r.w.Property == protocol.NoTorn {
		err = r.stepOn(t)
	} else {
		t.stop, err = t.Free(freeLimit)
	}
	switch {
	case errors.Is(err, exec.ErrLimit):
		return fmt.Sprintf("thread %d did not come back within %v, and was thrown out", n, freeLimit), nil
	case err != nil:
		return "", err
	}
	t.inside = false
	end := cmp.Or(r.didText(t), r.stopText(t))
	if t.stop.Kind == exec.Returned {
		end = join(end, lost(t.stop.Anomaly))
	}
	return fmt.Sprintf("thread %d %s", n, end), nil
}

// stepOn lets the thread go on under the trap flag: torn bytes may lead anywhere, and a stepped
// thread that leaves the images is caught before it executes anything there.
func (r *replay) stepOn(t *thread) error {
	for end := time.Now().Add(freeLimit); t.inside; {
		if time.Now().After(end) {
			return exec.ErrLimit
		}
		if err := r.single(t); err != nil {
			return err
		}
	}
	return nil
}

// lost says which registers an execution did not give back.
func lost(a exec.Anomaly) string {
	var names []string
	for i, name := range [...]string{"rbx", "rbp", "r12", "r13", "r14", "r15"} {
		if a.Regs[i] != a.Canary[i] {
			names = append(names, name)
		}
	}
	if a.RSPOff != 0 {
		names = append(names, "rsp")
	}
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0] + " is not the caller's"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " are not the caller's"
	}
}

// join joins two remarks, if there are two.
func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ", " + b
}
