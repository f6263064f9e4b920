package report

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// Disagreement is a pair of answers that cannot both be right. It says nothing of the subject: one
// of the engines is wrong.
type Disagreement struct {
	Property protocol.Property  `json:"property"`
	Engines  [2]protocol.Engine `json:"engines"` // which found no violation, and which found one
	Text     string             `json:"text"`
}

// Disagreements lists them. An engine that went through everything within its bounds cannot have
// missed a violation there of a property that it judged. The engines kernel and steered are left out:
// they judge the code of a kernel, which may do something else than the protocol's text says. That
// operations go on is said of programs that end: one that breaks the limit of tail calls may not.
func Disagreements(vs []Verdict) []Disagreement {
	var out []Disagreement
	endless := slices.ContainsFunc(vs, func(v Verdict) bool {
		return v.Verdict == protocol.Violated && slices.Contains(v.broken(), protocol.TailLimit)
	})
	for i := range vs {
		for j := range vs {
			says, broke := &vs[i], &vs[j]
			if broke.Verdict != protocol.Violated || broke.Engine == protocol.Kernel || broke.Engine == protocol.Steered || !says.covers(broke) {
				continue
			}
			for _, p := range broke.broken() {
				if slices.Contains(says.Properties, p) && !(endless && p == protocol.Progress) {
					out = append(out, Disagreement{p, [2]protocol.Engine{says.Engine, broke.Engine},
						fmt.Sprintf("%s is %s by the %s engine and violated by the %s engine, within the bounds of the former",
							p, says.Verdict, says.Engine, broke.Engine)})
				}
			}
		}
	}
	return out
}

// broken are the properties that an engine saw broken.
func (v *Verdict) broken() []protocol.Property {
	out := []protocol.Property{v.Property}
	for _, f := range v.Findings {
		if !slices.Contains(out, f.Property) {
			out = append(out, f.Property)
		}
	}
	return out
}

// covers reports whether an engine went through everything that another says, and found nothing.
func (v *Verdict) covers(other *Verdict) bool {
	if v.ModelCounts == nil || v.Narrow {
		return false
	}
	switch v.Verdict {
	case protocol.Proved:
		return true
	case protocol.Safe:
		return other.Witness != nil && v.Explored.holds(other.Witness)
	}
	return false
}

// holds reports whether the executions that were explored are among these.
func (s *ModelShape) holds(w *witness.Witness) bool {
	threads, operations := map[int]bool{}, 0
	for i := range w.Steps {
		step := &w.Steps[i]
		if step.Actor.Kind == witness.Thread {
			threads[step.Actor.Index] = true
		}
		if step.Call != nil || step.Action.Do == witness.Call {
			operations++
		}
	}
	return len(threads) <= s.Threads && (s.Operations == 0 || operations <= s.Operations)
}
