package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// steeredFigures are what the engine steered took a kernel through.
func steeredFigures(v *report.Verdict) []string {
	s := v.Steered
	var out []string
	if v.Verdict == protocol.Violated {
		out = append(out, fmt.Sprintf("%s, in %s of %s", v.Property, grouped(brokenSchedules(v)), counted(s.Schedules, "schedule")))
	}
	out = append(out, fmt.Sprintf("%s taken in %s; %s more come to the same states", counted(s.Schedules, "schedule"), counted(s.Moves, "move"), grouped(s.Left)))
	if s.Impossible > 0 {
		var waits []string
		for _, name := range slices.Sorted(maps.Keys(s.Waits)) {
			waits = append(waits, fmt.Sprintf("%s in %s", grouped(s.Waits[name]), name))
		}
		out = append(out, fmt.Sprintf("%s impossible, as the mutator waits: %s", grouped(s.Impossible), strings.Join(waits, ", ")))
		if s.Alone > 0 {
			out = append(out, fmt.Sprintf("%s of these the model allows: the kernel waits for more than it has to", grouped(s.Alone)))
		}
	}
	if s.Emulator > 0 {
		out = append(out, counted(s.Emulator, "schedule")+" taken again, as the emulator's CPUs went wrong")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Refused)) {
		out = append(out, fmt.Sprintf("no caller %s: %s", name, s.Refused[name]))
	}
	return append(out, "Linux "+s.Release)
}

// brokenSchedules is in how many schedules the row's property was broken.
func brokenSchedules(v *report.Verdict) (n int) {
	for _, f := range v.Findings {
		if f.Property == v.Property {
			n += f.Count
		}
	}
	return n
}

func steeredSummary(s *report.SteeredCounts) string {
	return fmt.Sprintf("%s, %s impossible", counted(s.Schedules, "schedule"), grouped(s.Impossible))
}

// steeredParts are a table for each caller and its operations: a row for the places of readers, a letter
// for each point of the mutator.
func steeredParts(s *report.SteeredCounts) (out []part) {
	for _, c := range s.Cases {
		out = append(out, text(1, fmt.Sprintf("%s, %s, %s; %.1f s", c.Caller, c.Ops, counted(c.Readers, "reader"), c.Seconds))...)
		out = append(out, part{block: tableOf([]column[report.SteeredRow]{
			{"held at", func(r report.SteeredRow) string { return r.Places }},
			{"entered", func(r report.SteeredRow) string { return fmt.Sprint(r.Entered) }},
			{"with the mutator at its points", func(r report.SteeredRow) string { return strings.Repeat(" ", r.First) + r.Cells }},
		}, c.Rows), depth: 2})
	}
	if len(out) > 0 {
		out = append(out, text(1, "t tail, s skip, A state A, w impossible, . another stands for it, ! differs from the model")...)
	}
	return out
}

// kernelSteps are the moves of a witness that a kernel took, with what there was after each.
func kernelSteps(k *report.KernelSteps) []part {
	lines := append(steppedFigures(&k.Stepped), fmt.Sprintf("by the caller %s; Linux %s", k.Caller, k.Release))
	if k.Outcome == report.Refused && k.Taken < k.Steps {
		lines[0] = fmt.Sprintf("step %d: %s", k.Taken+1, lines[0])
	}
	all := tableOf([]column[report.KernelMove]{
		{"step", func(m report.KernelMove) string { return fmt.Sprint(m.Step) }},
		{"actor", func(m report.KernelMove) string { return m.Actor }},
		{"move", func(m report.KernelMove) string { return m.Words }},
		{"at", func(m report.KernelMove) string { return m.At }},
		{"slots", func(m report.KernelMove) string { return strings.Join(m.Slots, ", ") }},
		{"registers and stack", func(m report.KernelMove) string { return machineState(m) }},
	}, k.Moves)
	return []part{{name: string(protocol.Steered), word: string(k.Outcome), lines: lines}, {block: all, depth: 1}}
}

// machineState are the registers that tell frames apart, and the top of the stack; JSON has more.
func machineState(m report.KernelMove) string {
	var out []string
	for _, r := range m.Regs {
		if slices.Contains([]string{"rax", "rbx", "rbp", "rsp"}, r.Name) {
			out = append(out, r.Name+" "+r.Value)
		}
	}
	if len(m.Stack) > 0 {
		out = append(out, "stack "+strings.Join(m.Stack[:min(2, len(m.Stack))], " "))
	}
	return strings.Join(out, ", ")
}
