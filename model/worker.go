package model

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
