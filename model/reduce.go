package model

import "tailpoke/patcher/protocol"

// With [Options.Reduce] some states have one successor alone: that of a move which
// nobody's other moves depend on, so that whoever moves before it may as well move after
// it. What could be broken from the state can still be broken behind the move:
//
//   - A thread past the sites leaves. Nothing but grace periods looks at it there, and to
//     these its leaving only gives way: a snapshot that would have taken it, or forgotten
//     it, is one that does not find it.
//   - A retired program is freed when nobody is waited for. Whoever may use it then may
//     use it before; of what is allowed while it is retiring nothing ends with that, but
//     that running in it is no fault. It is not so where its sites go with it.
//   - A single agent's poke that finds nothing to do, and a wait that is skipped, change
//     nothing but where the operation stands, at which nobody looks between two pokes.
//
// None of these can follow each other for ever, so that nobody is put off for ever. The
// freeing may come before what would have been broken otherwise, so that another
// property is broken than without, or on a longer way: a violation is looked for again
// without the reduction.

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
