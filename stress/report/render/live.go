package render

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

func cpuFigures(v *report.Verdict) []string {
	return slices.Concat(liveFigures(v), outcomeFigures(v.Outcomes), cpuRest(v))
}

// cpuRest are the last figures of our own patcher's engine.
func cpuRest(v *report.Verdict) []string {
	var out []string
	if v.Trace != nil {
		out = append(out, traceFigures(v.Trace))
	}
	if v.PatcherCounts != nil {
		out = append(out, fmt.Sprintf("%s, %s, %s", counted(v.Pokes, "poke"), counted(v.Traps, "trap"), counted(v.Loads, "load")))
	}
	return out
}

// liveFigures are those of every engine that executes machine code, but for the table of outcomes.
func liveFigures(v *report.Verdict) []string {
	c := v.CPUCounts
	out := liveClaims(v)
	if c.PatcherCounts != nil && !c.Boosted {
		out = append(out, "few operations: without real-time priorities (stress doctor) grace periods are slow")
	}
	return append(out,
		fmt.Sprintf("%s, %s with an operation", counted(c.Executions, "execution"), counted(c.Overlaps, "overlap")),
		fmt.Sprintf("%s, %s, %s, %s", counted(c.Installs, "install"), counted(c.Updates, "update"),
			counted(c.Removes, "remove"), counted(c.Cycles, "cycle")))
}

// liveClaims say what was found, or how rare it is at most.
func liveClaims(v *report.Verdict) []string {
	c := v.CPUCounts
	switch {
	case v.Verdict == protocol.Violated:
		return []string{fmt.Sprintf("%s, first noticed after %.3f s", v.Property, c.FirstSeconds)}
	case v.Verdict == protocol.NotObserved && c.RateMax == 1:
		return []string{"too few cycles to bound how often a violation could happen"}
	case v.Verdict == protocol.NotObserved && c.RateMax > 0:
		return []string{fmt.Sprintf("fewer than 1 violation in %s (%.0f %%)",
			counted(uint64(1/c.RateMax), "cycle"), 100*c.Confidence)}
	}
	return nil
}

// An outcomeRow is what some executions came to.
type outcomeRow struct {
	name, expectation string
	count             uint64
}

// outcomeRows are what executions came to; nil where none was looked at.
func outcomeRows(o report.Outcomes) []outcomeRow {
	all := []outcomeRow{
		{"skip", "expected", o.Skip}, {"tail", "expected", o.Tail}, {"unknown", "expected", o.Unknown},
		{"A", "forbidden", o.A}, {"torn", "forbidden", o.Torn}, {"crash", "forbidden", o.Crash}, {"other", "forbidden", o.Other},
		{"unrecorded", "forbidden", o.Unrecorded},
	}
	if !slices.ContainsFunc(all, func(r outcomeRow) bool { return r.count > 0 }) {
		return nil
	}
	return slices.DeleteFunc(all, func(r outcomeRow) bool {
		return r.count == 0 && (r.name == "unknown" || r.name == "unrecorded")
	})
}

// outcomeTable is them as a table, or nil.
func outcomeTable(o report.Outcomes) *table.Table {
	all := outcomeRows(o)
	if all == nil {
		return nil
	}
	return tableOf([]column[outcomeRow]{
		{"outcome", func(r outcomeRow) string { return r.name }},
		{"expectation", func(r outcomeRow) string { return r.expectation }},
		{"executions", func(r outcomeRow) string { return grouped(r.count) }},
	}, all)
}

func outcomeFigures(o report.Outcomes) []string {
	if t := outcomeTable(o); t != nil {
		return lines(t.String())
	}
	return nil
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
	return slices.Concat(liveFigures(v), outcomeFigures(v.Outcomes), []string{checkedFigure(v)}, latencyFigures(v.Kernel), kernelRest(v))
}

func checkedFigure(v *report.Verdict) string {
	k := v.Kernel
	return fmt.Sprintf("%s of these executions checked, in %s; %s, %s let go, %s freed", share(k.Checked, v.Executions),
		counted(k.Callers, "caller"), counted(v.Loads, "load"), counted(k.Releases, "array"), counted(k.Frees, "program"))
}

func latencyFigures(k *report.KernelCounts) []string {
	var out []string
	for _, op := range operations {
		if l := k.Latencies[op]; l.Count > 0 {
			out = append(out, fmt.Sprintf("%-7s  median %s, 99 %% in %s, longest %s; %s of them beside executions",
				op, micros(l.Median), micros(l.P99), micros(l.Max), share(k.Overlapped[op], uint64(l.Count))))
		}
	}
	return out
}

// operations are those of keys, in the order in which people read them.
var operations = []string{"install", "update", "remove"}

// kernelRest are the last figures of the kernel engine.
func kernelRest(v *report.Verdict) []string {
	k := v.Kernel
	var out []string
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
	if v.Trace != nil {
		out = append(out, traceFigures(v.Trace))
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
	return append(out, text(1, unseenPhases(k)...)...)
}

// unseenPhases are the phases of operations that the watcher never read.
func unseenPhases(k *report.KernelCounts) []string {
	var out []string
	for _, p := range k.Phases {
		if p.Seen == 0 {
			out = append(out, fmt.Sprintf("not seen: %s, %s", p.Op, strings.Join(p.Slots, " and ")))
		}
	}
	return out
}
