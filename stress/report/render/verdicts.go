package render

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// verdicts is the view of what engines say: a row for each.
type verdicts struct{}

func (verdicts) parts(d *report.Document) []part {
	var out []part
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		out = append(out, verdictRow(v))
		if v.Witness != nil {
			out = append(out, part{block: v.Witness, depth: 1})
		}
		for _, f := range v.Findings {
			out = append(out, text(1, findingText(&f))...)
			out = append(out, text(2, f.Log...)...)
		}
	}
	if len(d.Verdicts) == 1 && d.Verdicts[0].Kernel != nil { // it has the room
		out = append(out, slotsParts(d.Verdicts[0].Kernel)...)
	}
	if len(d.Verdicts) == 1 && d.Verdicts[0].Steered != nil {
		out = append(out, steeredParts(d.Verdicts[0].Steered)...)
	}
	return out
}

func (verdicts) cases(d *report.Document) []testCase {
	var out []testCase
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		c := verdictCase(d, v)
		c.seen = append([]string{string(v.Verdict)}, figures(v)...)
		out = append(out, c)
	}
	return out
}

// verdictCase is what a test harness makes of an engine's answer.
func verdictCase(d *report.Document, v *report.Verdict) testCase {
	c := testCase{name: string(v.Engine), seconds: v.Seconds, result: expected(d, v.Verdict), why: v.Reason, detail: evidence(v)}
	if d.Lacks(v) {
		c.result = broken
	}
	switch c.result {
	case failed:
		c.why = fmt.Sprintf("%s %s, expected %s", v.Verdict, v.Property, expectText(d))
	case broken:
		if c.why = string(v.Verdict); v.Reason != "" {
			c.why += ": " + v.Reason
		}
	}
	return c
}

func expectText(d *report.Document) report.Overall {
	if d.Expect == "" {
		return report.Holds
	}
	return d.Expect
}

// evidence shows what is violated: the steps that lead there, or what executions did.
func evidence(v *report.Verdict) []string {
	return append(witnessLines(v.Witness), findingLines(v)...)
}

// findingLines are what executions did, a line each.
func findingLines(v *report.Verdict) []string {
	var out []string
	for i := range v.Findings {
		out = append(out, findingText(&v.Findings[i]))
		out = append(out, v.Findings[i].Log...)
	}
	return out
}

// witnessLines is a witness, a line a step.
func witnessLines(w *witness.Witness) []string {
	if w == nil {
		return nil
	}
	return lines(w.String())
}

// verdictRow is the row of an engine.
func verdictRow(v *report.Verdict) part {
	return part{name: string(v.Engine), word: string(v.Verdict), lines: figures(v)}
}

// figures say what an engine answers and what it counted.
func figures(v *report.Verdict) []string {
	var out []string
	if v.Reason != "" {
		out = append(out, v.Reason)
	}
	switch {
	case v.Steered != nil:
		out = append(out, steeredFigures(v)...)
	case v.ModelCounts != nil:
		out = append(out, exploredFigures(v)...)
	case v.Kernel != nil:
		out = append(out, kernelFigures(v)...)
	case v.CPUCounts != nil:
		out = append(out, cpuFigures(v)...)
	}
	if len(out) == 0 {
		return []string{fmt.Sprintf("%.1f s", v.Seconds)}
	}
	out[len(out)-1] += fmt.Sprintf("; %.1f s", v.Seconds)
	return out
}

// exploredFigures are those of engines that go through every order.
func exploredFigures(v *report.Verdict) []string {
	c := v.ModelCounts
	counts := fmt.Sprintf("%s, %s", counted(c.States, "state"), counted(c.Transitions, "transition"))
	switch v.Verdict {
	case protocol.Violated:
		return []string{fmt.Sprintf("%s, in %s; %s", v.Property, counted(c.Depth, "step"), counts)}
	case protocol.Safe:
		if v.Engine == protocol.Machine { // its bound is the reason
			return []string{counts}
		}
		fallthrough
	case protocol.Proved:
		return []string{"for any number of threads; " + counts}
	}
	return []string{fmt.Sprintf("%s explored; %s", counted(c.Explored.Threads, "thread"), counts)}
}
