package live

import (
	"sync/atomic"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

const (
	tapeBuffers = 32 // between the recorder and the taker
	// TapeBuffer is how many items a buffer has room for: more than most operations have.
	TapeBuffer = 512
	tapeHand   = TapeBuffer / 2
)

// A Tape hands a trace over to its taker, which has a goroutine of its own. One goroutine at a time
// records, and allocates nothing.
type Tape struct {
	Items []protocol.Item // that were not handed over yet

	full, free chan []protocol.Item
	done       chan struct{}
	start      time.Time
}

// NewTape makes a tape. take is given the items in order, and does not keep the slice.
func NewTape(take func([]protocol.Item)) *Tape {
	t := &Tape{
		full: make(chan []protocol.Item, tapeBuffers), free: make(chan []protocol.Item, tapeBuffers),
		done: make(chan struct{}), start: time.Now(),
	}
	for range tapeBuffers {
		t.free <- make([]protocol.Item, 0, TapeBuffer)
	}
	t.Items = <-t.free
	go func() {
		defer close(t.done)
		for items := range t.full {
			take(items)
			t.free <- items[:0]
		}
	}()
	return t
}

// Add appends an item, with the time. It never waits, and grows the buffer where that is full.
func (t *Tape) Add(it protocol.Item) {
	it.At = int64(time.Since(t.start))
	t.Items = append(t.Items, it)
}

// Note appends an item that must not be lost: if the taker is late, it waits.
func (t *Tape) Note(it protocol.Item) {
	if len(t.Items) == cap(t.Items) {
		t.swap()
	}
	t.Add(it)
	t.Room(0)
}

// Room reports whether there is room for more: less than half a buffer is in use, or is after Hand.
func (t *Tape) Room(reserve int) bool { return len(t.Items) < tapeHand || t.Hand(reserve) }

// Hand hands over what there is, if more than so many buffers are free, and reports whether it did.
func (t *Tape) Hand(reserve int) bool {
	ok := len(t.free) > reserve // the recorder alone takes any
	if ok {
		t.swap()
	}
	return ok
}

func (t *Tape) swap() {
	t.full <- t.Items
	t.Items = <-t.free
}

// Close hands over what is left and waits until it was taken.
func (t *Tape) Close() {
	t.full <- t.Items
	close(t.full)
	<-t.done
}

// recordBurst is how many updates of a burst are recorded. A burst makes events faster
// than they are checked, all of them alike.
const recordBurst = 32

// A Recorder writes the events of a patcher on a tape. It never waits for the taker: if that is
// late, and in bursts, whole operations are omitted, and counted. A nil recorder records nothing.
//
// What a key's sites are, the mutator cannot know while a copy of the entry is being
// loaded or unloaded: it notes bounds. As no operation of the array runs while a
// descriptor comes or goes, bounds that are read in an operation hold for all of it.
type Recorder struct {
	tape  *Tape
	sites []int // by key: of one copy of the entry

	events, omitted uint64

	key   int  // of the operation in progress
	gives int  // the program that it gives, or protocol.NoProg
	omits bool // it is not recorded
	burst int  // updates of the burst in progress

	holds   []int // by key: what it held before the operation in progress, or NoProg
	missing []int // by key: operations that were omitted since one was recorded

	least, most atomic.Int64 // copies of the entry that are tracked
	changes     atomic.Int64 // of these: one copy may have gone and another come
	noted       []siteNote   // by key: these when its sites were noted
}

// siteNote is what was known of the copies of the entry when a key's sites were noted.
type siteNote struct {
	is          bool // there is a note
	least, most int64
	changes     int64
}

// NewRecorder records for a taker, nil if there is none. sites are, by key, those of one copy of
// the entry; one copy is loaded.
func NewRecorder(take func([]protocol.Item), sites []int) *Recorder {
	if take == nil {
		return nil
	}
	n := len(sites)
	r := &Recorder{
		tape: NewTape(take), sites: sites,
		holds: make([]int, n), missing: make([]int, n), noted: make([]siteNote, n),
	}
	r.least.Store(1)
	r.most.Store(1)
	return r
}

// Start has the times of what is recorded begin now.
func (r *Recorder) Start() {
	if r != nil {
		r.tape.start = time.Now()
	}
}

// Close hands over what is left, and counts what was recorded.
func (r *Recorder) Close() *report.Trace {
	if r == nil {
		return nil
	}
	r.tape.Close()
	return &report.Trace{Events: r.events, Omitted: r.omitted}
}

// Begin notes which operation comes next, and decides whether it is recorded. gives is the number
// of the program that it gives, or protocol.NoProg.
func (r *Recorder) Begin(key, gives int, burst bool) {
	if r == nil {
		return
	}
	r.key, r.gives = key, gives
	if r.burst++; !burst {
		r.burst = 0
	}
	r.omits = r.burst > recordBurst || !r.tape.Room(0)
}

// Event records what the patcher has done. It is called in the operation, with a key that
// is one of those that change, or none of them.
func (r *Recorder) Event(ev protocol.Event) {
	if r == nil {
		return
	}
	r.events++
	if ev.Kind == protocol.Returned {
		r.holds[r.key] = r.gives
	}
	switch {
	case r.omits:
		if r.omitted++; ev.Kind == protocol.Returned {
			r.missing[r.key]++
		}
		return
	case ev.Kind == protocol.Called:
		r.noteSites()
	}
	it := protocol.Item{Event: ev, Prog: protocol.AnyProg}
	if ev.Kind == protocol.Called && ev.Op.Gives() {
		it.Prog = r.gives
	}
	r.tape.Add(it)
}

// noteSites records how many sites the key has, if any may have come or gone, and what was
// omitted. Only where the same exact number was noted before, of the same copies, none has: what
// came of bounds is for the operation to tell that followed them, and may be another number by now.
func (r *Recorder) noteSites() {
	now := siteNote{true, r.least.Load(), r.most.Load(), r.changes.Load()}
	n, noted, missing := r.sites[r.key], &r.noted[r.key], &r.missing[r.key]
	it := protocol.Item{
		Kind: protocol.Has, Prog: protocol.AnyProg, Least: n * int(now.least), Most: n * int(now.most),
	}
	it.Key, it.Desc = r.key, protocol.NoDesc
	switch {
	case *missing > 0:
		it.Kind, it.Prog, it.Count = protocol.Omitted, r.holds[r.key], *missing
		*missing = 0
		r.tape.Add(it)
	case !noted.is, n > 0 && (*noted != now || now.least != now.most):
		r.tape.Add(it)
	}
	*noted = now
}

// Copies changes the bounds of how many copies of the entry are tracked. The loader calls it too.
func (r *Recorder) Copies(least, most int64) {
	if r == nil {
		return
	}
	r.changes.Add(1)
	r.least.Add(least)
	r.most.Add(most)
}
