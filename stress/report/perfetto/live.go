package perfetto

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// run is a live engine's run.
type run struct {
	process *process
	mutator lane
	sites   map[[2]int]*siteLane // by key and number
	lanes   []*siteLane          // the same, in order
	inside  bool                 // an operation is in progress
	event   int64                // when the mutator's event before was recorded
	last    int64                // when the item before was
	whole   int64                // nanoseconds of the run
}

// siteLane is what was read of a site, and since when.
type siteLane struct {
	lane
	holds string
}

// live writes the run of a live engine: its trace, if there is one, and what it found.
func (w *writer) live(v *report.Verdict, threads int, t protocol.Trace) {
	r := &run{
		process: w.process(fmt.Sprintf("%s engine: %s", v.Engine, v.Verdict)),
		sites:   map[[2]int]*siteLane{}, whole: int64(v.Seconds * 1e9),
	}
	r.mutator = r.process.newLane("mutator", true)
	for i := range t.Items {
		r.item(&t.Items[i])
		r.last = t.Items[i].At
	}
	if r.inside { // the trace ended in it
		r.mutator.end(r.last)
	}
	for _, s := range r.lanes {
		s.end(r.last)
	}
	r.whole = max(r.whole, r.last)
	lanes := make([]lane, threads)
	for i := range lanes {
		lanes[i] = r.process.newLane(fmt.Sprintf("thread %d", i), true)
		lanes[i].begin(0, "thread", "executes")
	}
	for i := range v.Findings {
		r.finding(v, &v.Findings[i], lanes, i == 0)
	}
	for _, l := range lanes {
		l.end(r.whole)
	}
}

// item writes an item of a trace.
func (r *run) item(it *protocol.Item) {
	switch it.Kind {
	case protocol.Saw:
		r.saw(it)
	case protocol.Omitted:
		r.mutator.instant(it.At, "trace", fmt.Sprintf("%d operations were not recorded", it.Count))
	case protocol.Happened:
		r.happened(it)
		r.event = it.At
	}
}

// happened writes an event of the mutator. One operation is in progress at a time.
func (r *run) happened(it *protocol.Item) {
	switch it.Event.Kind {
	case protocol.Called:
		name := fmt.Sprintf("%v key %d", it.Op, it.Key)
		if it.Prog >= 0 {
			name += fmt.Sprintf(" to p%d", it.Prog)
		}
		r.mutator.begin(it.At, "operation", name)
		r.inside = true
	case protocol.Returned:
		if r.inside {
			r.mutator.end(it.At)
			r.inside = false
		}
	case protocol.Poked:
		name := fmt.Sprintf("poke site %d %v=%v", it.Desc, it.Slot, it.To)
		if !it.Changed {
			name += " unchanged"
		}
		r.mutator.slice(r.event, it.At, "poke", name)
	case protocol.Waited:
		r.mutator.slice(r.event, it.At, "grace period", "grace period")
	default:
		r.mutator.instant(it.At, "operation", it.Event.Kind.String())
	}
}

// saw writes what an observer read of a site: for as long as it reads the same, one slice.
func (r *run) saw(it *protocol.Item) {
	at := [2]int{it.Key, it.Desc}
	var slots []string
	for slot, text := range it.Seen {
		if text.Head != protocol.Unread {
			slots = append(slots, fmt.Sprintf("%v=%v", protocol.Slot(slot), text))
		}
	}
	holds := strings.Join(slots, " ")
	s := r.sites[at]
	switch {
	case s == nil:
		s = &siteLane{lane: r.process.newLane(fmt.Sprintf("key %d, site %d", it.Key, it.Desc), false)}
		r.sites[at], r.lanes = s, append(r.lanes, s)
	case s.holds == holds:
		return
	default:
		s.end(it.At)
	}
	s.holds = holds
	s.begin(it.At, "site", holds)
}

// finding writes a finding on its thread's lane, or else the mutator's. When the first one was
// noticed is known; others are written at the end.
func (r *run) finding(v *report.Verdict, f *report.Finding, threads []lane, first bool) {
	l, at := r.mutator, r.whole
	if t := f.Place.Thread; t != nil && *t >= 0 && *t < len(threads) {
		l = threads[*t]
	}
	count := fmt.Sprint(f.Count)
	if f.AtLeast {
		count = "at least " + count
	}
	notes := []note{{"finding", f.Text}, {"count", count}}
	if f.During != "" {
		notes = append(notes, note{"during", f.During})
	}
	if first && v.CPUCounts != nil && v.FirstSeconds > 0 {
		at = min(at, int64(v.FirstSeconds*1e9))
	} else {
		notes = append(notes, note{"time", "not known: it is written at the end of the run"})
	}
	l.instant(at, "finding", "violates "+string(f.Property), notes...)
}
