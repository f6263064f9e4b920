package cpu

import (
	"slices"
	"sync/atomic"

	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

const (
	traceBuffers = 32  // between the mutator and who takes the trace
	traceBuffer  = 512 // items; more than most operations have
	traceHand    = traceBuffer / 2

	// traceBurst is how many updates of a burst are recorded. A burst makes events faster
	// than they are checked, all of them alike.
	traceBurst = 32
)

// A recorder hands the events of the patcher to Config.Trace, which runs beside the
// mutator, which allocates nothing and never waits for the other side: where that is far
// behind, and in bursts, whole operations are omitted, and counted. A nil recorder records
// nothing.
//
// What a key's sites are, the mutator cannot know while a copy of the entry is being
// loaded or unloaded: it notes bounds. As no operation of the array runs while a
// descriptor comes or goes, bounds that are read in an operation hold for all of it.
type recorder struct {
	run   *run
	sites []int // by key: of one copy of the entry

	buf  []protocol.Item
	full chan []protocol.Item
	free chan []protocol.Item
	done chan struct{}

	events, omitted uint64

	key   int  // of the operation in progress, among run.keys
	gives int  // the program that it gives, or protocol.NoProg
	omits bool // it is not recorded
	burst int  // updates of the burst in progress

	holds   []int // by key: what it held before the operation in progress, or NoProg
	missing []int // by key: operations that were omitted since one was recorded

	least, most atomic.Int64 // copies of the entry that are tracked
	changes     atomic.Int64 // of these: one copy may have gone and another come
	noted       []siteNote   // by key: these when its sites were noted
}

// record begins to record, if anybody takes what is recorded.
func (r *run) record() {
	if r.Trace == nil {
		return
	}
	t := &recorder{
		run: r, sites: make([]int, len(r.keys)), noted: make([]siteNote, len(r.keys)),
		holds: make([]int, len(r.keys)), missing: make([]int, len(r.keys)),
		full: make(chan []protocol.Item, traceBuffers), free: make(chan []protocol.Item, traceBuffers),
		done: make(chan struct{}),
	}
	for _, s := range r.entry.Slots() {
		if i := r.keyOf(r.Arrays[s.Array], s.Key); i != None {
			t.sites[i]++
		}
	}
	t.least.Store(1)
	t.most.Store(1)
	for range traceBuffers {
		t.free <- make([]protocol.Item, 0, traceBuffer)
	}
	t.buf = <-t.free
	r.trace = t
	go func() {
		defer close(t.done)
		for items := range t.full {
			r.Trace(items)
			t.free <- items[:0]
		}
	}()
}

// close hands over what is left and waits until it was taken.
func (t *recorder) close() {
	if t == nil {
		return
	}
	t.full <- t.buf
	close(t.full)
	<-t.done
}

// result counts what was recorded; nil if nothing could be.
func (t *recorder) result() *report.Trace {
	if t == nil {
		return nil
	}
	return &report.Trace{Events: t.events, Omitted: t.omitted}
}

// keyOf returns the index of a key among those that change, or None.
func (r *run) keyOf(a *patcher.ProgArray, index int) int {
	return slices.IndexFunc(r.keys, func(k key) bool { return k.array == a && k.index == index })
}

// begins notes which operation comes next, and decides whether it is recorded.
func (t *recorder) begins(k *key, prog *patcher.Program) {
	if t == nil {
		return
	}
	t.key, t.gives = t.run.keyOf(k.array, k.index), protocol.NoProg
	if prog != nil {
		off, _ := t.run.Arena.OffOf(t.run.Patcher.Addr(prog))
		t.gives = int(off)
	}
	if t.burst++; pace(t.run.pace.Load()) != bursts {
		t.burst = 0
	}
	t.omits = t.burst > traceBurst || !t.room()
}

// room makes room for an operation, if the other side is not too far behind.
func (t *recorder) room() bool {
	if len(t.buf) < traceHand {
		return true
	}
	select {
	case empty := <-t.free:
		t.full <- t.buf
		t.buf = empty
		return true
	default:
		return false
	}
}

// event records what the patcher has done. It is called in the operation.
func (t *recorder) event(ev protocol.Event) {
	if t == nil {
		return
	}
	t.events++
	if ev.Kind == protocol.Returned {
		t.holds[t.key] = t.gives
	}
	switch {
	case t.omits:
		if t.omitted++; ev.Kind == protocol.Returned {
			t.missing[t.key]++
		}
		return
	case ev.Kind == protocol.Called:
		t.noteSites()
	}
	// An event of another key than the operation's is one that nothing explains.
	k := t.run.keyOf(t.run.keys[t.key].array, ev.Key)
	if k == None {
		k = len(t.run.keys) + ev.Key
	}
	ev.Key = k
	it := protocol.Item{Event: ev, Prog: protocol.AnyProg}
	if ev.Kind == protocol.Called && ev.Op.Gives() {
		it.Prog = t.gives
	}
	t.buf = append(t.buf, it)
}

// siteNote is what was known of the copies of the entry when a key's sites were noted.
type siteNote struct {
	is          bool // there is a note
	least, most int64
	changes     int64
}

// noteSites records how many sites the key has, if any may have come or gone, and what was
// omitted. Only where the same exact number was noted before, of the same copies, none has: what came
// of bounds is for the operation to tell that followed them, and may be another number by now.
func (t *recorder) noteSites() {
	now := siteNote{true, t.least.Load(), t.most.Load(), t.changes.Load()}
	n, noted, missing := t.sites[t.key], &t.noted[t.key], &t.missing[t.key]
	it := protocol.Item{Kind: protocol.Has, Prog: protocol.AnyProg, Least: n * int(now.least), Most: n * int(now.most)}
	it.Key, it.Desc = t.key, protocol.NoDesc
	switch {
	case *missing > 0:
		it.Kind, it.Prog, it.Count = protocol.Omitted, t.holds[t.key], *missing
		*missing = 0
		t.buf = append(t.buf, it)
	case !noted.is, n > 0 && (*noted != now || now.least != now.most):
		t.buf = append(t.buf, it)
	}
	*noted = now
}

// copies changes the bounds of how many copies of the entry are tracked.
func (t *recorder) copies(least, most int64) {
	if t == nil {
		return
	}
	t.changes.Add(1)
	t.least.Add(least)
	t.most.Add(most)
}

// unload takes a copy of the entry out.
func (r *run) unload(p *patcher.Program) error {
	r.trace.copies(-1, 0)
	err := r.Patcher.Unload(p)
	if err == nil {
		r.trace.copies(0, -1)
	}
	return err
}
