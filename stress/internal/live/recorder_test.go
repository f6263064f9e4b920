package live

import (
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// TestSitesAreNoted: what bounds came to is noted again, also where they end up at a number that
// was noted before them.
func TestSitesAreNoted(t *testing.T) {
	r := &Recorder{tape: &Tape{}, sites: []int{2}, noted: make([]siteNote, 1), holds: make([]int, 1), missing: make([]int, 1)}
	r.least.Store(1)
	r.most.Store(1)
	for i, step := range []struct {
		least, most int64 // change of the bounds
		want        bool  // something is noted
	}{
		{0, 0, true},   // 1: the first time
		{0, 0, false},  // 1
		{0, 1, true},   // 1 to 2: a load begins
		{0, 0, true},   // 1 to 2 still
		{1, 0, true},   // 2
		{0, 0, false},  // 2
		{-1, 0, true},  // 1 to 2: an unload begins
		{0, -1, true},  // 1: and ends
		{0, 0, false},  // 1
		{0, 1, true},   // 1 to 2
		{1, 0, true},   // 2
		{-1, -1, true}, // 1
	} {
		if step.least != 0 || step.most != 0 {
			r.Copies(step.least, step.most)
		}
		r.tape.Items = r.tape.Items[:0]
		r.noteSites()
		if noted := len(r.tape.Items) == 1; noted != step.want {
			t.Errorf("step %d: noted %v, want %v", i, noted, step.want)
			continue
		}
		if !step.want {
			continue
		}
		it := r.tape.Items[0]
		if it.Kind != protocol.Has || it.Least != 2*int(r.least.Load()) || it.Most != 2*int(r.most.Load()) {
			t.Errorf("step %d: %+v", i, it)
		}
	}
}

// TestReplacedSitesAreNoted: so is a number that is what it was, where one copy has gone and another
// has come: the sites are others.
func TestReplacedSitesAreNoted(t *testing.T) {
	r := &Recorder{tape: &Tape{}, sites: []int{1}, noted: make([]siteNote, 1), holds: make([]int, 1), missing: make([]int, 1)}
	r.Copies(2, 2)
	r.noteSites()
	for range 2 {
		r.tape.Items = r.tape.Items[:0]
		r.Copies(-1, -1)
		r.Copies(1, 1)
		r.noteSites()
		if len(r.tape.Items) != 1 || r.tape.Items[0].Least != 2 || r.tape.Items[0].Most != 2 {
			t.Errorf("noted %+v, want 2 sites", r.tape.Items)
		}
	}
}

// recorded runs operations of updates on key 1 of two, each with two pokes, and gives the items.
func recorded(t *testing.T, block bool, updates int, burst func(i int) bool) ([]protocol.Item, *report.Trace) {
	t.Helper()
	var items []protocol.Item
	start := make(chan struct{})
	if !block {
		close(start)
	}
	r := NewRecorder(func(more []protocol.Item) {
		<-start
		items = append(items, more...)
	}, []int{1, 1})
	for i := range updates {
		r.Begin(1, 100+i, burst(i))
		for _, k := range []protocol.EventKind{protocol.Called, protocol.Poked, protocol.Poked, protocol.Returned} {
			r.Event(protocol.Event{Kind: k, Op: protocol.Update, Key: 1})
		}
	}
	if block {
		close(start)
	}
	trace := r.Close()
	return items, trace
}

// TestBurstsAreOmitted: of a burst the first updates are recorded, and the next operation that is
// says how many were not, and what the key held after them.
func TestBurstsAreOmitted(t *testing.T) {
	const first, more = 32, 10
	_, trace := recorded(t, false, first+more+1, func(i int) bool { return i < first+more })
	if want := uint64(4 * (first + more + 1)); trace.Events != want || trace.Omitted != 4*more {
		t.Errorf("%+v, want %d events and %d omitted", trace, want, 4*more)
	}
	var items []protocol.Item
	r := NewRecorder(func(more []protocol.Item) { items = append(items, more...) }, []int{1, 1})
	for i := range first + more + 1 {
		r.Begin(1, 100+i, i < first+more)
		for _, k := range []protocol.EventKind{protocol.Called, protocol.Published, protocol.Returned} {
			r.Event(protocol.Event{Kind: k, Op: protocol.Update, Key: 1})
		}
	}
	r.Close()
	if got, want := len(items), 1+3*(first+1)+1; got != want {
		t.Fatalf("%d items, want %d", got, want)
	}
	gap := items[len(items)-4]
	if gap.Kind != protocol.Omitted || gap.Count != more || gap.Prog != 100+first+more-1 || gap.Key != 1 {
		t.Errorf("noted %+v", gap)
	}
	if called := items[len(items)-3]; called.Prog != 100+first+more {
		t.Errorf("called %+v", called)
	}
}

// TestRecorderStarts: times are counted from the start, not from when the recorder was made.
func TestRecorderStarts(t *testing.T) {
	var at int64
	r := NewRecorder(func(items []protocol.Item) { at = items[len(items)-1].At }, []int{1})
	r.tape.start = time.Now().Add(-time.Hour)
	r.Start()
	r.Begin(0, 1, false)
	r.Event(protocol.Event{Kind: protocol.Called, Op: protocol.Install})
	r.Close()
	if at <= 0 || at > int64(time.Hour/2) {
		t.Errorf("an event at %v", time.Duration(at))
	}
}

// TestSlowTaker: operations are omitted whole while the taker is too far behind.
func TestSlowTaker(t *testing.T) {
	n := tapeBuffers * TapeBuffer
	items, trace := recorded(t, true, n, func(int) bool { return false })
	if trace.Omitted == 0 || trace.Omitted%4 != 0 || trace.Events != uint64(4*n) {
		t.Errorf("%+v", trace)
	}
	events := uint64(0)
	for _, it := range items {
		if it.Kind == protocol.Happened {
			events++
		}
	}
	if events+trace.Omitted != trace.Events {
		t.Errorf("%d of %d events were taken, %d omitted", events, trace.Events, trace.Omitted)
	}
}

// TestNobodyTakes: a recorder without a taker is nil, and takes everything.
func TestNobodyTakes(t *testing.T) {
	r := NewRecorder(nil, []int{1})
	r.Copies(1, 1)
	r.Begin(0, 1, false)
	r.Event(protocol.Event{})
	if r != nil || r.Close() != nil {
		t.Error("something was recorded")
	}
}
