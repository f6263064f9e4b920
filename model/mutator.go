package model

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// agents finds the moves of the agents and of the grace periods of retired programs.
func (e *expander) agents() {
	for i := range e.sys.agents {
		if a := &e.sys.agents[i]; a != e.me {
			e.me = a // seldom: the collector hears of every store of a pointer
		}
		e.agent()
	}
	for p := uint64(1); p <= uint64(e.sys.shape.Programs); p++ {
		switch {
		case statusOf(e.x[0], p) == retiring:
			e.reclaim(p)
		case e.sys.shape.Deep && statusOf(e.x[0], p) == freed:
			e.arrives(p)
			e.forgets(p)
		}
	}
}

// agent finds the moves of the agent e.me.
func (e *expander) agent() {
	w := e.x[e.me.word]
	switch {
	case opField.of(w) != 0:
		switch a := e.sys.current(&e.x, e.me); {
		case a == nil && e.me.loads:
			e.leaves()
		case a == nil:
			e.returns()
		case e.me.loads:
			e.load(a)
		default:
			e.act(a)
		}
	case e.me.loads:
		e.lives()
	case e.me.word == 0 || !e.sys.symmetric || opField.of(e.x[0]) != 0:
		// Mutators are alike, so of two that are idle the first one calls.
		e.calls()
	}
}

// calls begins every operation that a user of the map may ask for.
func (e *expander) calls() {
	for key := range e.sys.shape.Keys {
		if e.locked(key) {
			continue
		}
		old := heldField.at(key).of(e.x[0])
		for p := uint64(1); p <= uint64(e.sys.shape.Programs); p++ {
			switch {
			case !e.givable(p):
			case old == 0:
				e.call(protocol.Install, key, p, old)
			default:
				e.call(protocol.Update, key, p, old)
			}
		}
		if old == 0 {
			continue
		}
		if e.sys.shape.Same && statusOf(e.x[0], old) == held {
			e.call(protocol.Update, key, old, old)
		}
		e.call(protocol.Remove, key, 0, old)
	}
}

// givable reports whether a key may be given the program p. A freed program may be
// loaded again, at the same address; one that has sites is so by a move of its own.
func (e *expander) givable(p uint64) bool {
	s := statusOf(e.x[0], p)
	return (s == loaded || s == freed && !e.sys.shape.Deep) && !e.named(p)
}

// named reports whether some key holds p.
func (e *expander) named(p uint64) bool {
	for key := range e.sys.shape.Keys {
		if heldField.at(key).of(e.x[0]) == p {
			return true
		}
	}
	return false
}

func (e *expander) call(op protocol.OpKind, key int, given, old uint64) {
	y := e.from()
	mine := &y[e.me.word]
	*mine = opField.put(*mine, 1+uint64(op))
	*mine = keyField.put(*mine, uint64(key))
	*mine = givenField.put(*mine, given)
	*mine = oldField.put(*mine, old)
	if given != 0 {
		y[0] = withStatus(y[0], given, held)
	}
	if e.sys.silent[op] {
		y[0] = heldField.at(key).put(y[0], given)
	}
	fresh, must := freshField.at(key), mustField.at(key)
	for i := e.sys.threads; i < e.sys.words; i++ {
		if !e.sys.bound(placeField.of(y[i])) {
			continue
		}
		y[i] = fresh.put(y[i], fresh.of(y[i])|programBit(given))
		if op == protocol.Remove {
			y[i] = must.put(y[i], 0)
		}
	}
	e.found(move{kind: moveInstall + moveKind(op), actor: e.me.actor}, noFault)
}

// returns ends the operation. A program that it leaves neither held nor retired, nor in the hand of
// another, stays loaded and can be given again. What it replaced has leaked, if it did not let go of
// that.
func (e *expander) returns() {
	y := e.from()
	mine := &y[e.me.word]
	given, old := givenField.of(*mine), oldField.of(*mine)
	broken := noFault
	key, lets := int(keyField.of(*mine)), e.sys.letsGo[opField.of(*mine)-1]
	if old != 0 && !lets && (given == old || e.sys.pointer(&e.x, key) != old) {
		broken = leaked
	}
	for _, p := range [...]uint64{given, old} {
		if p != 0 && statusOf(y[0], p) == held && !e.named(p) && !e.inHand(p) {
			y[0] = withStatus(y[0], p, loaded)
		}
	}
	*mine = idleAgain(*mine)
	e.found(move{kind: moveReturn, actor: e.me.actor}, broken)
}

// idleAgain clears what an agent's word says of its operation.
func idleAgain(w uint64) uint64 {
	for _, f := range [...]field{opField, keyField, givenField, oldField, actionField} {
		w = f.put(w, 0)
	}
	return w
}

// act finds the moves of the operation's next action.
func (e *expander) act(a *action) {
	if a.First && !begun(e.x[e.me.word]) && !e.sys.stable(&e.x, a.site) {
		e.pass(a)
		return
	}
	switch a.Kind {
	case protocol.Publish:
		e.publish(a)
	case protocol.Poke:
		if !begun(e.x[e.me.word]) && !e.sys.known(&e.x, a.site) {
			e.refuse(a)
			return
		}
		e.poke(a)
	case protocol.Wait:
		e.wait(a)
	case protocol.Retire:
		e.retire(a)
	case protocol.Free:
		e.free(a)
	}
}

// refuse passes for a poke: its text is not known, and nobody looks at the answer. The descriptor
// remembers what was to be written.
func (e *expander) refuse(a *action) {
	y := e.from()
	w := &y[1+a.site]
	s := slotOf(*w, a.Slot)
	*w = withSlot(*w, a.Slot, s.expecting(e.sys.wanted(y, e.me, a)))
	e.done(a, moveRefused)
}

// begun reports whether the next action of an agent is in progress: it is asked whether a
// descriptor is stable before that, and no more.
func begun(w uint64) bool {
	return microField.of(w) != 0 || lookField.of(w) != 0 || waitField.of(w) != 0
}

// pass goes by a descriptor that is not stable.
func (e *expander) pass(a *action) {
	y := e.from()
	mine := &y[e.me.word]
	if !a.asks {
		*mine = lastField.put(*mine, 0) // no wait asks any more
	}
	*mine = actionField.put(*mine, uint64(a.next))
	e.found(move{movePass, e.me.actor, int8(a.site)}, noFault)
}

// publish exchanges the map's pointer. What it finds there is what the operation
// replaces. It can be another program than at the call only if nothing kept another
// mutator away. An operation that has done nothing else yet then goes on as the
// operation that it turns out to be.
func (e *expander) publish(a *action) {
	y := e.from()
	mine := &y[e.me.word]
	key, given := int(keyField.of(*mine)), givenField.of(*mine)
	if e.sys.races {
		old := heldField.at(key).of(y[0])
		*mine = oldField.put(*mine, old)
		op := kindOf(given, old)
		if list := e.sys.actions[op][key]; actionField.of(*mine) == 0 && len(list) > 0 &&
			list[0].Kind == protocol.Publish {
			*mine = opField.put(*mine, 1+uint64(op))
			a = &list[0]
		}
	}
	e.sys.setPointer(y, key, given)
	e.done(a, movePublish)
}

// kindOf returns which operation gives a key one program in the place of another.
func kindOf(given, old uint64) protocol.OpKind {
	switch {
	case given == 0:
		return protocol.Remove
	case old == 0:
		return protocol.Install
	default:
		return protocol.Update
	}
}

// done goes on after the action a.
func (e *expander) done(a *action, kind moveKind) {
	e.y[e.me.word] = advance(e.y[e.me.word], a)
	e.found(move{kind: kind, actor: e.me.actor}, noFault)
}

func advance(w uint64, a *action) uint64 {
	if !a.guarded {
		w = lastField.put(w, 0) // no wait asks any more
	}
	return actionField.put(w, actionField.of(w)+1)
}

func statusOf(w, p uint64) uint64           { return statusField.at(int(p) - 1).of(w) }
func withStatus(w, p, status uint64) uint64 { return statusField.at(int(p)-1).put(w, status) }

// What a key holds is what the map's pointer names, as long as every operation publishes:
// the key changes hands at the moment at which the pointer is exchanged. An operation that
// never publishes has no such moment. If there are only direct sites, the model believes the
// pointer: the key holds what it held. If an indirect caller or the load of a copy reads the
// pointer itself, the two are kept apart: such an operation gives the key its program when it
// is called, and the pointer goes on naming the old one.

// publishes reports whether an operation exchanges the map's pointer.
func publishes(steps []protocol.Step) bool {
	return slices.ContainsFunc(steps, func(s protocol.Step) bool { return s.Kind == protocol.Publish })
}

// alwaysPublishes reports whether every operation does.
func alwaysPublishes(p protocol.Protocol) bool {
	for _, steps := range p.Ops {
		if !publishes(steps) {
			return false
		}
	}
	return true
}

// pointer returns the program that the map's pointer names.
func (sys *system) pointer(x *state, key int) uint64 {
	if !sys.apart {
		return heldField.at(key).of(x[0])
	}
	return pointerField.at(key).of(x[sys.extra])
}

// setPointer makes the map's pointer name p, and the key hold it.
func (sys *system) setPointer(x *state, key int, p uint64) {
	x[0] = heldField.at(key).put(x[0], p)
	if sys.apart {
		x[sys.extra] = pointerField.at(key).put(x[sys.extra], p)
	}
}
