package step

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/sim"
)

// stopText says where a thread is.
func (r *replay) stopText(t *thread) string {
	switch t.stop.Kind {
	case exec.Trapped:
		return "has trapped at " + r.where(t.stop.RIP)
	case exec.Returned:
		return fmt.Sprintf("has returned %#x", t.stop.Regs[0])
	case exec.Faulted:
		return fmt.Sprintf("has faulted at %s with signal %d", r.where(t.stop.RIP), t.stop.Anomaly.Signal)
	}
	return "stands at " + r.where(t.stop.RIP)
}

// samePosition compares where the thread is behind a step.
func (r *replay) samePosition(t *thread, s *sim.Step) error {
	want := s.View.Threads[s.Actor]
	at, trapped := strings.CutSuffix(want, ", trapped")
	at, _, _ = strings.Cut(at, " (")
	same := false
	switch t.stop.Kind {
	case exec.Stands, exec.Trapped:
		same = r.where(t.stop.RIP) == at && (t.stop.Kind == exec.Trapped) == trapped
	case exec.Returned:
		same = want == "idle"
	}
	if same {
		return nil
	}
	return differs("thread %d %s behind %d instructions from %s, the witness is at %s", s.Actor, r.stopText(t), s.Count, s.At, want)
}

// sameRegs compares the registers that a step names. Of a thread that faulted they are not known.
func (r *replay) sameRegs(t *thread, s *sim.Step) error {
	if t.stop.Kind == exec.Faulted {
		return nil
	}
	for _, reg := range s.Regs {
		n := slices.Index(regNames[:], reg.Name)
		if n < 0 {
			return differs("the witness has a register %q", reg.Name)
		}
		want, ok := t.real(r, reg.Value)
		if got := t.stop.Regs[n]; ok && got != want {
			return differs("thread %d %s with %s = %#x, the witness with %#x (%#x there)", s.Actor, r.stopText(t), reg.Name, got, want, reg.Value)
		}
	}
	return nil
}

// sameSites compares what the slots hold.
func (r *replay) sameSites(v sim.View) error {
	if len(v.Sites) != len(r.sites) {
		return differs("%d sites, the witness has %d", len(r.sites), len(v.Sites))
	}
	for i, s := range v.Sites {
		if s.Bypass == "freed" {
			continue // see sameFreed
		}
		for which, name := range [protocol.Slots]string{s.Bypass, s.Target} {
			if err := r.sameSlot(&r.sites[i].slots[which], name); err != nil {
				return differs("%v of site %s: %v", protocol.Slot(which), s.Name, err)
			}
		}
	}
	return nil
}

// sameSlot compares a slot with what a view calls its content. The star says that some CPU
// may fetch something else.
func (r *replay) sameSlot(s *slot, name string) error {
	name = strings.TrimSuffix(name, "*")
	want, err := r.content(s, name)
	if err != nil {
		return err
	}
	if got := text.Insn(r.Arena.Read(s.off, text.Size)); got != want {
		return fmt.Errorf("holds %v, the witness's %s (%v)", got, name, want)
	}
	return nil
}

// content is what a view calls by a name.
func (r *replay) content(s *slot, name string) (text.Insn, error) {
	switch to, jumps := strings.CutPrefix(name, "jmp "); {
	case name == "nop":
		return text.Nop, nil
	case name == "jmp out":
		return s.wholes[1].real, nil
	case jumps:
		i := slices.IndexFunc(r.texts, func(t *loaded) bool { return t.name == to })
		if i < 0 {
			return text.Insn{}, fmt.Errorf("the witness's leads to %q, which is not loaded", to)
		}
		return text.Jump(s.off, r.texts[i].landing()), nil
	}
	raw, err := hex.DecodeString(strings.Replace(name, "int3 ", trapFetch, 1))
	if err == nil && len(raw) == text.Size {
		if out, ok := s.real(text.Insn(raw)); ok {
			return out, nil
		}
	}
	return text.Insn{}, fmt.Errorf("the witness's holds %q, which is made of no instructions of the slot", name)
}
