package model

import "tailpoke/patcher/protocol"

// mutator finds the moves of the mutator and of the grace periods of retired programs.
func (e *expander) mutator() {
	if opField.of(e.x[0]) == 0 {
		e.calls()
	} else if _, a := e.sys.current(&e.x); a == nil {
		e.returns()
	} else {
		e.act(a)
	}
	for p := uint64(1); p <= uint64(e.sys.shape.Programs); p++ {
		e.reclaim(p)
	}
}

// calls begins every operation that a user of the map may ask for. What a key holds
// is what the map's pointer says.
func (e *expander) calls() {
	for key := range e.sys.shape.Keys {
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
		if old != 0 {
			e.call(protocol.Remove, key, 0, old)
		}
	}
}

// givable reports whether a key may be given the program p. A freed program may be
// loaded again, at the same address.
func (e *expander) givable(p uint64) bool {
	s := statusOf(e.x[0], p)
	return (s == loaded || s == freed) && !e.named(p)
}

// named reports whether the map's pointer of some key names p.
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
	y[0] = opField.put(y[0], 1+uint64(op))
	y[0] = keyField.put(y[0], uint64(key))
	y[0] = givenField.put(y[0], given)
	y[0] = oldField.put(y[0], old)
	if given != 0 {
		y[0] = withStatus(y[0], given, held)
	}
	fresh, must := freshField.at(key), mustField.at(key)
	for i := e.sys.threads; i < e.sys.words; i++ {
		if !beforeExit(placeField.of(y[i])) {
			continue
		}
		y[i] = fresh.put(y[i], fresh.of(y[i])|programBit(given))
		if op == protocol.Remove {
			y[i] = must.put(y[i], 0)
		}
	}
	e.found(move{kind: moveInstall + moveKind(op), actor: Mutator}, noFault)
}

// returns ends the operation. A program that it leaves neither held nor retired stays
// loaded and can be given again.
func (e *expander) returns() {
	y := e.from()
	for _, p := range [...]uint64{givenField.of(y[0]), oldField.of(y[0])} {
		if p != 0 && statusOf(y[0], p) == held && !e.named(p) {
			y[0] = withStatus(y[0], p, loaded)
		}
	}
	for _, f := range [...]field{opField, keyField, givenField, oldField, actionField} {
		y[0] = f.put(y[0], 0)
	}
	e.found(move{kind: moveReturn, actor: Mutator}, noFault)
}

// act finds the moves of the operation's next action.
func (e *expander) act(a *action) {
	switch a.Kind {
	case protocol.Publish:
		y := e.from()
		key := int(keyField.of(y[0]))
		y[0] = heldField.at(key).put(y[0], givenField.of(y[0]))
		e.done(a, movePublish)
	case protocol.Poke:
		e.poke(a)
	case protocol.Wait:
		e.wait(a)
	case protocol.Retire:
		e.retire(a)
	case protocol.Free:
		e.free(a)
	}
}

// done goes on behind the action a.
func (e *expander) done(a *action, kind moveKind) {
	e.y[0] = advance(e.y[0], a)
	e.found(move{kind: kind, actor: Mutator}, noFault)
}

func advance(w uint64, a *action) uint64 {
	if !a.guarded {
		w = lastField.put(w, 0) // nobody asks any more
	}
	return actionField.put(w, actionField.of(w)+1)
}

// poke makes the next micro-step of a poke.
func (e *expander) poke(a *action) {
	y := e.from()
	w := &y[1+a.site]
	s, want, next := slotOf(*w, a.Slot), wanted(y, a), microField.of(y[0])
	if next == 0 {
		if s.mem() != whole(s.expects()) {
			e.found(move{kind: movePoke, actor: Mutator}, foundOther)
			return
		}
		if s.expects() == want {
			e.done(a, moveNoPoke)
			return
		}
	}
	switch e.sys.micros[next] {
	case protocol.HeadInt3:
		s = s.writeHead(headInt3)
	case protocol.HeadNew:
		s = s.writeHead(whole(want).head())
	case protocol.Tail:
		s = s.writeTail(want)
	case protocol.All:
		s = s.writeAll(want)
	case protocol.Sync:
		for i := range e.sys.shape.Sites {
			y[1+i] = syncSite(y[1+i])
		}
		s = s.sync()
	}
	if next++; int(next) < len(e.sys.micros) {
		*w = withSlot(*w, a.Slot, s)
		y[0] = microField.put(y[0], next)
		e.found(move{kind: movePoke, actor: Mutator}, noFault)
		return
	}
	*w = withSlot(*w, a.Slot, s.expecting(want))
	y[0] = microField.put(y[0], 0)
	y[0] = lastField.put(y[0], 1+actionField.of(y[0]))
	e.done(a, movePoke)
}

func statusOf(w, p uint64) uint64           { return statusField.at(int(p) - 1).of(w) }
func withStatus(w, p, status uint64) uint64 { return statusField.at(int(p)-1).put(w, status) }
