package model

import "tailpoke/patcher/protocol"

// Programs that have sites are images as the copies of the caller are: operations poke
// their descriptors as long as these are on the list, and memory that was given back
// holds nothing that a poke expects.
//
// A load of a program is one step, and so is what takes it off the list:
// [protocol.Subject.Unlisting] says why.

// unused reports whether no agent has a mutex.
func (e *expander) unused() bool {
	for i := range e.sys.agents {
		if _, holds := e.sys.locks(&e.x, &e.sys.agents[i]); holds {
			return false
		}
	}
	return true
}

// arrives loads a program that is not there, at the address that it had.
func (e *expander) arrives(p uint64) {
	if !e.unused() || e.named(p) {
		return
	}
	y := e.from()
	y[0] = withStatus(y[0], p, loaded)
	y[e.sys.extra] = listedField.at(int(p)-1).put(y[e.sys.extra], 1)
	for _, i := range e.sys.sitesOfImage(e.sys.imageOfProgram(p)) {
		y[1+i] = emptySite()
		if q := e.sys.pointer(&e.x, e.sys.keyOf(i)); q != 0 {
			y[1+i] = siteOf(settled(tailNop), settled(tail(q)))
		}
	}
	e.found(move{moveArrive, Mutator, int8(p)}, noFault)
}

// forgets takes a program that was freed off the list, where that comes so late.
func (e *expander) forgets(p uint64) {
	y := e.from()
	listed := listedField.at(int(p) - 1)
	if e.sys.unlist != protocol.UnlistLater || listed.of(y[e.sys.extra]) == 0 || !e.unused() {
		return
	}
	y[e.sys.extra] = listed.put(y[e.sys.extra], 0)
	e.found(move{moveForgetProgram, Mutator, int8(p)}, noFault)
}

// giveBack frees a program in y. Its sites go with it, and its descriptors, unless the
// list forgets them later or never.
func (e *expander) giveBack(p uint64) {
	e.y[0] = withStatus(e.y[0], p, freed)
	if !e.sys.shape.Deep {
		return
	}
	e.sys.setImage(&e.y, e.sys.imageOfProgram(p), siteOf(erased, erased))
	if e.sys.unlist == protocol.UnlistFirst {
		w := &e.y[e.sys.extra]
		*w = listedField.at(int(p)-1).put(*w, 0)
	}
}
