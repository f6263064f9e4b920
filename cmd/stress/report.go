package main

import (
	"fmt"
	"strings"

	"tailpoke/stress/report"
)

// reportText is a report for people: the subject, a row for each engine, and the
// overall verdict on the last line.
func reportText(r *report.Document, again string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "subject  %s\n", subjectText(r.Subject))
	fmt.Fprintf(&b, "seed     %s\n", r.Seed)
	for _, v := range r.Verdicts {
		row(&b, v)
	}
	if len(r.Verdicts) == 1 && r.Verdicts[0].Kernel != nil { // it has the room
		b.WriteString(pairsText(r.Verdicts[0].Kernel))
	}
	if r.Verdict == report.Violated {
		fmt.Fprintf(&b, "again    %s\n", again)
	}
	fmt.Fprintf(&b, "%s\n", r.Verdict)
	return b.String()
}

func subjectText(s report.Subject) string {
	text := fmt.Sprintf("protocol %s, method %s, grace %s, layout %s; %s, %s, %s, %s",
		s.Protocol, s.Method, s.Grace, s.Layout, counted(uint64(s.Threads), "thread"),
		counted(uint64(s.Sites), "site"), counted(uint64(s.Programs), "program"), counted(uint64(s.Keys), "key"))
	if s.Object != "" {
		return text + fmt.Sprintf("; %s of %s", s.Entry, s.Object)
	}
	return text + "; generated"
}

// row writes the lines of one engine.
func row(b *strings.Builder, v report.Verdict) {
	head := fmt.Sprintf("%-7s  %-12s", v.Engine, v.Verdict)
	for _, line := range figures(v) {
		fmt.Fprintf(b, "%s  %s\n", head, line)
		head = strings.Repeat(" ", len(head))
	}
	for _, line := range v.Witness {
		fmt.Fprintf(b, "    %s\n", line)
	}
}

// figures says what an engine answers and what it counted.
func figures(v report.Verdict) []string {
	var out []string
	if v.Reason != "" {
		out = append(out, v.Reason)
	}
	switch {
	case v.ModelCounts != nil:
		out = append(out, modelFigures(v)...)
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

func modelFigures(v report.Verdict) []string {
	c := v.ModelCounts
	counts := fmt.Sprintf("%s, %s", counted(c.States, "state"), counted(c.Transitions, "transition"))
	switch v.Verdict {
	case "violated":
		return []string{fmt.Sprintf("%s, in %d steps; %s", v.Property, c.Depth, counts)}
	case "safe":
		if v.Engine == "machine" { // its bound is the reason
			return []string{counts}
		}
		fallthrough
	case "proved":
		return []string{"for any number of threads; " + counts}
	}
	return []string{fmt.Sprintf("%s explored; %s", counted(uint64(c.Explored.Threads), "thread"), counts)}
}

func cpuFigures(v report.Verdict) []string {
	c := v.CPUCounts
	out := liveFigures(v)
	if c.Trace != nil {
		out = append(out, traceFigures(c.Trace))
	}
	return append(out, fmt.Sprintf("%s, %s, %s", counted(c.Pokes, "poke"), counted(c.Traps, "trap"), counted(c.Loads, "load")))
}

// liveFigures are those of every engine that executes machine code.
func liveFigures(v report.Verdict) []string {
	c := v.CPUCounts
	var out []string
	switch {
	case v.Verdict == "violated":
		out = append(out, fmt.Sprintf("%s, first noticed after %.3f s", v.Property, c.FirstSeconds))
	case v.Verdict == "not-observed" && c.RateMax == 1:
		out = append(out, "too few cycles to bound how often a violation could happen")
	case v.Verdict == "not-observed" && c.RateMax > 0:
		out = append(out, fmt.Sprintf("fewer than 1 violation in %s (%.0f %%)",
			counted(uint64(1/c.RateMax), "cycle"), 100*c.Confidence))
	}
	if c.PatcherCounts != nil && !c.Boosted {
		out = append(out, "few operations: without real-time priorities (stress doctor) grace periods are slow")
	}
	return append(out,
		fmt.Sprintf("%s, %s with an operation", counted(c.Executions, "execution"), counted(c.Overlaps, "overlap")),
		fmt.Sprintf("%s, %s, %s, %s", counted(c.Installs, "install"), counted(c.Updates, "update"),
			counted(c.Removes, "remove"), counted(c.Cycles, "cycle")))
}
