package sim

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"tailpoke/patcher/protocol"
)

// An explorer goes through the states breadth first. The states of a level are the same
// whichever worker finds them first, and so are counts and the violation that is reported, unless
// the exploration is stopped in that level: which of its violations were seen is chance then.
type explorer struct {
	s       *system
	most    int
	stripes [stripes]stripe
	level   []uint64 // the states of the level at hand, one after the other
	refs    []ref    // where they are stored
	stale   []uint32 // how many stale fetches lead to them
	next    atomic.Int64
	workers []*worker
	levels  int
}

// chunk is how many states a worker takes at a time.
const chunk = 64

// A worker expands states.
type worker struct {
	*expander
	e       *explorer
	counts  Counts
	nearest violation

	at violation // the state at hand, and the order of its moves
}

// A violation is a step that breaks a property.
type violation struct {
	fault *fault
	from  parent
	order int // of the step among those of its state
}

// nearer reports whether v is to be shown rather than o, which is on the same level.
func (v *violation) nearer(o *violation) bool {
	switch {
	case o.fault == nil:
		return true
	case rank(v.fault.property) != rank(o.fault.property):
		return rank(v.fault.property) < rank(o.fault.property)
	case v.from.stale != o.from.stale || v.from.hash != o.from.hash:
		return v.from.before(&o.from)
	}
	return v.order < o.order
}

func rank(p protocol.Property) int { return slices.Index(Properties(), p) }

func newExplorer(s *system, workers, most int) *explorer {
	e := &explorer{s: s, most: most}
	for i := range e.stripes {
		e.stripes[i].words = s.words
	}
	for range workers {
		w := &worker{expander: newExpander(s), e: e}
		w.found = w.took
		e.workers = append(e.workers, w)
	}
	return e
}

// run explores until nothing is new, a level breaks a property, or a bound is hit. It returns
// the violation that is reported, if any, and whether a bound was hit.
func (e *explorer) run(ctx context.Context) (violation, bool, error) {
	x, err := e.s.initial()
	if err != nil {
		return violation{}, false, err
	}
	h := hashState(x)
	e.stripes[h%stripes].insert(h, x, parent{ref: ref(h % stripes)}) // its own parent
	for e.advance() {
		if e.s.Far != nil {
			e.s.Far(e.stored(), len(e.refs), e.levels-1)
		}
		var all sync.WaitGroup
		for _, w := range e.active() {
			all.Go(func() { w.work(ctx) })
		}
		all.Wait()
		var found violation
		for _, w := range e.workers {
			if w.err != nil {
				return violation{}, false, w.err
			}
			if w.nearest.fault != nil && w.nearest.nearer(&found) {
				found = w.nearest
			}
		}
		switch {
		case found.fault != nil: // of a level that ctx cut short, too: it is as near as any
			return found, false, nil
		case ctx.Err() != nil || e.stored() > e.most || e.s.contentBytes > maxContentBytes:
			return violation{}, true, nil
		}
	}
	return violation{}, false, nil
}

// active are the workers that the level is worth.
func (e *explorer) active() []*worker {
	return e.workers[:min(len(e.workers), 1+len(e.refs)/(4*chunk))]
}

// advance makes what the last level has found the level at hand, and reports whether there is
// anything.
func (e *explorer) advance() bool {
	e.level, e.refs, e.stale = e.level[:0], e.refs[:0], e.stale[:0]
	for i := range e.stripes {
		s := &e.stripes[i]
		e.level = append(e.level, s.store[s.fresh*s.words:]...)
		for n := s.fresh; n < len(s.parents); n++ {
			e.refs = append(e.refs, ref(n*stripes+i))
			e.stale = append(e.stale, s.parents[n].stale)
		}
		s.fresh = len(s.parents)
	}
	e.next.Store(0)
	e.levels++
	return len(e.refs) > 0
}

func (e *explorer) stored() int {
	n := 0
	for i := range e.stripes {
		n += len(e.stripes[i].parents)
	}
	return n
}

// work expands states of the level until none is left.
func (w *worker) work(ctx context.Context) {
	e := w.e
	for w.err == nil && ctx.Err() == nil {
		from := int(e.next.Add(chunk)) - chunk
		if from >= len(e.refs) {
			return
		}
		for i := from; i < min(from+chunk, len(e.refs)); i++ {
			x := e.level[i*e.s.words:][:e.s.words]
			w.at = violation{from: parent{e.refs[i], e.stale[i], hashState(x)}}
			w.expand(x)
		}
	}
}

// took takes a step that leads out of the state at hand.
func (w *worker) took(m move, y state, f *fault) {
	w.at.order++
	if f != nil {
		if v := w.at; w.s.judges(f.property) {
			w.counts.Transitions++
			v.from.stale += m.stale
			if v.fault = f; v.nearer(&w.nearest) {
				w.nearest = v
			}
		}
		return
	}
	w.counts.take(w.s, m, y)
	w.s.canonical(y)
	h := hashState(y)
	from := w.at.from
	from.stale += m.stale
	if !w.e.stripes[h%stripes].insert(h, y, from) {
		w.fail(errTooMany)
	}
}

// path lists the states that lead to r, the first one first.
func (e *explorer) path(r ref) []state {
	var out []state
	for {
		s := &e.stripes[r.stripe()]
		out = append(out, s.at(r.index()))
		up := s.parents[r.index()].ref
		if up == r {
			break
		}
		r = up
	}
	slices.Reverse(out)
	return out
}
