package model

import (
	"slices"
	"sync"
)

// An explorer goes through the states breadth first, level by level.
//
// A level is cut into batches. Of each batch the workers first expand the states, each
// an equal run of them, and sort the successors by shard; then they insert, each the
// shards that are its own. No lock is needed, and a shard gets its states in the order
// of the level whatever the number of workers: numbers, parents, counts and the witness
// are the same in every run.
type explorer struct {
	sys     *system
	workers []*worker
	shards  [shards]shard
	most    int // bound on the states
	stop    func(Far) bool

	lo, hi [shards]uint32 // the level at hand: in each shard, the states from lo to hi
	size   int            // of the level
	depth  int            // likewise
}

// batchStates is how many states are expanded before their successors are inserted:
// few enough that the successors stay in the cache.
const batchStates = 1 << 13

// alone is the size of a batch that is not worth waking another worker for.
const alone = 1 << 9

// A violation is a move that breaks a property, and the state that it starts from.
type violation struct {
	broken fault
	order  int // of the state in its level
	from   stateID
}

// nearer reports whether v is to be reported rather than o; both are of one level.
func (v violation) nearer(o violation) bool {
	if o.broken == noFault || v.broken != o.broken {
		return o.broken == noFault || v.broken < o.broken
	}
	return v.order < o.order
}

// An outcome is how an exploration ended.
type outcome struct {
	violation
	depth   int // of the last level expanded
	bounded bool
}

func newExplorer(sys *system, only fault, workers, most int) *explorer {
	e := &explorer{sys: sys, most: most}
	for i := range e.shards {
		e.shards[i].words = sys.words
	}
	for range workers {
		e.workers = append(e.workers, newWorker(sys, only))
	}
	return e
}

// run explores until there is nothing new, a level broke a property, or the bound is
// hit. A level that breaks a property is finished, so that of equally near violations
// the one that is reported does not depend on chance.
func (e *explorer) run() outcome {
	x := e.sys.initial()
	h := hash(x[:e.sys.words])
	e.shards[shardOf(h)].insert(h, x[:e.sys.words], idOf(shardOf(h), 0)) // its own parent
	out := outcome{depth: -1}
	for e.nextLevel() {
		out.depth++
		e.depth = out.depth
		out.bounded = e.level()
		out.violation = e.nearest()
		if out.bounded || out.broken != noFault {
			break
		}
	}
	return out
}

// nextLevel makes the states stored since the last level the level at hand, and
// reports whether there are any.
func (e *explorer) nextLevel() bool {
	e.size = 0
	for i := range e.shards {
		e.lo[i], e.hi[i] = e.hi[i], uint32(e.shards[i].len())
		e.size += int(e.hi[i] - e.lo[i])
	}
	return e.size > 0
}

// level expands the level at hand and stores what is new. It reports whether the
// bound on the states, or the caller, stopped it.
func (e *explorer) level() (bounded bool) {
	for from := 0; from < e.size; from += batchStates {
		n := min(batchStates, e.size-from)
		active := e.workers
		if n <= alone {
			active = active[:1]
		}
		each(active, func(i int, w *worker) {
			e.expand(w, from+n*i/len(active), from+n*(i+1)/len(active))
		})
		each(active, func(i int, _ *worker) { e.insert(active, i) })
		if e.states() > e.most || e.stopped() {
			return true
		}
	}
	return false
}

// stopped asks the caller whether to stop.
func (e *explorer) stopped() bool {
	return e.stop != nil && e.stop(Far{e.states(), e.size, e.depth})
}

// each runs do for every worker at once.
func each(workers []*worker, do func(i int, w *worker)) {
	var all sync.WaitGroup
	for i, w := range workers[1:] {
		all.Go(func() { do(i+1, w) })
	}
	do(0, workers[0])
	all.Wait()
}

// expand makes w expand the states of the level whose order is from up to to.
func (e *explorer) expand(w *worker, from, to int) {
	order := 0
	for i := range e.shards {
		n := int(e.hi[i] - e.lo[i])
		for j := max(from-order, 0); j < min(to-order, n); j++ {
			index := e.lo[i] + uint32(j)
			w.expandState(idOf(i, index), order+j, e.shards[i].key(index))
		}
		order += n
	}
}

// insert stores the successors that fell to the shards of the i-th active worker.
func (e *explorer) insert(active []*worker, i int) {
	for s := i; s < shards; s += len(active) {
		for _, w := range active {
			buf, step := w.out[s], recordWords+e.sys.words
			for at := 0; at < len(buf); at += step {
				r := buf[at : at+step]
				e.shards[s].insert(r[0], r[recordWords:], stateID(r[1]))
			}
			w.out[s] = buf[:0]
		}
	}
}

func (e *explorer) states() int {
	n := 0
	for i := range e.shards {
		n += e.shards[i].len()
	}
	return n
}

func (e *explorer) nearest() violation {
	var v violation
	for _, w := range e.workers {
		if w.nearest.broken != noFault && w.nearest.nearer(v) {
			v = w.nearest
		}
	}
	return v
}

// path lists the states from the first one to id.
func (e *explorer) path(id stateID) []stateID {
	var out []stateID
	for {
		out = append(out, id)
		parent := e.shards[id.shard()].parents[id.index()]
		if parent == id {
			break // the first state is its own parent
		}
		id = parent
	}
	slices.Reverse(out)
	return out
}

func (e *explorer) key(id stateID) []uint64 { return e.shards[id.shard()].key(id.index()) }

// find returns the number of a state that is stored.
func (e *explorer) find(key []uint64) stateID {
	h := hash(key)
	index, ok := e.shards[shardOf(h)].find(h, key)
	if !ok {
		panic("model: a successor was never stored")
	}
	return idOf(shardOf(h), index)
}

// recordWords is how many words stand before the state in a record of worker.out: its
// hash and its parent.
const recordWords = 2

// A worker expands states and sorts their successors by shard.
type worker struct {
	expander
	only    fault // when not noFault, the one that is reported
	out     [shards][]uint64
	nearest violation
	counts  counts

	at violation // the state at hand, for what it may break
}

// counts are what a worker met.
type counts struct {
	moves   [moveKinds]uint64
	letters [numLetters]uint64
	blocked uint64
}

func newWorker(sys *system, only fault) *worker {
	w := &worker{only: only}
	w.sys = sys
	w.found = w.successor
	return w
}

// expandState finds the successors of a stored state.
func (w *worker) expandState(id stateID, order int, key []uint64) {
	w.at = violation{order: order, from: id}
	copy(w.x[:], key)
	w.count()
	w.expand()
}

// count takes note of what a state shows.
func (w *worker) count() {
	for i, s := range w.x[1 : 1+w.sys.sites] {
		if !w.sys.comes || w.sys.placed(&w.x, w.sys.imageOf(i)) {
			w.counts.letters[w.sys.letterOf(s)]++
		}
	}
	for i := range w.sys.agents {
		if a := &w.sys.agents[i]; waitField.of(w.x[a.word]) != 0 && w.awaited(a.waited) {
			w.counts.blocked++
		}
	}
}

// successor takes the state y that the move m leads to. An execution ends where it
// breaks a property.
func (w *worker) successor(m move, broken fault) {
	w.counts.moves[m.kind]++
	if broken != noFault {
		v := w.at
		v.broken = broken
		if (w.only == noFault || w.only == broken) && v.nearer(w.nearest) {
			w.nearest = v
		}
		return
	}
	w.sys.canonical(&w.y)
	key := w.y[:w.sys.words]
	h := hash(key)
	s := shardOf(h)
	w.out[s] = append(append(w.out[s], h, uint64(w.at.from)), key...)
}

func (c *counts) add(o *counts) {
	for i, n := range o.moves {
		c.moves[i] += n
	}
	for i, n := range o.letters {
		c.letters[i] += n
	}
	c.blocked += o.blocked
}
