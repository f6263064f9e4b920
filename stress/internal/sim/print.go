package sim

import (
	"fmt"
	"strings"
)

// String returns the witness as text: what each actor does, a row a step, with the sites where
// they change; then what the threads execute in these steps, bytes and registers.
func (w *Witness) String() string {
	var b strings.Builder
	g := grid{}
	head := []string{"step", "mutator"}
	for i := range w.Start.Threads {
		head = append(head, fmt.Sprintf("thread %d", i))
	}
	for _, s := range w.Start.Sites {
		head = append(head, "site "+s.Name+": bypass", "target", "state")
	}
	g.add(head...)
	g.rule()
	g.add(append(w.blank("0"), siteCells(nil, w.Start.Sites)...)...)
	last := w.Start.Sites
	for i, s := range w.Steps {
		cells := w.blank(fmt.Sprint(i + 1))
		cells[2+s.Actor] = s.Text // Mutator is -1
		g.add(append(cells, siteCells(last, s.Sites)...)...)
		last = s.Sites
	}
	g.print(&b)
	fmt.Fprintf(&b, "violates %s: %s\n", w.Property, w.Text)
	w.printThreads(&b)
	return b.String()
}

// blank is a row up to the sites, with a number.
func (w *Witness) blank(number string) []string {
	cells := make([]string, 2+len(w.Start.Threads))
	cells[0] = number
	return cells
}

// siteCells are the cells of the sites that are not what they were.
func siteCells(before, now []SiteView) []string {
	var cells []string
	for i, s := range now {
		if before != nil && before[i] == s {
			s = SiteView{}
		}
		cells = append(cells, s.Bypass, s.Target, s.State)
	}
	return cells
}

// printThreads lists what threads execute.
func (w *Witness) printThreads(b *strings.Builder) {
	g := grid{}
	g.add("step", "at", "bytes", "instruction", "executed", "registers")
	g.rule()
	for i, s := range w.Steps {
		if s.Actor == Mutator {
			continue
		}
		var regs []string
		for _, r := range s.Regs {
			regs = append(regs, fmt.Sprintf("%s=%#x", r.Name, r.Value))
		}
		g.add(fmt.Sprint(i+1), s.At, fmt.Sprintf("% x", s.Bytes), s.Insn, fmt.Sprint(s.Count), strings.Join(regs, " "))
	}
	g.print(b)
}

// grid is a table as text.
type grid struct {
	rows   [][]string
	ruleAt int // row before which there is a line
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }
func (g *grid) rule()               { g.ruleAt = len(g.rows) }

// print aligns the columns, the numbers of the first one to the right.
func (g *grid) print(b *strings.Builder) {
	var widths []int
	for _, row := range g.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	line := func(row []string) {
		var l strings.Builder
		fmt.Fprintf(&l, "%*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&l, "  %-*s", widths[i+1], cell)
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	for i, row := range g.rows {
		if i == g.ruleAt {
			dashes := make([]string, len(widths))
			for j, w := range widths {
				dashes[j] = strings.Repeat("-", w)
			}
			last := len(widths) - 1 // which may be long
			dashes[last] = strings.Repeat("-", len(g.rows[0][last]))
			line(dashes)
		}
		line(row)
	}
}
