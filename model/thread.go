package model

import "tailpoke/patcher/protocol"

// thread finds the moves of thread i.
func (e *expander) thread(i int) {
	t := e.x[e.sys.threads+i]
	switch place := placeField.of(t); place {
	case idle:
		e.enter(i)
	case atBypass, atTarget:
		e.fetch(i, protocol.Slot(place-atBypass))
	case trappedBypass, trappedTarget:
		e.handle(i, protocol.Slot(place-trappedBypass))
	case inProgram:
		broken := noFault
		if statusOf(e.x[0], progField.of(t)) == freed {
			broken = ranFreed
		}
		e.goTo(i, moveRun, 0, broken)
	case afterSites:
		e.goTo(i, moveLeave, 0, noFault)
	}
}

// goTo puts thread i into the state t.
func (e *expander) goTo(i int, kind moveKind, t uint64, broken fault) {
	e.from()[e.sys.threads+i] = t
	e.found(move{kind: kind, actor: int8(i)}, broken)
}

// enter begins an execution, and with it a reader section and the duties: which
// programs it may run, and which keys it must not miss.
func (e *expander) enter(i int) {
	w := e.x[0]
	t := placeField.put(0, atBypass)
	for key := range e.sys.shape.Keys {
		p := heldField.at(key).of(w)
		fresh, must := programBit(p), p != 0
		if op := opField.of(w); op != 0 && keyField.of(w) == uint64(key) {
			fresh |= programBit(givenField.of(w)) | programBit(oldField.of(w))
			must = must && op == 1+uint64(protocol.Update)
		}
		t = freshField.at(key).put(t, fresh)
		if must {
			t = mustField.at(key).put(t, 1)
		}
	}
	e.goTo(i, moveEnter, t, noFault)
}

// fetch executes a slot. The fetch returns any pair that a CPU may still see.
func (e *expander) fetch(i int, s protocol.Slot) {
	t := e.x[e.sys.threads+i]
	seen := slotOf(e.x[1+siteField.of(t)], s).seen()
	if seen&int3Pairs != 0 {
		e.goTo(i, moveTrap, placeField.put(t, trappedAt(s)), noFault)
	}
	if seen&^(int3Pairs|wholePairs) != 0 {
		e.goTo(i, moveTorn, t, ranTorn)
	}
	for instr := tailNop; instr < tailMixed; instr++ {
		if seen>>whole(instr)&1 != 0 {
			e.execute(i, s, instr, moveFetch)
		}
	}
}

// execute makes thread i act as the instruction instr of a slot.
func (e *expander) execute(i int, s protocol.Slot, instr tail, kind moveKind) {
	t := e.x[e.sys.threads+i]
	switch {
	case s == protocol.Bypass && instr == tailNop:
		e.goTo(i, kind, placeField.put(t, atTarget), noFault)
	case s == protocol.Bypass:
		e.skip(i, kind)
	case instr == tailNop:
		e.goTo(i, kind, placeField.put(t, atTarget), passedA)
	default:
		e.tailCall(i, uint64(instr), kind)
	}
}

// skip leaves the site by its bypass, for the next site or the rest of the caller.
func (e *expander) skip(i int, kind moveKind) {
	t := e.x[e.sys.threads+i]
	here := int(siteField.of(t))
	broken := noFault
	if mustField.at(e.sys.keyOf(here)).of(t) != 0 {
		broken = missed
	}
	if next := here + 1; next < e.sys.shape.Sites {
		t = placeField.put(siteField.put(t, uint64(next)), atBypass)
	} else {
		t = afterExit(t, afterSites)
	}
	e.goTo(i, kind, t, broken)
}

// tailCall enters program p.
func (e *expander) tailCall(i int, p uint64, kind moveKind) {
	t := e.x[e.sys.threads+i]
	key := e.sys.keyOf(int(siteField.of(t)))
	broken := noFault
	switch {
	case freshField.at(key).of(t)&programBit(p) == 0:
		broken = ranStale
	case statusOf(e.x[0], p) == freed:
		broken = ranFreed
	}
	e.goTo(i, kind, progField.put(afterExit(t, inProgram), p), broken)
}

// afterExit puts a thread behind its last fetch: of what it carries, only what grace
// periods ask of it still matters.
func afterExit(t, place uint64) uint64 {
	t &= waitedField.put(0, waitedField.mask()) | ((1<<maxPrograms - 1) << (retiredField >> 8))
	return placeField.put(t, place)
}

// handle runs the trap handler. It is a step of its own: between the trap and its
// handler the thread may be descheduled for any time, the poke may end, and others
// may begin.
func (e *expander) handle(i int, s protocol.Slot) {
	t := e.x[e.sys.threads+i]
	site := int(siteField.of(t))
	again := placeField.put(t, standingAt(s))
	slot := slotOf(e.x[1+site], s)
	a := e.sys.poking(&e.x, site, s)
	switch {
	case a == nil && slot.mem().head() == headInt3:
		// The method is over and has left the trap byte: it belongs to nobody.
		e.goTo(i, moveLost, t, ranTorn)
	case a == nil:
		e.goTo(i, moveLate, again, noFault)
	case e.sys.trap == protocol.TrapNew:
		e.execute(i, s, wanted(&e.x, a), moveHandle)
	case e.sys.trap == protocol.TrapOld:
		e.execute(i, s, slot.expects(), moveHandle)
	default:
		e.goTo(i, moveRetry, again, noFault)
	}
}
