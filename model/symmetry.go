package model

import "tailpoke/patcher/protocol"

// Threads are alike: the same holds for a state with their words permuted. So are programs,
// which no rule tells apart by more than what refers to them. A state stands for all that
// differ from it only in the names of these, and one form of them is stored.
//
// Nothing else is alike. A thread goes through the sites of an image in order, and does not
// reach what comes after an open site. Descriptors are poked in tracking order, so the steps
// at one of two sites are over when those at the other begin. Copies are tracked in order
// too, and programs that have sites. So keys that have a direct site are not alike. Those
// that have none are: symmetry_key.go.

// programsAlike reports whether there are programs that may be exchanged.
func programsAlike(s protocol.Shape) bool { return s.Programs > 1 && !s.Deep }

// canonical brings a state into the form that stands for it.
func (sys *system) canonical(x *state) {
	sys.sortKeys(x)
	if sys.alike {
		sys.sortPrograms(x)
	}
	if sys.symmetric {
		sortWords(x[sys.threads:sys.words])
	}
}

func sortWords(words []uint64) {
	for i := 1; i < len(words); i++ {
		for j := i; j > 0 && words[j-1] > words[j]; j-- {
			words[j-1], words[j] = words[j], words[j-1]
		}
	}
}

// sortPrograms orders programs by what refers to them. Of several threads it is only
// looked at how many do, so that a few states are stored in more than one form.
func (sys *system) sortPrograms(x *state) {
	var refs [maxPrograms + 1]uint64
	last := uint64(sys.shape.Programs)
	for p := uint64(1); p <= last; p++ {
		refs[p] = sys.references(x, p)
	}
	for p := uint64(1); p < last; p++ {
		least := p
		for q := p + 1; q <= last; q++ {
			if refs[q] < refs[least] || refs[q] == refs[least] && sys.slots(x, q) < sys.slots(x, least) {
				least = q
			}
		}
		if least != p {
			sys.exchange(x, p, least)
			refs[p], refs[least] = refs[least], refs[p]
		}
	}
}

// references says what all but the slots have to do with program p.
func (sys *system) references(x *state, p uint64) uint64 {
	n := statusOf(x[0], p)
	also := func(is bool) {
		n <<= 1
		if is {
			n |= 1
		}
	}
	for key := range sys.shape.Keys {
		also(heldField.at(key).of(x[0]) == p)
		if sys.apart {
			also(pointerField.at(key).of(x[sys.extra]) == p)
		}
	}
	for i := range sys.agents {
		if a := &sys.agents[i]; !a.loads {
			also(givenField.of(x[a.word]) == p)
			also(oldField.of(x[a.word]) == p)
		}
	}
	const lane = 4 // bits, for up to maxThreads of them
	n <<= (2 + maxKeys) * lane
	for _, t := range x[sys.threads:sys.words] {
		if progField.of(t) == p {
			n++
		}
		n += retiredField.at(int(p)-1).of(t) << lane
		fresh := t >> (freshField >> 8) >> (p - 1)
		for key := range sys.shape.Keys {
			n += fresh >> (key * maxPrograms) & 1 << ((2 + key) * lane)
		}
	}
	return n
}

// slots says what the slots, and what the load of a copy has read, have to do with p.
func (sys *system) slots(x *state, p uint64) uint64 {
	n := uint64(0)
	for i := range sys.sites {
		s := slotOf(x[1+i], programSlot)
		n = n<<5 | uint64(s>>p&1|s>>(p+1<<tailBits)&1<<1|s>>(p+2<<tailBits)&1<<2)
		if s.mem().tail() == tail(p) {
			n |= 1 << 3
		}
		if s.expects() == tail(p) {
			n |= 1 << 4
		}
	}
	for i := 0; sys.shape.Copies > 0 && i < sys.shape.Sites; i++ {
		n <<= 1
		if readField.at(i).of(x[sys.extra]) == p {
			n |= 1
		}
	}
	return n
}

// exchanged is v, with a and b in the place of each other.
func exchanged[T comparable](v, a, b T) T {
	switch v {
	case a:
		return b
	case b:
		return a
	}
	return v
}

// exchange makes a of b and b of a in a field.
func (f field) exchange(w *uint64, a, b uint64) { *w = f.put(*w, exchanged(f.of(*w), a, b)) }

// exchange makes p of q and q of p, wherever they are named.
func (sys *system) exchange(x *state, p, q uint64) {
	named := func(w *uint64, f field) { f.exchange(w, p, q) }
	for key := range sys.shape.Keys {
		named(&x[0], heldField.at(key))
		if sys.apart {
			named(&x[sys.extra], pointerField.at(key))
		}
	}
	for i := 0; sys.shape.Copies > 0 && i < sys.shape.Sites; i++ {
		named(&x[sys.extra], readField.at(i))
	}
	sp, sq := statusOf(x[0], p), statusOf(x[0], q)
	x[0] = withStatus(withStatus(x[0], p, sq), q, sp)
	for i := range sys.agents {
		a := &sys.agents[i]
		if lookField.of(x[a.word]) != 0 && sys.current(x, a).Slot == programSlot {
			lookField.exchange(&x[a.word], 1+p, 1+q)
		}
		if !a.loads {
			named(&x[a.word], givenField)
			named(&x[a.word], oldField)
		}
	}
	for i := range sys.sites {
		x[1+i] = exchangeIn(x[1+i], p, q)
	}
	for i := sys.threads; i < sys.words; i++ {
		t := &x[i]
		named(t, progField)
		*t = exchangeBits(*t, 1<<(retiredField>>8), p-1, q-1)
		*t = exchangeBits(*t, everyKey, p-1, q-1)
	}
}

// everyKey is the first bit of freshField of each key.
const everyKey = (1 | 1<<maxPrograms | 1<<(2*maxPrograms) | 1<<(3*maxPrograms)) << (freshField >> 8)

// exchangeBits exchanges the bits p and q above each bit of the set first.
func exchangeBits(w, first, p, q uint64) uint64 {
	differ := (w>>p ^ w>>q) & first
	return w ^ differ<<p ^ differ<<q
}

// exchangeIn exchanges two programs in the slot of a site that leads to programs.
func exchangeIn(w site, p, q uint64) site {
	const rows = 1 | 1<<(1<<tailBits) | 1<<(2<<tailBits)
	s := slotOf(w, programSlot)
	seen := pairSet(exchangeBits(uint64(s.seen()), rows, p, q))
	to := func(t tail) tail { return exchanged(t, tail(p), tail(q)) }
	mem := s.mem()
	return withSlot(w, programSlot, s.expecting(to(s.expects())).with(seen,
		pairOf(mem.head(), to(mem.tail()))))
}

// standsFor reports whether a stored state stands for x: whether some permutation of the
// programs, and of the keys that are alike, makes it of x.
func (sys *system) standsFor(stored []uint64, x state) bool {
	y := x
	if sys.canonical(&y); equal(stored, y[:sys.words]) {
		return true
	}
	return sys.permutedKeys(stored, x, sys.alikeKeys)
}

// permutedKeys tries the permutations that leave the keys before k where they are.
func (sys *system) permutedKeys(stored []uint64, x state, k int) bool {
	if k >= sys.shape.Keys {
		return sys.permuted(stored, x, 1)
	}
	for l := k; l < sys.shape.Keys; l++ {
		y := x
		if l > k {
			sys.exchangeKeys(&y, k, l)
		}
		if sys.permutedKeys(stored, y, k+1) {
			return true
		}
	}
	return false
}

// permuted tries the permutations that leave the programs before p where they are.
func (sys *system) permuted(stored []uint64, x state, p uint64) bool {
	last := uint64(sys.shape.Programs)
	if p >= last || !sys.alike {
		if sys.symmetric {
			sortWords(x[sys.threads:sys.words])
		}
		return equal(stored, x[:sys.words])
	}
	for q := p; q <= last; q++ {
		y := x
		if q > p {
			sys.exchange(&y, p, q)
		}
		if sys.permuted(stored, y, p+1) {
			return true
		}
	}
	return false
}
