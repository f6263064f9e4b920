package render

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// replay is the view of a witness that was taken again, with the row of the other engine below it,
// and that of the real CPUs.
type replay struct{ *report.Replay }

func (r replay) parts(*report.Document) []part {
	head := fmt.Sprintf("%s, in %s%s", r.Property, counted(r.Steps, "step"), forEver(r.Cycle))
	out := []part{{name: string(r.Engine), word: string(report.Violated), lines: []string{head}}}
	out = append(out, part{block: r.Witness, depth: 1})
	if r.Kernel != nil {
		return append(out, kernelSteps(r.Kernel)...)
	}
	out = append(out, verdictRow(r.Other())) // one witness is enough
	return append(out, part{name: string(protocol.CPU), word: string(r.CPU.Outcome), lines: steppedFigures(r.CPU)})
}

func (r replay) cases(d *report.Document) []testCase {
	first := report.Verdict{Engine: r.Engine, Verdict: protocol.Violated, Property: r.Property, Witness: r.Witness}
	if k := r.Kernel; k != nil {
		c := testCase{name: string(protocol.Steered), seen: steppedFigures(&k.Stepped), why: k.Text}
		if k.Outcome != report.Taken {
			c.result = skipped
		}
		return []testCase{verdictCase(d, &first), c}
	}
	out := []testCase{verdictCase(d, &first), verdictCase(d, r.Other())}
	stepped := testCase{name: string(protocol.CPU), seen: steppedFigures(r.CPU), why: r.CPU.Text}
	switch r.CPU.Outcome {
	case report.Differs:
		stepped.result = failed
	case report.NotStepped, report.NotForced:
		stepped.result = skipped
	}
	return append(out, stepped)
}

// SVG draws the witness of a document that has one that was replayed.
func SVG(d *report.Document) []byte {
	for _, s := range d.Sections {
		if r, ok := s.(*report.Replay); ok {
			return r.Witness.SVG(patchingText(d.Subject))
		}
	}
	return nil
}

// forEver says how many of the last steps repeat.
func forEver(cycle int) string {
	switch cycle {
	case 0:
		return ""
	case 1:
		return ", the last of which repeats for ever"
	}
	return fmt.Sprintf(", the last %d of which repeat for ever", cycle)
}

// steppedFigures say what became of the steps on real CPUs.
func steppedFigures(s *report.Stepped) []string {
	taken := fmt.Sprintf("%d of %d steps as the witness says", s.Taken, s.Steps)
	switch s.Outcome {
	case report.Taken:
		out := []string{taken, s.Source.Behind(s.Seen)}
		if s.Then != "" {
			out = append(out, "let go, "+s.Then)
		}
		return out
	case report.NotStepped:
		return []string{s.Text}
	}
	return []string{s.Text, taken}
}
