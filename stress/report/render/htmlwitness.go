package render

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// An htmlWitness is a counterexample to step through: its lanes as a table, a row for each step, and
// what each state shows, for the page's script.
type htmlWitness struct {
	Engine string // whose it is, where there may be two
	Says   string
	Actors []htmlActor
	Sites  []htmlSite
	Rows   []laneRow
	Code   *htmlTable // machine code that threads execute, for paper
	States []stateData
	words  []string // of each step, without the call that it begins
}

// An htmlActor is a lane's head: a short name and the whole one.
type htmlActor struct{ Kind, Short, Name string }

// An htmlSite is the head of the lanes of a site.
type htmlSite struct {
	Name  string
	Slots []string
}

// A laneRow is a step: who takes it, in words, and what memory then holds.
type laneRow struct {
	Number        int
	Actor, Words  string
	Lanes, Memory []witness.Cell
	Bad, Round    bool
}

// A stateData is what can be known after a step. The script shows it and computes nothing.
type stateData struct {
	Who     string       `json:"who"`
	Words   string       `json:"words"`
	Sites   []siteData   `json:"sites"`
	Threads []threadData `json:"threads"`
	Code    *codeData    `json:"code,omitempty"`
	Other   *otherData   `json:"other,omitempty"` // another engine's view, at the same step
}

type siteData struct {
	Name  string     `json:"name"`
	State string     `json:"state"`
	Slots []slotData `json:"slots"`
}

type slotData struct {
	Name    string   `json:"name"`
	Class   string   `json:"class"`
	Text    string   `json:"text"`
	Bytes   string   `json:"bytes,omitempty"`
	Stale   bool     `json:"stale,omitempty"`
	Changed bool     `json:"changed,omitempty"`
	Here    []string `json:"here,omitempty"` // threads that stand before it
}

type threadData struct {
	Name string    `json:"name"`
	At   string    `json:"at"`
	Saw  string    `json:"saw,omitempty"` // what it executed of the site that it is in
	Regs []regData `json:"regs,omitempty"`
}

type regData struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Changed bool   `json:"changed,omitempty"`
}

type codeData struct {
	At    string `json:"at"`
	Bytes string `json:"bytes"`
	Text  string `json:"text"`
	Count int    `json:"count"`
}

type otherData struct {
	Engine string     `json:"engine"`
	Step   int        `json:"step"`
	Same   bool       `json:"same"` // it takes this very step there
	Sites  []siteData `json:"sites"`
}

func witnessID(name string) string { return "witness-" + name }

// witness adds the counterexample of an engine.
func (p *htmlPage) witness(engine string, w *witness.Witness) {
	id, n := witnessID(engine), counted(len(w.Steps), "step")
	h := witnessHTML(w)
	h.Engine = engine
	one := htmlPart{ID: id, Title: fmt.Sprintf("Counterexample: %s engine, %s%s", engine, n, forEver(w.Cycle)), Witness: h}
	for _, row := range w.Legend().Rows {
		one.Notes = append(one.Notes, strings.Join(row, ": "))
	}
	p.Parts = append(p.Parts, one)
	if !slices.ContainsFunc(p.Jumps, func(j htmlJump) bool { return strings.HasPrefix(j.To, "witness-") }) {
		p.Jumps = append(p.Jumps, htmlJump{id, "Step through the counterexample (" + n + ")"})
	}
}

func witnessHTML(w *witness.Witness) *htmlWitness {
	out := &htmlWitness{Says: fmt.Sprintf("violates %s: %s", w.Property, w.Broken())}
	for i := range w.Sites {
		s := htmlSite{Name: w.SiteName(i)}
		for slot := range protocol.Slots {
			s.Slots = append(s.Slots, protocol.Slot(slot).String())
		}
		out.Sites = append(out.Sites, s)
	}
	var actors, memory []witness.Lane
	for _, l := range w.Lanes() {
		if l.Actor == nil {
			memory = append(memory, l)
			continue
		}
		actors = append(actors, l)
		out.Actors = append(out.Actors, actorHTML(*l.Actor))
	}
	for step := range len(w.Steps) + 1 {
		out.Rows = append(out.Rows, rowOf(w, step, actors, memory))
	}
	out.States = statesOf(w, memory)
	if code := w.Listing(); code != nil {
		out.Code = tableHTML(code)
	}
	for i := range w.Steps {
		s := w.Steps[i]
		out.words = append(out.words, s.Actor.String()+": "+w.Words(&witness.Step{Choice: witness.Choice{Action: s.Action}}))
	}
	return out
}

func actorHTML(a witness.Actor) htmlActor {
	short := map[witness.ActorKind]string{witness.Mutator: "M", witness.Loader: "L", witness.Thread: "T"}[a.Kind]
	if a.Kind == witness.Thread || a.Index > 0 {
		short += fmt.Sprint(a.Index)
	}
	name, _, _ := strings.Cut(a.String(), " ")
	return htmlActor{Kind: name, Short: short, Name: a.String()}
}

func rowOf(w *witness.Witness, step int, actors, memory []witness.Lane) laneRow {
	row := laneRow{Number: step, Words: "start"}
	if step > 0 {
		s := &w.Steps[step-1]
		row.Actor, row.Words = s.Actor.String(), w.Words(s)
		row.Bad = step > len(w.Steps)-max(w.Cycle, 1)
		row.Round = step > len(w.Steps)-w.Cycle
	}
	for _, l := range actors {
		row.Lanes = append(row.Lanes, l.Cells[step])
	}
	for _, l := range memory {
		row.Memory = append(row.Memory, l.Cells[step])
	}
	return row
}

// statesOf is what each state shows, from the one before the first step.
func statesOf(w *witness.Witness, memory []witness.Lane) []stateData {
	var out []stateData
	watch := newWatched(w)
	for step := range len(w.Steps) + 1 {
		s := stateData{Words: "before the first step"}
		if step > 0 {
			taken := &w.Steps[step-1]
			s.Who, s.Words = taken.Actor.String(), Printable(w.Words(taken))
			if c := taken.Code; c != nil {
				s.Code = &codeData{Printable(w.Stands(c.At)), fmt.Sprintf("% x", c.Bytes), Printable(c.Text), c.Count}
			}
			watch.take(taken)
		}
		s.Sites = sitesData(w, step, memory)
		s.Threads = watch.threads(w.At(step))
		out = append(out, s)
	}
	return out
}

// sitesData is what memory holds after a step.
func sitesData(w *witness.Witness, step int, memory []witness.Lane) []siteData {
	var out []siteData
	now := w.At(step)
	for i := range now.Sites {
		s := &now.Sites[i]
		one := siteData{Name: Printable(w.SiteName(i)), State: s.StateText()}
		if s.Gone {
			one.State = "-"
		}
		for n := range s.Slots {
			lane := memory[i*(protocol.Slots+1)+n] // a lane for each slot, and one for the state
			slot := slotData{
				Name: protocol.Slot(n).String(), Class: lane.Cells[step].Class, Text: Printable(w.Holds(s.Slots[n].SlotText)),
				Bytes: fmt.Sprintf("% x", s.Slots[n].Bytes), Stale: s.Slots[n].Stale,
			}
			if before := w.At(max(step-1, 0)).Sites[i]; !before.Gone {
				slot.Changed = before.Slots[n].SlotText != s.Slots[n].SlotText
			}
			for t, at := range now.Threads {
				if at.Place == witness.AtSlot && at.Site == i && int(at.Slot) == n {
					slot.Here = append(slot.Here, witness.Actor{Kind: witness.Thread, Index: t}.String())
				}
			}
			one.Slots = append(one.Slots, slot)
		}
		out = append(out, one)
	}
	return out
}
