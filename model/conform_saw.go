package model

import "tailpoke/patcher/protocol"

// saw returns the guesses in which memory holds what an observer read. Time may have gone
// on without an event, and an event is recorded when its effect can already be seen.
func (f *tracker) saw(it protocol.Item) []guess {
	out := f.before[:0]
	for _, g := range f.guesses {
		g.later(func(g guess) {
			if named, ok := g.holds(it); ok {
				out = addGuess(out, named)
			}
		})
	}
	return out
}

// later finds the guesses at moments before the next event is recorded.
func (g guess) later(found func(guess)) {
	if g.owes != nil {
		found(g)
		return
	}
	g.in.grow(g.at)
	for _, p := range g.at.hidden {
		found(g.then(p))
	}
	for i := range g.at.edges {
		if e := &g.at.edges[i]; e.event.Kind == protocol.Poked {
			to := g.then(e.to)
			to.owes = e
			found(to)
		}
	}
}

// holds reports whether memory holds what an observer read, and names the programs that it
// read of.
func (g guess) holds(it protocol.Item) (guess, bool) {
	if it.Desc < 0 || it.Desc >= g.sites() {
		return g, false
	}
	ok := true
	for s, raw := range it.Seen {
		if ok && raw.Head != protocol.Unread {
			g, ok = g.reads(slotOf(g.at.x[1+it.Desc], protocol.Slot(s)), protocol.Slot(s), raw)
		}
	}
	return g, ok
}

// reads reports whether an observer can have read raw in a slot. What is being written
// may be read partly written until the next sync.
func (g guess) reads(v slot, s protocol.Slot, raw protocol.SlotText) (guess, bool) {
	mem := v.mem()
	if raw.Head == protocol.HeadTrap && raw.Tail == protocol.MixedTail {
		return g, mem.head() == headInt3 && v.seen()>>pairOf(headInt3, tailMixed)&1 != 0
	}
	if textOf(mem, s).Head != raw.Head {
		partly := v.seen()>>pairOf(mem.head(), tailMixed)&1 != 0 && mem.head() != headInt3
		return g, partly && raw.Head == protocol.HeadTorn
	}
	if s == programSlot && raw.Tail >= 0 {
		p := uint64(mem.tail())
		if p == uint64(tailNop) || p > maxPrograms {
			return g, false
		}
		return g.bound(p, raw.Tail)
	}
	return g, raw.Tail == protocol.AnyTail || textOf(mem, s).Tail == raw.Tail
}
