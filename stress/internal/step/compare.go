package step

import (
	"fmt"
	"slices"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/sim/x86"
)

// stopText says where a thread is.
func (r *replay) stopText(t *thread) string {
	if did := r.didText(t); did != "" {
		return "has " + did
	}
	return "stands at " + r.where(t.stop.RIP)
}

// didText says what has stopped a thread; "" if it stands in front of its next instruction.
func (r *replay) didText(t *thread) string {
	switch t.stop.Kind {
	case exec.Trapped:
		return "trapped at " + r.where(t.stop.RIP)
	case exec.Returned:
		return fmt.Sprintf("returned %#x", t.stop.Regs[0])
	case exec.Faulted:
		return fmt.Sprintf("faulted at %s with signal %d", r.where(t.stop.RIP), t.stop.Anomaly.Signal)
	}
	return ""
}

// samePosition compares where the thread is after a step.
func (r *replay) samePosition(t *thread, s *witness.Step) error {
	want := s.View.Threads[s.Actor.Index]
	same := false
	switch t.stop.Kind {
	case exec.Stands, exec.Trapped:
		same = r.standsAt(t, want) && (t.stop.Kind == exec.Trapped) == want.Trapped
	case exec.Returned:
		same = want.Place == witness.Idle
	}
	if same {
		return nil
	}
	return differs("%v %s after %d instructions from %s, the witness is at %s",
		s.Actor, r.stopText(t), s.Code.Count, r.w.Where(s.Code.At), r.w.Where(want))
}

// standsAt reports whether a thread stands where the witness says.
func (r *replay) standsAt(t *thread, p witness.Position) bool {
	switch p.Place {
	case witness.InCode, witness.AtSlot:
		return t.stop.RIP == r.texts[p.Program].at+uint64(p.Off)
	case witness.Outside:
		at, ok := t.real(r, p.Addr)
		return ok && t.stop.RIP == at
	}
	return false
}

// sameRegs compares the registers that a step names. Of a thread that faulted they are not known.
func (r *replay) sameRegs(t *thread, s *witness.Step) error {
	if t.stop.Kind == exec.Faulted {
		return nil
	}
	for _, reg := range s.Code.Regs {
		n, known := x86.RegByName(reg.Name)
		if !known {
			return differs("the witness has a register %q", reg.Name)
		}
		want, ok := t.real(r, reg.Value)
		if got := t.stop.Regs[n]; ok && got != want {
			return differs("%v %s with %v = %#x, the witness with %#x (%#x there)",
				s.Actor, r.stopText(t), n, got, want, reg.Value)
		}
	}
	return nil
}

// sameSites compares what the slots hold.
func (r *replay) sameSites(v *witness.View) error {
	if len(v.Sites) != len(r.sites) {
		return differs("%d sites, the witness has %d", len(r.sites), len(v.Sites))
	}
	for i := range v.Sites {
		if v.Sites[i].Gone {
			continue // see sameFreed
		}
		for n := range v.Sites[i].Slots {
			if err := r.sameSlot(&r.sites[i].slots[n], &v.Sites[i].Slots[n]); err != nil {
				return differs("%v of %s: %v", protocol.Slot(n), r.w.SiteName(i), err)
			}
		}
	}
	return nil
}

// sameSlot compares what a slot holds. Memory does not show what else some CPU may fetch.
func (r *replay) sameSlot(s *slot, v *witness.SlotView) error {
	want, ok := s.shows(v)
	if !ok {
		return fmt.Errorf("the witness's holds % x, which is made of no instructions of the slot",
			v.Bytes)
	}
	if got := text.Insn(r.Arena.Read(s.off, text.Size)); got != want {
		return fmt.Errorf("holds %v, the witness's %s (%v)", got, r.w.Holds(v.SlotText), want)
	}
	return nil
}

// real translates a value that a thread has in the witness, where things lie elsewhere. ok is false
// for addresses of structs, which are not followed.
func (t *thread) real(r *replay, v uint64) (own uint64, ok bool) {
	m := r.w.Memory
	if n := slices.Index(m.Entry[:], v); n >= 0 {
		return t.entry[n], true
	}
	if n := slices.Index(m.Caller, v); n >= 0 {
		return t.caller[n], true
	}
	switch {
	case v == m.Return:
		return t.ret, true
	case m.Data.Has(v):
		return 0, false
	case inOrAfter(m.Stack, v):
		return v - m.Entry[x86.RSP] + t.entry[x86.RSP], true
	case inOrAfter(m.Context, v):
		return v - m.Entry[x86.RDI] + t.entry[x86.RDI], true
	}
	for n, p := range m.Programs {
		if p.Has(v) {
			return v - p.At + r.texts[n].at, true
		}
	}
	return v, true
}

// inOrAfter reports whether an address is one of the region, or that of its end.
func inOrAfter(r witness.Region, at uint64) bool { return at-r.At <= r.Size }
