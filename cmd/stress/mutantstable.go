package main

import (
	"fmt"
	"strings"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

// mutantsText is the zoo's table: a row for each mutant, and on the last line whether
// all got what they must get.
func mutantsText(r *report.Mutants) string {
	head := []string{"mutant", "breaks"}
	for _, e := range stress.MutantEngines() {
		head = append(head, string(e))
	}
	rows := [][]string{append(head, "first finding", "")}
	for _, m := range r.Mutants {
		rows = append(rows, cells(m))
	}
	agree := 0
	for _, m := range r.Mutants {
		if m.Agree {
			agree++
		}
	}
	return "seed " + r.Seed + "\n" + aligned(rows) +
		fmt.Sprintf("%d of %d mutants agree\n", agree, len(r.Mutants))
}

// cells is the row of a mutant.
func cells(m report.Mutant) []string {
	breaks := string(m.Property)
	if breaks == "" {
		breaks = "nothing"
	}
	row := []string{m.Name, breaks}
	for _, e := range stress.MutantEngines() {
		row = append(row, found(m, e))
	}
	agree := "agree"
	if !m.Agree {
		agree = "DISAGREE"
	}
	return append(row, detection(m), agree)
}

// found is the verdict of an engine, with what it must be where it is another, and with
// the property that was seen broken where that is another.
func found(m report.Mutant, e stress.Engine) string {
	v, asked := m.Found[e]
	if !asked {
		return "-"
	}
	text := string(v)
	if p := m.Broke[e]; p != "" && p != m.Property {
		text += " (" + string(p) + ")"
	}
	if want := m.Expect[e]; v != want {
		text += fmt.Sprintf(" (want %s)", want)
	}
	return text
}

// detection is the median time to the first finding of the cpu engine.
func detection(m report.Mutant) string {
	n := len(m.Detections)
	if n == 0 {
		return "-"
	}
	text := fmt.Sprintf("%.3f s", (m.Detections[(n-1)/2]+m.Detections[n/2])/2)
	if n+m.Missed > 1 {
		text += fmt.Sprintf(" (%d of %d)", n, n+m.Missed)
	}
	return text
}

// aligned writes rows in columns.
func aligned(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
