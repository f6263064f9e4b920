package witness

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/internal/source"
	"tailpoke/internal/table"
	"tailpoke/patcher/protocol"
)

// String returns the witness as a table: a row a step, a column for each agent, each thread, and
// each slot and state of a site. What memory holds is printed where it changes. Steps that repeat
// for ever stand last, with a mark before them. Below stand the source lines of sites and programs,
// and the machine code that threads execute, where there are any.
func (w *Witness) String() string { return w.Fold(0) }

// Fold is String in lines of at most so many characters; 0: of any length.
func (w *Witness) Fold(width int) string {
	head := []string{"step"}
	for _, a := range w.actors() {
		head = append(head, a.String())
	}
	for i := range w.Sites {
		label := w.SiteName(i) + ": "
		for slot := range protocol.Slots {
			head = append(head, label+protocol.Slot(slot).String())
			label = ""
		}
		head = append(head, "state")
	}
	t := table.Table{Ruled: true, Numbered: true}
	t.Add(head...)
	t.Add(w.row("0", nil, w.siteCells(nil, w.Start.Sites))...)
	before := w.Start.Sites
	for i := range w.Steps {
		s := &w.Steps[i]
		if i == len(w.Steps)-w.Cycle {
			t.Add("", "(for ever:)")
		}
		t.Add(w.row(fmt.Sprint(i+1), s, w.siteCells(before, s.Sites))...)
		before = s.Sites
	}
	says := fmt.Sprintf("violates %s: %s", w.Property, w.Broken())
	if width > 0 {
		says = strings.Join(table.Wrap(says, width), "\n")
	}
	return t.Fold(width) + says + "\n" + w.Legend().Fold(width) + w.listing(width)
}

// actors are all that have a column, in the order of the columns.
func (w *Witness) actors() []Actor {
	out := slices.Clone(w.Agents)
	for i := range w.Threads {
		out = append(out, Actor{Thread, i})
	}
	return out
}

// row is a row of the table; s is nil for the state at the start.
func (w *Witness) row(number string, s *Step, sites []string) []string {
	actors := w.actors()
	cells := make([]string, 1+len(actors))
	cells[0] = number
	if s != nil {
		cells[1+slices.Index(actors, s.Actor)] = w.Words(s)
	}
	return append(cells, sites...)
}

// siteCells are the cells of the sites; those of sites that are what they were are empty.
func (w *Witness) siteCells(before, now []SiteView) []string {
	var cells []string
	for i := range now {
		s := &now[i]
		same := before != nil && before[i].equal(s)
		for slot := range protocol.Slots {
			switch {
			case same:
				cells = append(cells, "")
			case s.Gone:
				cells = append(cells, "-")
			default:
				cells = append(cells, w.slot(&s.Slots[slot]))
			}
		}
		state := s.StateText()
		if same {
			state = ""
		} else if s.Gone {
			state = "-"
		}
		cells = append(cells, state)
	}
	return cells
}

// equal reports whether two views show the same.
func (s *SiteView) equal(o *SiteView) bool {
	return s.Gone == o.Gone && s.From == o.From && s.To == o.To &&
		slices.EqualFunc(s.Slots, o.Slots, func(a, b SlotView) bool {
			return a.SlotText == b.SlotText && a.Stale == b.Stale && slices.Equal(a.Bytes, b.Bytes)
		})
}

// Legend is a table of the source lines of sites, and of programs that steps name, as far as they are
// known. Copies of a program have one row.
func (w *Witness) Legend() *table.Table {
	t := &table.Table{Headless: true}
	for i := range w.Sites {
		if at := w.Sites[i].Source; at.Known() {
			t.Add(w.SiteName(i), at.String())
		}
	}
	var had []source.Line
	add := func(p int) {
		if p < 0 || p >= len(w.Sources) || slices.Contains(had, w.Sources[p]) || !w.Sources[p].Known() {
			return
		}
		had = append(had, w.Sources[p])
		t.Add(w.program(p), w.Sources[p].String())
	}
	for i := range w.Steps {
		s := &w.Steps[i]
		if s.Code != nil {
			add(s.Code.At.Program)
		}
		add(s.Action.Prog)
	}
	return t
}

// listing lists the machine code that threads execute; "" if there is none.
func (w *Witness) listing(width int) string {
	if t := w.Listing(); t != nil {
		return t.Fold(width)
	}
	return ""
}

// Listing is a table of the machine code that threads execute, or nil if there is none.
func (w *Witness) Listing() *table.Table {
	t := &table.Table{Ruled: true, Numbered: true}
	head := []string{"step", "at", "bytes", "instruction", "executed", "source", "registers"}
	sources, before := 1, source.Line{} // columns of them; and the one of the row above
	if !slices.ContainsFunc(w.Steps, func(s Step) bool { return s.Code != nil && s.Code.At.Source.Known() }) {
		sources = 0
	}
	t.Add(slices.Delete(head, 5, 6-sources)...)
	for i := range w.Steps {
		c := w.Steps[i].Code
		if c == nil {
			continue
		}
		var regs []string
		for _, r := range c.Regs {
			regs = append(regs, fmt.Sprintf("%s=%#x", r.Name, r.Value))
		}
		said := ""
		if at := c.At.Source; at != before {
			said, before = at.String(), at
		}
		row := []string{fmt.Sprint(i + 1), w.Where(c.At), fmt.Sprintf("% x", c.Bytes), c.Text, fmt.Sprint(c.Count), said, strings.Join(regs, " ")}
		t.Add(slices.Delete(row, 5, 6-sources)...)
	}
	if len(t.Rows) == 1 {
		return nil
	}
	return t
}
