package witness

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// A Lane is what one actor does or one place in memory holds, step by step: a cell for the state that
// everything begins in, and one for each step. Drawings and pages are made of lanes.
type Lane struct {
	Label string
	Actor *Actor // whose lane it is, or nil
	Cells []Cell
}

// A Cell is what a lane shows of a step. Its class says how it looks; the text says the same in words.
type Cell struct {
	Class, Text string
	Tip         string // more, for who points at it
	Same        bool   // as in the step before
}

// Lanes are those of all agents and threads, and for each site one for each slot and one for its state.
func (w *Witness) Lanes() []Lane {
	var lanes []Lane
	for _, a := range w.actors() {
		lanes = append(lanes, Lane{a.String(), &a, w.cellsOf(a)})
	}
	for i := range w.Sites {
		label := w.SiteName(i) + ": "
		for n := range protocol.Slots {
			lanes = append(lanes, w.lane(label+protocol.Slot(n).String(), func(s *SiteView) Cell {
				if s.Gone {
					return Cell{Class: "other", Text: "-"}
				}
				return Cell{Class: contentClass(s.Slots[n].SlotText), Text: w.slot(&s.Slots[n])}
			}, i))
			label = ""
		}
		lanes = append(lanes, w.lane("state", stateCell, i))
	}
	return lanes
}

// At is the state after so many steps: 0 is before the first one.
func (w *Witness) At(step int) *View {
	if step == 0 {
		return &w.Start
	}
	return &w.Steps[step-1].View
}

// lane is a lane of a site.
func (w *Witness) lane(label string, cell func(*SiteView) Cell, site int) Lane {
	l := Lane{Label: label}
	for step := range len(w.Steps) + 1 {
		c := cell(&w.At(step).Sites[site])
		c.Same = step > 0 && l.Cells[step-1].Text == c.Text
		l.Cells = append(l.Cells, c)
	}
	return l
}

// cellsOf are the cells of an actor.
func (w *Witness) cellsOf(a Actor) []Cell {
	var cells []Cell
	for step := range len(w.Steps) + 1 {
		c := Cell{Class: "out"}
		if a.Kind == Thread {
			at := w.At(step).Threads[a.Index]
			if c.Tip = w.Stands(at); at.Place != Idle {
				c.Class = "inside"
			}
		}
		if step > 0 && w.Steps[step-1].Actor == a {
			s := &w.Steps[step-1]
			if c.Class, c.Text = "acts", w.Words(s); s.Code != nil {
				c.Tip = fmt.Sprintf("%s: % x: %s; executed %d", w.Stands(s.Code.At), s.Code.Bytes, s.Code.Text, s.Code.Count)
			}
			if step == len(w.Steps) && w.Cycle == 0 {
				c.Class = "bad"
			}
		}
		cells = append(cells, c)
	}
	return cells
}

// contentClass is the look of what a slot holds.
func contentClass(t protocol.SlotText) string {
	switch t.Head {
	case protocol.HeadNop:
		return "nop"
	case protocol.HeadJump:
		return "jmp"
	case protocol.HeadTrap:
		return "int3"
	}
	return "other"
}

// stateCell shows the letter of a site's state, or two, while a poke is between them.
func stateCell(s *SiteView) Cell {
	switch {
	case s.Gone:
		return Cell{Class: "other", Text: "-"}
	case s.From != s.To:
		return Cell{Class: "half", Text: s.StateText()}
	}
	return Cell{Class: s.From.String(), Text: s.StateText()}
}
