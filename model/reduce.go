package model

import "tailpoke/patcher/protocol"

// With [Options.Reduce] some states have one successor alone. It is that of a move on which no
// other actor's moves depend: what moves before it may as well move after it. What could be
// broken from the state can still be broken after the move:
//
//   - A thread past the sites leaves. Only grace periods look at it there, and its leaving only
//     helps them: a snapshot that would have taken it, or forgotten it, does not find it.
//   - A retired program is freed when no thread is waited for. A thread that may use it then may
//     use it before. Freeing ends nothing that was allowed while it was retiring, except that
//     running in it is now a fault. This does not hold if its sites go with it.
//   - A single agent's poke that finds nothing to do, and a wait that is skipped, change only
//     where the operation stands, and no other actor looks at that between two pokes.
//
// None of these can follow each other for ever, so no actor is put off for ever. The freeing may
// come before what would have been broken otherwise, so that another property is broken than
// without it, or on a longer way. So a violation is looked for again without the reduction.

// sole makes the move that stands for all moves from x, if there is one.
func (e *expander) sole() bool {
	for i, t := range e.threadWords() {
		if placeField.of(t) == afterSites && siteField.of(t) == 0 {
			e.goTo(i, moveLeave, 0, noFault)
			return true
		}
	}
	for p := uint64(1); p <= uint64(e.sys.shape.Programs) && !e.sys.shape.Deep; p++ {
		if statusOf(e.x[0], p) == retiring && e.over(retiredField.at(int(p)-1)) {
			e.reclaim(p)
			return true
		}
	}
	return len(e.sys.agents) == 1 && opField.of(e.x[0]) != 0 && e.idles()
}

// idles makes the next move of the only agent if it changes nothing else.
func (e *expander) idles() bool {
	e.me = &e.sys.agents[0]
	a := e.sys.current(&e.x, e.me)
	switch {
	case a == nil:
		return false
	case a.Kind == protocol.Wait && waitField.of(e.x[0]) == 0 && e.skips(a):
		e.wait(a)
		return true
	case a.Kind != protocol.Poke || microField.of(e.x[0]) != 0:
		return false
	}
	s := slotOf(e.x[1+a.site], a.Slot)
	if s.mem() != whole(s.expects()) || s.expects() != e.sys.wanted(&e.x, e.me, a) {
		return false
	}
	e.poke(a)
	return true
}
