package report

import (
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// TestDisagreements holds two answers against each other, in every way in which they may and may
// not contradict.
func TestDisagreements(t *testing.T) {
	judged := []protocol.Property{protocol.NeverA, protocol.NoUseAfterFree, protocol.Progress}
	clean := func(e protocol.Engine, v protocol.Verdict, threads, operations int) Verdict {
		return Verdict{Engine: e, Verdict: v, Properties: judged, ModelCounts: &ModelCounts{
			Explored: ModelShape{Threads: threads, Operations: operations},
		}}
	}
	narrow := clean(protocol.Machine, protocol.Safe, 2, 3)
	narrow.Narrow = true
	// Two threads act, in two operations.
	var steps []witness.Step
	for i := range 2 {
		enter := witness.Step{}
		enter.Actor = witness.Actor{Kind: witness.Thread, Index: i}
		call := witness.Step{}
		call.Action.Do = witness.Call
		steps = append(steps, enter, call)
	}
	broke := func(e protocol.Engine, p protocol.Property) Verdict {
		return Verdict{Engine: e, Verdict: protocol.Violated, Property: p, Properties: judged,
			ModelCounts: &ModelCounts{}, Witness: &witness.Witness{Steps: steps}}
	}
	seen := Verdict{Engine: protocol.CPU, Verdict: protocol.Violated, Property: protocol.Registers, Properties: judged,
		CPUCounts: &CPUCounts{}, Findings: []Finding{{Property: protocol.Registers}, {Property: protocol.NeverA}}}
	stalled := seen
	stalled.Property, stalled.Findings = protocol.Progress, nil
	behind := stalled
	behind.Findings = []Finding{{Property: protocol.TailLimit}}
	for name, c := range map[string]struct {
		says, broke Verdict
		want        protocol.Property
	}{
		"a proof and a witness":       {clean(protocol.Model, protocol.Proved, 1, 0), broke(protocol.Machine, protocol.NeverA), protocol.NeverA},
		"a proof and what a CPU did":  {clean(protocol.Model, protocol.Proved, 1, 0), seen, protocol.NeverA},
		"a property not judged":       {clean(protocol.Model, protocol.Proved, 1, 0), broke(protocol.Machine, protocol.Registers), ""},
		"within the bounds":           {clean(protocol.Machine, protocol.Safe, 2, 2), broke(protocol.Model, protocol.NeverA), protocol.NeverA},
		"nothing goes on":             {clean(protocol.Model, protocol.Proved, 1, 0), stalled, protocol.Progress},
		"a program does not end":      {clean(protocol.Model, protocol.Proved, 1, 0), behind, ""},
		"too many threads":            {clean(protocol.Machine, protocol.Safe, 1, 2), broke(protocol.Model, protocol.NeverA), ""},
		"too many operations":         {clean(protocol.Machine, protocol.Safe, 2, 1), broke(protocol.Model, protocol.NeverA), ""},
		"safe, and what a CPU did":    {clean(protocol.Machine, protocol.Safe, 2, 3), seen, ""},
		"not all of it was explored":  {narrow, broke(protocol.Model, protocol.NeverA), ""},
		"a bound was hit":             {clean(protocol.Model, protocol.Bounded, 1, 0), broke(protocol.Machine, protocol.NeverA), ""},
		"a CPU that saw nothing":      {Verdict{Engine: protocol.CPU, Verdict: protocol.NotObserved, Properties: judged}, broke(protocol.Model, protocol.NeverA), ""},
		"a kernel that does not obey": {clean(protocol.Model, protocol.Proved, 1, 0), broke(protocol.Kernel, protocol.NeverA), ""},
	} {
		d := Document{Verdicts: []Verdict{c.broke, c.says}}
		d.Conclude()
		if c.want == "" {
			if d.Disagreements != nil || d.Verdict != Violated {
				t.Errorf("%s: %v, %s", name, d.Disagreements, d.Verdict)
			}
			continue
		}
		engines := [2]protocol.Engine{c.says.Engine, c.broke.Engine}
		if len(d.Disagreements) != 1 || d.Disagreements[0].Property != c.want || d.Disagreements[0].Engines != engines || d.Verdict != Disagree {
			t.Errorf("%s: %v, %s", name, d.Disagreements, d.Verdict)
		}
	}
}
