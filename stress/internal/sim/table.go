package sim

import (
	"slices"
	"sync"
)

// A ref names a stored state: its stripe in the low bits, its index above.
type ref uint32

const (
	stripeBits = 6
	stripes    = 1 << stripeBits
	// maxStored is how many states a stripe can name.
	maxStored = 1<<(32-stripeBits) - 1
)

func (r ref) stripe() int { return int(r % stripes) }
func (r ref) index() int  { return int(r / stripes) }

// A stripe stores the states whose hash falls to it. Workers insert into all of them at
// once, so each has its lock.
type stripe struct {
	sync.Mutex
	words   int
	store   []uint64 // states, words each
	parents []parent
	heads   []uint32 // open addressing: index plus 1; a power of two long
	fresh   int      // states from here on were found on the level at hand
}

// parent is the state from which a state was first reached. Of several on one level it is the
// one with the fewest stale fetches up to and with the step from it, and of those the one with the
// least hash, so that it is the same in every run.
type parent struct {
	ref   ref
	stale uint32 // fetches of bytes that memory did not hold
	hash  uint64
}

func (p *parent) before(o *parent) bool {
	if p.stale != o.stale {
		return p.stale < o.stale
	}
	return p.hash < o.hash
}

// hashState is the hash of a state; the low bits choose the stripe.
func hashState(x state) uint64 {
	h := uint64(len(x))
	for _, w := range x {
		h = mix(h ^ w)
	}
	return h
}

func (s *stripe) at(i int) state { return s.store[i*s.words:][:s.words:s.words] }

// insert stores a state unless it is there, and reports whether there is room for more.
func (s *stripe) insert(h uint64, x state, from parent) bool {
	s.Lock()
	defer s.Unlock()
	if 2*len(s.parents) >= len(s.heads) {
		s.grow()
	}
	last := uint64(len(s.heads) - 1)
	for i := h >> stripeBits & last; ; i = (i + 1) & last {
		switch n := int(s.heads[i]); {
		case n == 0:
			s.store = append(s.store, x...)
			s.parents = append(s.parents, from)
			s.heads[i] = uint32(len(s.parents))
			return len(s.parents) < maxStored
		case slices.Equal(s.at(n-1), x):
			if p := &s.parents[n-1]; n-1 >= s.fresh && from.before(p) {
				*p = from
			}
			return true
		}
	}
}

func (s *stripe) grow() {
	s.heads = make([]uint32, max(64, 2*len(s.heads)))
	last := uint64(len(s.heads) - 1)
	for n := range s.parents {
		i := hashState(s.at(n)) >> stripeBits & last
		for s.heads[i] != 0 {
			i = (i + 1) & last
		}
		s.heads[i] = uint32(n + 1)
	}
}
