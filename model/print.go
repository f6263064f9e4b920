package model

import (
	"fmt"
	"strings"
)

// String returns the witness as a table: a row a step, a column for each agent, each
// thread and each site. Sites are printed where they change. Steps that repeat for ever
// stand last, with a mark before them.
func (w *Witness) String() string {
	head := append([]string{"step"}, w.Agents...)
	for i := range w.Start.Threads {
		head = append(head, fmt.Sprintf("thread %d", i))
	}
	for _, s := range w.Start.Sites {
		head = append(head, s.Name+": bypass", "target", "state")
	}
	first := make([]string, len(head))
	first[0] = "0"
	rows := [][]string{head, fillSites(first, nil, w.Start.Sites)}
	before := w.Start.Sites
	for i, s := range w.Steps {
		if i == len(w.Steps)-w.Cycle {
			mark := make([]string, len(head))
			mark[1] = "(for ever:)"
			rows = append(rows, mark)
		}
		row := make([]string, len(head))
		row[0] = fmt.Sprint(i + 1)
		row[w.column(s.Actor)] = s.Text
		rows = append(rows, fillSites(row, before, s.Sites))
		before = s.Sites
	}
	return table(rows) + fmt.Sprintf("violates %s: %s\n", w.Property, w.Text)
}

// column is where an actor's steps are printed.
func (w *Witness) column(actor int) int {
	if actor <= Mutator {
		return 1 + Mutator - actor
	}
	return 1 + len(w.Agents) + actor
}

// fillSites writes the sites that changed into the last columns of a row.
func fillSites(row []string, before, after []SiteView) []string {
	at := len(row) - 3*len(after)
	for i, s := range after {
		if before == nil || before[i] != s {
			row[at+3*i], row[at+3*i+1], row[at+3*i+2] = s.Bypass, s.Target, s.State
		}
	}
	return row
}

// table aligns rows in columns, the first one to the right, and rules off the head.
func table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("-", n)
	}
	var b strings.Builder
	for n, row := range rows {
		writeRow(&b, row, widths)
		if n == 0 {
			writeRow(&b, rule, widths)
		}
	}
	return b.String()
}

func writeRow(b *strings.Builder, row []string, widths []int) {
	line := fmt.Sprintf("%*s", widths[0], row[0])
	for i, cell := range row[1:] {
		line += fmt.Sprintf("  %-*s", widths[i+1], cell)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
