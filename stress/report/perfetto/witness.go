package perfetto

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// step is how long a step of a witness takes, in nanoseconds. It stands for no time that passed.
const step = 1000

// witness writes a witness of an engine.
func (w *writer) witness(engine protocol.Engine, x *witness.Witness) {
	p := w.process(fmt.Sprintf("witness of the %s engine: %s, a step is 1 µs", engine, x.Property))
	actors := slices.Clone(x.Agents)
	for i := range x.Threads {
		actors = append(actors, witness.Actor{Kind: witness.Thread, Index: i})
	}
	lanes := map[witness.Actor]lane{}
	end := int64(len(x.Steps)) * step
	for _, a := range actors {
		lanes[a] = p.newLane(a.String(), true)
		if a.Kind == witness.Thread {
			thread(lanes[a], x, a, end)
		} else {
			agent(lanes[a], x, a)
		}
	}
	for i := range x.Sites {
		site(p.newLane(x.SiteName(i), false), x, i, end)
	}
	if n := len(x.Steps); n > 0 {
		lanes[x.Steps[n-1].Actor].instant(end, "finding", "violates "+string(x.Property), note{"finding", x.Broken()})
	}
}

// agent writes the steps of a mutator or loader, in the operation that they belong to, and in it from
// the step that begins a grace period to the one that ends it that.
func agent(l lane, x *witness.Witness, a witness.Actor) {
	open, last := 0, int64(0) // slices around steps, and the end of the step before
	closeAll := func() {
		for ; open > 0; open-- {
			l.end(last)
		}
	}
	for i := range x.Steps {
		s := &x.Steps[i]
		if s.Actor != a {
			continue
		}
		from, category := int64(i)*step, "step"
		switch {
		case s.Call != nil:
			closeAll()
			l.begin(from, "operation", s.Call.String())
			open++
		case s.Action.Do == witness.Call:
			closeAll()
			l.begin(from, "operation", fmt.Sprintf("%v key %d", s.Action.Op, s.Action.Key))
			open++
		case s.Action.Do == witness.Wait:
			l.begin(from, "grace period", "grace period")
			open++
		case s.Action.Do == witness.Store:
			category = "poke"
		}
		l.slice(from, from+step, category, x.Words(s), notesOf(s, i)...)
		last = from + step
		switch {
		case s.Action.Do == witness.Return:
			closeAll()
		case s.Action.Do == witness.Waited && open > 0:
			l.end(last)
			open--
		}
	}
	closeAll()
}

// thread writes the steps of a thread, and where it stands between them.
func thread(l lane, x *witness.Witness, a witness.Actor, end int64) {
	stands, since := "", int64(0)
	for i := range x.Steps {
		s := &x.Steps[i]
		if s.Actor != a {
			continue
		}
		from := int64(i) * step
		if stands != "" && from > since {
			l.slice(since, from, "stands", stands)
		}
		l.slice(from, from+step, "step", x.Words(s), notesOf(s, i)...)
		stands, since = "", from+step
		if p := s.Threads[a.Index]; p.Place != witness.Idle {
			stands = x.Stands(p)
		}
	}
	if stands != "" && end > since {
		l.slice(since, end, "stands", stands)
	}
}

// site writes what memory holds at a site, and its state.
func site(l lane, x *witness.Witness, i int, end int64) {
	held, since := holds(x, &x.Start.Sites[i]), int64(0)
	for n := range x.Steps {
		now, from := holds(x, &x.Steps[n].Sites[i]), int64(n)*step
		if now == held {
			continue
		}
		if from > since {
			l.slice(since, from, "site", held)
		}
		held, since = now, from
	}
	l.slice(since, end, "site", held)
}

// holds is what a site holds, in words.
func holds(x *witness.Witness, s *witness.SiteView) string {
	if s.Gone {
		return "gone"
	}
	var words []string
	for slot, v := range s.Slots {
		words = append(words, fmt.Sprintf("%v=%s", protocol.Slot(slot), x.Holds(v.SlotText)))
	}
	return strings.Join(append([]string{s.StateText()}, words...), " ")
}

// notesOf is what is to be said of a step beside its words.
func notesOf(s *witness.Step, i int) []note {
	notes := []note{{"step", fmt.Sprint(i + 1)}}
	if s.Event != nil {
		notes = append(notes, note{"event", s.Event.String()})
	}
	if s.Code != nil {
		notes = append(notes, note{"instruction", s.Code.Text})
	}
	return notes
}
