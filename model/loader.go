package model

import "tailpoke/patcher/protocol"

// The operations of the loader; 1 + one of them is what its word has in opField, and in
// keyField the copy.
const (
	loads = iota
	unloads
	lives
)

// lives begins a load of each copy that is not there, or an unload. No thread enters a copy
// once its unload has begun.
func (e *expander) lives() {
	for which := range e.sys.shape.Copies {
		y := e.from()
		life, w := uint64(loads), y[e.sys.extra]
		if e.sys.placed(y, 1+which) {
			life = unloads
			w = openField.at(which).put(w, 0)
		} else {
			w = knownField.at(which).put(placedField.at(which).put(w, 1), 0)
			e.sys.setImage(y, 1+which, emptySite())
		}
		y[e.sys.extra] = w
		mine := &y[e.me.word]
		*mine = opField.put(*mine, 1+life)
		*mine = keyField.put(*mine, uint64(which))
		e.found(move{moveLoad + moveKind(life), e.me.actor, int8(which)}, noFault)
	}
}

// leaves ends a load or an unload.
func (e *expander) leaves() {
	y := e.from()
	y[e.me.word] = idleAgain(y[e.me.word])
	for i := range e.sys.shape.Sites {
		y[e.sys.extra] = readField.at(i).put(y[e.sys.extra], 0)
	}
	broken, w := noFault, e.x[e.me.word]
	if opField.of(w) == 1+unloads && placedField.at(int(keyField.of(w))).of(e.x[e.sys.extra]) != 0 {
		broken = leaked
	}
	e.found(move{kind: moveReturn, actor: e.me.actor}, broken)
}

// load finds the moves of the loader's next action.
func (e *expander) load(a *action) {
	y := e.from()
	which, w := int(keyField.of(y[e.me.word])), &y[e.sys.extra]
	read := readField.at(a.site % e.sys.shape.Sites)
	key := e.sys.keyOf(a.site)
	if a.First && e.locked(key) {
		return // another holds the mutex
	}
	switch a.Kind {
	case protocol.Track, protocol.Untrack:
		e.track(a, which)
	case protocol.Read:
		*w = read.put(*w, e.sys.pointer(&e.x, key))
		e.done(a, moveLookUp)
	case protocol.Poke:
		if read.of(*w) == 0 {
			e.done(a, moveNoPoke)
			return
		}
		e.poke(a)
	case protocol.Stable:
		*w = stableField.at(a.site-e.sys.shape.Sites).put(*w, 1)
		e.done(a, moveStable)
	case protocol.Known, protocol.Unknown:
		*w = knownField.at(which).put(*w, uint64(protocol.Unknown-a.Kind))
		e.done(a, moveKnown)
	case protocol.Open:
		*w = openField.at(which).put(*w, 1)
		e.done(a, moveOpen)
	case protocol.Wait:
		e.wait(a)
	case protocol.Free:
		if placedField.at(which).of(*w) == 0 {
			e.found(move{kind: moveGiveBack, actor: e.me.actor}, freedTwice)
			return
		}
		*w = placedField.at(which).put(*w, 0)
		e.sys.setImage(y, 1+which, siteOf(erased, erased))
		e.done(a, moveGiveBack)
	}
}

// track puts a copy's descriptors on the list, or takes them off it, under the mutex.
func (e *expander) track(a *action, which int) {
	sites := e.sys.images[1+which]
	for _, i := range sites {
		if e.locked(e.sys.keyOf(i)) {
			return
		}
	}
	w, on := &e.y[e.sys.extra], uint64(1)
	if a.Kind == protocol.Untrack {
		on = 0
		for _, i := range sites {
			*w = stableField.at(i-e.sys.shape.Sites).put(*w, 0)
		}
	}
	*w = trackedField.at(which).put(*w, on)
	e.done(a, moveTrack)
}
