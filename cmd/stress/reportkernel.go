package main

import (
	"fmt"
	"strings"

	"tailpoke/stress/report"
)

// kernelFigures are what the kernel engine counted, how long operations took, and what the watcher
// saw of the kernel's text.
func kernelFigures(v report.Verdict) []string {
	c, k := v.CPUCounts, v.Kernel
	out := append(liveFigures(v),
		fmt.Sprintf("%s of these executions checked, in %s; %s, %s let go, %s freed", share(k.Checked, c.Executions),
			counted(uint64(k.Callers), "caller"), counted(c.Loads, "load"), counted(k.Releases, "array"), counted(k.Frees, "program")))
	for _, op := range []string{"install", "update", "remove"} {
		if l := k.Latencies[op]; l.Count > 0 {
			out = append(out, fmt.Sprintf("%-7s  median %s, 99 %% in %s, longest %s; %s of them beside executions", op, micros(l.Median), micros(l.P99), micros(l.Max), share(k.Overlapped[op], uint64(l.Count))))
		}
	}
	switch {
	case k.Watch != nil:
		out = append(out, watchFigures(k)...)
	case v.Verdict == "violated": // else it is the reason
		out = append(out, "nobody watched: "+k.Unwatched)
	}
	if c.Trace != nil {
		out = append(out, traceFigures(c.Trace))
	}
	return append(out, kernelText(k))
}

// watchFigures say how much of what operations do to a site was seen.
func watchFigures(k *report.KernelCounts) []string {
	seen := 0
	for _, p := range k.Phases {
		if p.Seen > 0 {
			seen++
		}
	}
	return []string{fmt.Sprintf("%s of the kernel's text: %d of %d phases of operations seen, %s",
		counted(k.Watch.Reads, "read"), seen, len(k.Phases), counted(uint64(len(k.Foreign)), "other pair"))}
}

// pairsText is the watcher's table: what the slots of a site held together, and how often that was read
// beside which operation.
func pairsText(k *report.KernelCounts) string {
	if k.Watch == nil {
		return ""
	}
	rows := [][]string{{"bypass", "target", "state", "install", "update", "remove", "idle"}}
	for _, p := range k.Watch.Seen {
		row := []string{p.Bypass, p.Target, p.State}
		for _, n := range []uint64{p.Install, p.Update, p.Remove, p.Idle} {
			row = append(row, grouped(n))
		}
		rows = append(rows, row)
	}
	var b strings.Builder
	for line := range strings.Lines(aligned(rows)) {
		b.WriteString("    " + line)
	}
	for _, p := range k.Phases {
		if p.Seen == 0 {
			fmt.Fprintf(&b, "    not seen: %s, %s and %s\n", p.Op, p.Bypass, p.Target)
		}
	}
	return b.String()
}

// kernelText names the kernel.
func kernelText(k *report.KernelCounts) string {
	text := "Linux " + k.Release
	if k.GraceMS > 0 {
		text += fmt.Sprintf(", a grace period of %.1f ms when idle", k.GraceMS)
	}
	return text
}

// share is a part in percent, rounded down: 100 is all.
func share(part, whole uint64) string {
	if whole == 0 {
		return "none"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(1000*part/whole)/10), ".0") + " %"
}

// micros writes a time that is given in microseconds.
func micros(us float64) string {
	if us >= 1000 {
		return fmt.Sprintf("%.1f ms", us/1000)
	}
	return fmt.Sprintf("%.0f us", us)
}
