package model

import (
	"math/bits"

	"tailpoke/patcher/protocol"
)

// thread finds the moves of thread i.
func (e *expander) thread(i int) {
	t := e.x[e.sys.threads+i]
	if e.sys.comes && e.sys.strayed(&e.x, t) {
		e.goTo(i, moveGone, t, ranFreed)
		return
	}
	if hiddenField.of(t) != 0 {
		e.goTo(i, moveDrain, hiddenField.put(t, 0), noFault)
	}
	switch place := placeField.of(t); place {
	case idle:
		if e.sys.counts() {
			e.goTo(i, moveEpoch, placeField.put(0, entering), noFault)
		} else {
			e.enter(i)
		}
	case entering:
		e.enter(i)
	case inProgram:
		e.inProgram(i, t)
	case afterSites:
		e.goTo(i, moveLeave, 0, noFault)
	default:
		e.atSlot(i, t, place)
	}
}

// atSlot finds the moves of thread i, which stands before a slot as t or has trapped there.
func (e *expander) atSlot(i int, t, place uint64) {
	if place >= trapped {
		e.handle(i, protocol.Slot(place-trapped))
		return
	}
	e.fetch(i, t, protocol.Slot(place-atSlots))
	if e.sys.shape.Indirect && place == atSlots && siteField.of(t) == 0 {
		e.readKeys(i)
	}
}

// goTo puts thread i into the state t.
func (e *expander) goTo(i int, kind moveKind, t uint64, broken fault) {
	e.from()[e.sys.threads+i] = t
	e.found(move{kind: kind, actor: int8(i)}, broken)
}

// acts puts thread i, which stands at a site as t, into the state to.
func (e *expander) acts(i int, t uint64, kind moveKind, to uint64, broken fault) {
	e.from()[e.sys.threads+i] = to
	e.found(move{kind, int8(i), int8(siteField.of(t))}, broken)
}

// inProgram finds the moves of thread i in a program. It runs to its end: it need not execute a
// site on its way, since the limit on tail calls may be reached. It executes any of the program's
// sites. If the tail call may have been one of a subprogram, it goes on in the caller, at any
// site: descriptors are not in the order in which sites are executed, and a subprogram may be
// called again.
func (e *expander) inProgram(i int, t uint64) {
	if statusOf(e.x[0], progField.of(t)) == freed {
		e.goTo(i, moveRun, 0, ranFreed)
		return
	}
	e.goTo(i, moveRun, 0, noFault)
	to := progField.put(placeField.put(t, atSlots), 0)
	if e.sys.shape.Deep {
		for _, site := range e.sys.images[e.sys.imageOfProgram(progField.of(t))] {
			e.fetch(i, siteField.put(to, uint64(site)), 0)
		}
	}
	if e.sys.shape.Nested {
		for _, site := range e.sys.images[homeField.of(t)] {
			e.goTo(i, moveBack, siteField.put(homeField.put(to, 0), uint64(site)), noFault)
		}
	}
}

// inside returns thread t, which stands at a site of a program, to where nothing says
// which site it executes next.
func (sys *system) inside(t uint64) uint64 {
	p := sys.programOf(sys.imageOf(int(siteField.of(t))))
	return progField.put(siteField.put(placeField.put(t, inProgram), 0), p)
}

// enter begins an execution of any kind in an image that is open, and with it a reader section
// and the duties: which programs it may run, and which keys it must not miss.
func (e *expander) enter(i int) {
	t := placeField.put(0, atSlots)
	if e.sys.counts() {
		t = hiddenField.put(afterExit(e.x[e.sys.threads+i], atSlots), 1)
	}
	for key := range e.sys.shape.Keys {
		p := heldField.at(key).of(e.x[0])
		fresh, must := programBit(p), p != 0
		for j := range e.sys.agents {
			w := e.x[e.sys.agents[j].word]
			if op := opField.of(w); op != 0 && keyField.of(w) == uint64(key) && !e.sys.agents[j].loads {
				fresh |= programBit(givenField.of(w)) | programBit(oldField.of(w))
				must = must && op == 1+uint64(protocol.Update)
			}
		}
		t = freshField.at(key).put(t, fresh)
		if must {
			t = mustField.at(key).put(t, 1)
		}
	}
	for kind := range e.sys.kinds {
		t = kindField.put(t, uint64(kind))
		e.goTo(i, moveEnter, t, noFault)
		for image := 1; image <= e.sys.shape.Copies; image++ {
			if e.sys.open(&e.x, image) {
				e.goTo(i, moveEnter, siteField.put(t, uint64(e.sys.firstOf(image))), noFault)
			}
		}
	}
}

// fetch executes a slot as thread i, which stands before it as t. The fetch returns any
// pair that a CPU may still see.
func (e *expander) fetch(i int, t uint64, s protocol.Slot) {
	seen := slotOf(e.x[1+siteField.of(t)], s).seen()
	if seen&int3Pairs != 0 {
		e.acts(i, t, moveTrap, placeField.put(t, trappedAt(s)), noFault)
	}
	if seen&^(int3Pairs|wholePairs) != 0 {
		e.acts(i, t, moveTorn, t, ranTorn)
	}
	for left := seen & wholePairs; left != 0; left &= left - 1 {
		e.execute(i, t, s, pair(bits.TrailingZeros32(uint32(left))).tail(), moveFetch)
	}
}

// execute makes thread i act as the instruction instr of a slot, before which it stands
// as t.
func (e *expander) execute(i int, t uint64, s protocol.Slot, instr tail, kind moveKind) {
	switch f := &e.sys.flow[s][contentOf(instr)]; {
	case f.leads == protocol.ToProgram:
		to, broken := e.entered(t, e.sys.keyOf(int(siteField.of(t))), uint64(instr))
		e.acts(i, t, kind, to, broken)
	case f.breaks != noFault:
		e.acts(i, t, kind, t, f.breaks)
	case f.leads == protocol.ToNext && s+1 < siteSlots:
		e.acts(i, t, kind, placeField.put(t, standingAt(s+1)), noFault)
	default:
		e.skip(i, t, kind)
	}
}

// skip leaves the site without a tail call, for the next site or the rest of the image.
func (e *expander) skip(i int, t uint64, kind moveKind) {
	to, broken := t, noFault
	here := int(siteField.of(t))
	if mustField.at(e.sys.keyOf(here)).of(t) != 0 {
		broken = missed
	}
	image := e.sys.imageOf(here)
	sites := e.sys.images[image]
	switch {
	case e.sys.programOf(image) > 0:
		to = e.sys.inside(t)
	case here < sites[len(sites)-1]:
		to = placeField.put(siteField.put(t, uint64(here+1)), atSlots)
	default:
		to = siteField.put(afterExit(t, afterSites), uint64(sites[0]))
	}
	e.acts(i, t, kind, to, broken)
}

// readKeys executes an indirect site: any, of any key. A thread before the first direct
// site has done nothing yet that would tell it from one that has passed others.
func (e *expander) readKeys(i int) {
	t := e.x[e.sys.threads+i]
	for key := range e.sys.shape.Keys {
		to, broken := afterExit(t, afterSites), noFault
		if p := e.sys.pointer(&e.x, key); p != 0 {
			to, broken = e.entered(t, key, p)
		} else if mustField.at(key).of(t) != 0 {
			broken = missed
		}
		e.from()[e.sys.threads+i] = to
		e.found(move{moveRead, int8(i), int8(key)}, broken)
	}
}

// entered returns what thread t becomes in program p, entered for a key, and what that
// breaks.
func (e *expander) entered(t uint64, key int, p uint64) (uint64, fault) {
	to := progField.put(e.sys.called(t), p)
	switch {
	case freshField.at(key).of(t)&programBit(p) == 0:
		return to, ranStale
	case statusOf(e.x[0], p) == freed:
		return to, ranFreed
	}
	return to, noFault
}

// called puts a thread into a program. That is after its last fetch, unless the program has
// sites or may return to the image that the thread came from.
func (sys *system) called(t uint64) uint64 {
	if !sys.lasts {
		return afterExit(t, inProgram)
	}
	if image := sys.imageOf(int(siteField.of(t))); sys.shape.Nested && sys.programOf(image) == 0 {
		t = homeField.put(t, uint64(image))
	}
	return siteField.put(placeField.put(t, inProgram), 0)
}

// afterExit puts a thread after its last fetch: of what it carries, only what grace periods
// ask of it still matters.
func afterExit(t, place uint64) uint64 {
	const asked = 1<<(waitedField>>8) | 1<<(waited1Field>>8) | 1<<(waited2Field>>8) |
		(1<<maxPrograms-1)<<(retiredField>>8) | 1<<(hiddenField>>8) | 3<<(kindField>>8)
	return placeField.put(t&asked, place)
}

// strayed reports whether a thread stands at a site of an image that was freed.
func (sys *system) strayed(x *state, t uint64) bool {
	place := placeField.of(t)
	return place != idle && place != inProgram && !sys.placed(x, sys.imageOf(int(siteField.of(t))))
}

// handle runs the trap handler. It is a step of its own: between the trap and its
// handler the thread may be descheduled for any time, the poke may end, and others
// may begin.
func (e *expander) handle(i int, s protocol.Slot) {
	t := e.x[e.sys.threads+i]
	site := int(siteField.of(t))
	again := placeField.put(t, standingAt(s))
	if s == 0 && e.sys.programOf(e.sys.imageOf(site)) > 0 {
		again = e.sys.inside(t)
	}
	slot := slotOf(e.x[1+site], s)
	by, a := e.sys.poking(&e.x, site, s)
	switch {
	case a == nil && slot.mem().head() == headInt3:
		// The method is over and has left the trap byte: no poke owns it.
		e.goTo(i, moveLost, t, ranTorn)
	case a == nil:
		e.goTo(i, moveLate, again, noFault)
	case e.sys.trap == protocol.TrapNew:
		e.execute(i, t, s, e.sys.wanted(&e.x, by, a), moveHandle)
	case e.sys.trap == protocol.TrapOld:
		e.execute(i, t, s, slot.expects(), moveHandle)
	default:
		e.goTo(i, moveRetry, again, noFault)
	}
}
