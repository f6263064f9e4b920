package model

import "tailpoke/patcher/protocol"

// wait begins a grace period, or ends the one in progress, or skips it.
func (e *expander) wait(a *action) {
	y := e.from()
	mine := &y[e.me.word]
	switch {
	case waitField.of(*mine) == 1:
		switch {
		case e.sys.grace == protocol.GraceSelf:
		case e.over(e.me.waited):
			*mine = waitField.put(*mine, 0)
			e.done(a, moveWaited)
		default:
			e.scan(e.me.waited, e.me.actor)
		}
	case e.skips(a):
		e.done(a, moveNoWait)
	default:
		*mine = waitField.put(*mine, 1)
		e.snapshot(a.Grace, e.me.waited, moveWait, moveForget)
	}
}

// skips reports whether a wait that has not begun has nothing to wait for.
func (e *expander) skips(a *action) bool {
	return a.IfChanged && lastField.of(e.x[e.me.word]) <= uint64(a.Since) // the field is an index plus 1
}

// retire begins the grace period of the replaced program, which the operation does
// not wait for. A program that is retired or freed already stays what it is, and so does
// one that a key was given anew: the reference that is put is not the last one.
func (e *expander) retire(a *action) {
	y := e.from()
	mine := &y[e.me.word]
	p := oldField.of(*mine)
	*mine = advance(*mine, a)
	if broken := e.mayLetGo(a, p); broken != noFault || p == 0 || e.keeps(p) {
		e.found(move{kind: moveRetire, actor: e.me.actor}, broken)
		return
	}
	y[0] = withStatus(y[0], p, retiring)
	e.snapshot(a.Grace, retiredField.at(int(p)-1), moveRetire, moveRetireForget)
}

// free frees the replaced program at once, even if threads are inside. It does not free
// one that a key was given anew.
func (e *expander) free(a *action) {
	y := e.from()
	p := oldField.of(y[e.me.word])
	broken := e.mayLetGo(a, p)
	if broken == noFault && p != 0 && !e.keeps(p) {
		e.giveBack(p)
	}
	y[e.me.word] = advance(y[e.me.word], a)
	e.found(move{kind: moveFree, actor: e.me.actor}, broken)
}

// mayLetGo says what is wrong when an operation lets go of the program p, which it replaces. Where
// a key was given p anew, its reference is not the last one.
func (e *expander) mayLetGo(a *action, p uint64) fault {
	switch {
	case p == 0:
		return noFault
	case a.again:
		return freedTwice
	case e.keeps(p):
		return noFault
	case statusOf(e.x[0], p) != held:
		return freedTwice
	case e.sys.pointer(&e.x, int(keyField.of(e.x[e.me.word]))) == p:
		return freedEarly
	}
	return noFault
}

// reclaim frees a program that is retiring when no thread is left to wait for.
func (e *expander) reclaim(p uint64) {
	if f := retiredField.at(int(p) - 1); !e.over(f) {
		e.scan(f, Mutator)
		return
	}
	if e.sys.shape.Deep && e.sys.unlist == protocol.UnlistFirst && !e.unused() {
		return // to take it off the list needs the mutex
	}
	e.from()
	e.giveBack(p)
	e.found(move{kind: moveReclaim, actor: Mutator, arg: int8(p)}, noFault)
}

// snapshot begins a grace period: it sets the bit f of every thread that is inside, as one of the
// kinds of readers that the period waits for, and an exit takes it back. A flavour that forgets may
// leave out any one of them. One that sleeps waits for no thread, and so may end at any time; one
// that waits for quiet remembers none. A period that the text names has no flavour.
func (e *expander) snapshot(period protocol.Period, f field, kind, forget moveKind) {
	grace := e.sys.grace
	if period != protocol.OwnPeriod {
		grace = protocol.GraceEpoch
	}
	if grace == protocol.GraceSleep || grace == protocol.GraceQuiet {
		e.found(move{kind: kind, actor: e.me.actor}, noFault)
		return
	}
	for i := e.sys.threads; i < e.sys.words; i++ {
		if t := e.y[i]; placeField.of(t) != idle && e.sys.awaits[period]>>kindField.of(t)&1 != 0 {
			e.y[i] = f.put(t, 1)
		}
	}
	if grace == protocol.GraceCounter {
		e.drain(&e.y)
	}
	if grace == protocol.GraceForget {
		whole := e.y
		for i := e.sys.threads; i < e.sys.words; i++ {
			if f.of(whole[i]) == 0 {
				continue
			}
			e.y = whole
			e.y[i] = f.put(e.y[i], 0)
			e.found(move{forget, e.me.actor, int8(i - e.sys.threads)}, noFault)
		}
		e.y = whole
	}
	e.found(move{kind: kind, actor: e.me.actor}, noFault)
}

// over reports whether a grace period may end that set the bit f.
func (e *expander) over(f field) bool {
	if e.sys.grace == protocol.GraceQuiet {
		for _, t := range e.threadWords() {
			if placeField.of(t) != idle {
				return false
			}
		}
		return true
	}
	return !e.awaited(f)
}

// awaited reports whether a grace period still waits for a thread.
func (e *expander) awaited(f field) bool {
	for _, t := range e.threadWords() {
		if f.of(t) != 0 {
			return true
		}
	}
	return false
}

// Two flavours of grace periods are modelled by how they work (package patcher/rcu), and not
// by what they promise. A reader reads the epoch and stores it in its slot. The store waits in
// the store buffer of its CPU for any time, while the thread goes on. The waiter increments the
// epoch, makes a barrier on every CPU, which empties the store buffers, and looks at each slot
// until it holds nothing or no older epoch.
//
// Epochs are never compared. A grace period sets its bit of every thread that has read the
// epoch: what these have stored, or are about to store, is older. A look that does not find it,
// because the store is still in the buffer or was not made, clears the bit. A thread that was
// about to store when the barrier was made enters its section after it, so nothing is lost
// there. Without the barrier, something is.
//
// The store that ends a section is taken to be seen at once: seen later, it would only make a
// waiter wait longer. A sync of a poke empties store buffers too: it interrupts the CPUs as the
// barrier does.

// counts reports whether grace periods are modelled by their epochs.
func (sys *system) counts() bool {
	return sys.grace == protocol.GraceCounter || sys.grace == protocol.GraceNoBarrier
}

// drain empties the store buffers.
func (e *expander) drain(y *state) {
	for i := e.sys.threads; i < e.sys.words; i++ {
		y[i] = hiddenField.put(y[i], 0)
	}
}

// scan looks at the slots of the threads that have the bit f.
func (e *expander) scan(f field, actor int8) {
	if !e.sys.counts() {
		return
	}
	for i, t := range e.threadWords() {
		stored := placeField.of(t) != entering && hiddenField.of(t) == 0
		if f.of(t) == 0 || stored {
			continue
		}
		e.from()[e.sys.threads+i] = f.put(t, 0)
		e.found(move{moveScan, actor, int8(i)}, noFault)
	}
}
