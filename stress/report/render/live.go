package render

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

func cpuFigures(v *report.Verdict) []string {
	c := v.CPUCounts
	out := liveFigures(v)
	if c.Trace != nil {
		out = append(out, traceFigures(c.Trace))
	}
	return append(out, fmt.Sprintf("%s, %s, %s", counted(c.Pokes, "poke"), counted(c.Traps, "trap"), counted(c.Loads, "load")))
}

// liveFigures are those of every engine that executes machine code.
func liveFigures(v *report.Verdict) []string {
	c := v.CPUCounts
	var out []string
	switch {
	case v.Verdict == protocol.Violated:
		out = append(out, fmt.Sprintf("%s, first noticed after %.3f s", v.Property, c.FirstSeconds))
	case v.Verdict == protocol.NotObserved && c.RateMax == 1:
		out = append(out, "too few cycles to bound how often a violation could happen")
	case v.Verdict == protocol.NotObserved && c.RateMax > 0:
		out = append(out, fmt.Sprintf("fewer than 1 violation in %s (%.0f %%)",
			counted(uint64(1/c.RateMax), "cycle"), 100*c.Confidence))
	}
	if c.PatcherCounts != nil && !c.Boosted {
		out = append(out, "few operations: without real-time priorities (stress doctor) grace periods are slow")
	}
	out = append(out,
		fmt.Sprintf("%s, %s with an operation", counted(c.Executions, "execution"), counted(c.Overlaps, "overlap")),
		fmt.Sprintf("%s, %s, %s, %s", counted(c.Installs, "install"), counted(c.Updates, "update"),
			counted(c.Removes, "remove"), counted(c.Cycles, "cycle")))
	return append(out, outcomeFigures(c.Outcomes)...)
}

// outcomeFigures are the table of what executions came to; nothing where none was looked at.
func outcomeFigures(o report.Outcomes) []string {
	type row struct {
		name, expectation string
		count             uint64
	}
	all := []row{
		{"skip", "expected", o.Skip}, {"tail", "expected", o.Tail},
		{"A", "forbidden", o.A}, {"torn", "forbidden", o.Torn}, {"crash", "forbidden", o.Crash}, {"other", "forbidden", o.Other},
	}
	if o.Unknown > 0 {
		all = slices.Insert(all, 2, row{"unknown", "expected", o.Unknown})
	}
	if !slices.ContainsFunc(all, func(r row) bool { return r.count > 0 }) {
		return nil
	}
	return lines(tableOf([]column[row]{
		{"outcome", func(r row) string { return r.name }},
		{"expectation", func(r row) string { return r.expectation }},
		{"executions", func(r row) string { return grouped(r.count) }},
	}, all).String())
}

// traceFigures say in the row of an engine what became of its trace.
func traceFigures(t *report.Trace) string {
	text := counted(t.Events-t.Omitted, "event") + ", "
	if t.Conforms {
		text = "trace conforms: " + text + "all consumed"
	} else {
		text = "trace: " + text + grouped(t.Consumed) + " consumed: " + t.Reason
	}
	if t.Omitted > 0 {
		text += fmt.Sprintf("; %s more were omitted", grouped(t.Omitted))
	}
	return text
}

// kernelFigures are what the kernel engine counted, how long operations took, and what the watcher
// saw of the kernel's text.
func kernelFigures(v *report.Verdict) []string {
	c, k := v.CPUCounts, v.Kernel
	out := append(liveFigures(v),
		fmt.Sprintf("%s of these executions checked, in %s; %s, %s let go, %s freed", share(k.Checked, c.Executions),
			counted(k.Callers, "caller"), counted(c.Loads, "load"), counted(k.Releases, "array"), counted(k.Frees, "program")))
	for _, op := range []string{"install", "update", "remove"} {
		if l := k.Latencies[op]; l.Count > 0 {
			out = append(out, fmt.Sprintf("%-7s  median %s, 99 %% in %s, longest %s; %s of them beside executions",
				op, micros(l.Median), micros(l.P99), micros(l.Max), share(k.Overlapped[op], uint64(l.Count))))
		}
	}
	if w := k.Windows; w != nil {
		out = append(out, fmt.Sprintf("windows across a page: %d of %s, after %s",
			w.Across, counted(w.Sites, "site"), counted(w.Loads, "load")))
	}
	switch {
	case k.Watch != nil:
		out = append(out, watchFigures(k))
	case v.Verdict == protocol.Violated: // else it is the reason
		out = append(out, "not watched: "+k.Unwatched)
	}
	if c.Trace != nil {
		out = append(out, traceFigures(c.Trace))
	}
	kernel := "Linux " + k.Release
	if k.GraceMS > 0 {
		kernel += fmt.Sprintf(", a grace period of %.1f ms when idle", k.GraceMS)
	}
	return append(out, kernel)
}

// watchFigures say how much of what operations do to a site was seen.
func watchFigures(k *report.KernelCounts) string {
	seen := 0
	for _, p := range k.Phases {
		if p.Seen > 0 {
			seen++
		}
	}
	return fmt.Sprintf("%s of the kernel's text: %d of %d phases of operations seen, %s",
		counted(k.Watch.Reads, "read"), seen, len(k.Phases), counted(len(k.Foreign), "other pair"))
}

// slotColumns are the watcher's table: what the slots of a site held together, and how often that
// was read while which operation was in progress.
func slotColumns(slots []string) []column[report.SlotsCount] {
	var out []column[report.SlotsCount]
	for i, name := range slots {
		out = append(out, column[report.SlotsCount]{name, func(c report.SlotsCount) string { return c.Slots[i] }})
	}
	return append(out, []column[report.SlotsCount]{
		{"state", func(c report.SlotsCount) string { return c.State }},
		{"install", func(c report.SlotsCount) string { return grouped(c.Install) }},
		{"update", func(c report.SlotsCount) string { return grouped(c.Update) }},
		{"remove", func(c report.SlotsCount) string { return grouped(c.Remove) }},
		{"idle", func(c report.SlotsCount) string { return grouped(c.Idle) }},
	}...)
}

func slotsParts(k *report.KernelCounts) []part {
	if k.Watch == nil {
		return nil
	}
	out := []part{{block: tableOf(slotColumns(k.Watch.Slots), k.Watch.Seen), depth: 1}}
	for _, p := range k.Phases {
		if p.Seen == 0 {
			out = append(out, text(1, fmt.Sprintf("not seen: %s, %s", p.Op, strings.Join(p.Slots, " and ")))...)
		}
	}
	return out
}
