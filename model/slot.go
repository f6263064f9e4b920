package model

import "tailpoke/patcher/protocol"

// A tail is what the last four bytes of a slot hold. It names a whole instruction:
// with tailNop goes the head of a nop, with a destination the head of a jump.
type tail uint32

const (
	tailNop   tail = 0
	tailOut   tail = 1 // of a slot that jumps over the site: the displacement to its end
	tailMixed tail = 7 // partly written; belongs to no instruction

	// maxPrograms is how many destinations fit between tailNop and tailMixed. Of a slot that
	// jumps to programs, program p is the destination 1+p.
	maxPrograms = 6
)

// A head is what the first byte of a slot holds.
type head uint32

const (
	headNop head = iota
	headJump
	headInt3
	heads
)

// A pair is the five bytes of a slot, as a CPU fetches them: a head and a tail.
type pair uint32

const tailBits = 3

func pairOf(h head, t tail) pair { return pair(h)<<tailBits | pair(t) }

// whole returns the instruction that t names.
func whole(t tail) pair {
	if t == tailNop {
		return pairOf(headNop, t)
	}
	return pairOf(headJump, t)
}

func (p pair) head() head { return head(p >> tailBits) }
func (p pair) tail() tail { return tail(p & (1<<tailBits - 1)) }

func (p pair) isWhole() bool { return pairSet(1)<<p&wholePairs != 0 }

// A pairSet has bit p set when the pair p is in it.
type pairSet uint32

const (
	tailsMask pairSet = 1<<(1<<tailBits) - 1 // the tails of one head

	int3Pairs  = tailsMask << (uint32(headInt3) << tailBits)
	wholePairs = 1<<(uint32(headNop)<<tailBits|uint32(tailNop)) |
		(tailsMask&^(1<<tailNop|1<<tailMixed))<<(uint32(headJump)<<tailBits)
)

// A slot is one patched place: the pairs that a fetch may return, the pair that
// memory holds, and the instruction that the descriptor remembers.
//
// A CPU may fetch stale bytes, and bytes of different age, until it serialises. No
// coherence between two fetches is assumed, not even of one thread: whatever any CPU
// may have seen since the last sync, every fetch may return. A set therefore says all.
type slot uint32

const (
	memShift    = 24
	expectShift = 29
)

// settled returns a slot that holds the instruction t and was serialised since.
func settled(t tail) slot {
	return slot(t)<<expectShift | slot(whole(t))<<memShift | 1<<whole(t)
}

func (s slot) seen() pairSet { return pairSet(s & (1<<memShift - 1)) }
func (s slot) mem() pair     { return pair(s >> memShift & (1<<(expectShift-memShift) - 1)) }
func (s slot) expects() tail { return tail(s >> expectShift) }

func (s slot) with(seen pairSet, mem pair) slot {
	return s>>expectShift<<expectShift | slot(mem)<<memShift | slot(seen)
}

// expecting returns s when its descriptor remembers the instruction t.
func (s slot) expecting(t tail) slot { return s&(1<<expectShift-1) | slot(t)<<expectShift }

// writeHead stores the first byte. The new head may be fetched with any tail that
// some CPU still sees.
func (s slot) writeHead(h head) slot {
	seen := s.seen()
	tails := (seen | seen>>(1<<tailBits) | seen>>(2<<tailBits)) & tailsMask
	return s.with(seen|tails<<(uint32(h)<<tailBits), pairOf(h, s.mem().tail()))
}

// writeTail stores the other bytes, in any order and not at once: with any head that
// some CPU still sees, a fetch may return them partly written. That memory passes
// through the mixed tail needs no step of its own, for what is seen then may be seen
// until the next sync. Nor does it matter that memory holds these bytes already: a CPU may see
// this store, and not the one before it.
func (s slot) writeTail(t tail) slot {
	seen := s.seen()
	for h := range heads {
		if row := uint32(h) << tailBits; seen>>row&tailsMask&^(1<<t) != 0 {
			seen |= (1<<t | 1<<tailMixed) << row
		}
	}
	return s.with(seen, pairOf(s.mem().head(), t))
}

// writeAll stores the whole instruction t in one aligned store.
func (s slot) writeAll(t tail) slot { return s.with(s.seen()|1<<whole(t), whole(t)) }

// sync serialises every CPU: from here a fetch returns what memory holds.
func (s slot) sync() slot { return s.with(1<<s.mem(), s.mem()) }

// A site is its two slots, the first one in the low half.
type site = uint64

// siteSlots is how many slots a site has here. The last one leads to programs, and no other one
// does: [system.fitsSite] refuses other sites.
const (
	siteSlots   = 2
	programSlot = protocol.Slot(siteSlots - 1)
)

func siteOf(first, second slot) site { return site(first) | site(second)<<32 }

func slotOf(w site, s protocol.Slot) slot { return slot(w >> (32 * s)) }

func withSlot(w site, s protocol.Slot, v slot) site {
	return w&^(0xffffffff<<(32*s)) | site(v)<<(32*s)
}

func syncSite(w site) site {
	return siteOf(slotOf(w, 0).sync(), slotOf(w, 1).sync())
}

// contentOf returns what the instruction t is.
func contentOf(t tail) protocol.Content {
	if t == tailNop {
		return protocol.Nop
	}
	return protocol.Jump
}
