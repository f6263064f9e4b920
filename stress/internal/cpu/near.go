package cpu

import (
	"sync/atomic"

	"tailpoke/jit/exec"
	"tailpoke/patcher/text"
	"tailpoke/stress/report"
)

// lookEvery is one in how many steps before a poke threads are asked where they stand: it stops each
// of them for a moment, at a place of its own.
const lookEvery = 16

// near counts how close threads came: those that stood between the slots of a site of the key whose
// pokes begin. The mutator looks, and all may read the sums.
type near struct {
	steps   uint64
	pending bool
	windows []span   // when it looked last
	looks   []uint64 // by thread: its count when it was asked

	looked, inside, threads atomic.Uint64
}

// span is a range of addresses, both ends included.
type span struct{ lo, hi uint64 }

// look asks threads where they stand, now and then, and takes the answers to the last time: a thread
// that was descheduled gives its own when it goes on.
func (n *near) look(r *run) {
	if n.steps++; n.steps%lookEvery != 0 {
		return
	}
	if n.looks == nil {
		n.looks = make([]uint64, r.Subject.Shape.Threads)
	}
	if n.pending {
		n.take(r.Pool)
	}
	n.windows = r.windows(n.windows[:0])
	for i := range n.looks {
		n.looks[i], _ = r.Pool.Looked(i)
	}
	r.Pool.Look()
	n.pending = true
}

// take counts who stood in a window when they were asked.
func (n *near) take(p *exec.Pool) {
	stood := uint64(0)
	for i, before := range n.looks {
		if looks, at := p.Looked(i); looks != before && within(n.windows, at) {
			stood++
		}
	}
	n.looked.Add(1)
	n.threads.Add(stood)
	n.inside.Add(min(stood, 1))
}

func within(all []span, at uint64) bool {
	for _, r := range all {
		if at >= r.lo && at <= r.hi {
			return true
		}
	}
	return false
}

// windows are where a thread stands that has passed the first slot of a site and not the last one, of
// the entry's sites of the key that is operated on.
func (r *run) windows(out []span) []span {
	at := r.Patcher.Addr(r.entry)
	for _, s := range r.image.Sites {
		if (place{r.Arrays[s.Array], s.Key}) == r.operates {
			first, last := s.Slots[0].Off, s.Slots[len(s.Slots)-1].Off
			out = append(out, span{lo: at + uint64(first) + text.Size, hi: at + uint64(last)})
		}
	}
	return out
}

// sum is what was counted.
func (n *near) sum() *report.Near {
	return &report.Near{Pokes: n.looked.Load(), InWindow: n.inside.Load(), Threads: n.threads.Load()}
}
