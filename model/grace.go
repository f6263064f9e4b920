package model

import "tailpoke/patcher/protocol"

// wait begins a grace period, or ends the one in progress, or skips it.
func (e *expander) wait(a *action) {
	y := e.from()
	switch {
	case waitField.of(y[0]) == 1:
		if !e.awaited(waitedField) {
			y[0] = waitField.put(y[0], 0)
			e.done(a, moveWaited)
		}
	case a.Guarded && lastField.of(y[0]) <= uint64(a.Since): // lastField is an index plus 1
		e.done(a, moveNoWait)
	default:
		y[0] = waitField.put(y[0], 1)
		e.snapshot(waitedField, moveWait, moveForget)
	}
}

// retire begins the grace period of the replaced program, which the operation does
// not wait for. A program that is retired or freed already stays what it is.
func (e *expander) retire(a *action) {
	y := e.from()
	p := oldField.of(y[0])
	y[0] = advance(y[0], a)
	if statusOf(y[0], p) != held {
		e.found(move{kind: moveRetire, actor: Mutator}, noFault)
		return
	}
	y[0] = withStatus(y[0], p, retiring)
	e.snapshot(retiredField.at(int(p)-1), moveRetire, moveRetireForget)
}

// free frees the replaced program at once, whoever is inside.
func (e *expander) free(a *action) {
	y := e.from()
	p := oldField.of(y[0])
	y[0] = withStatus(y[0], p, freed)
	f := retiredField.at(int(p) - 1)
	for i := e.sys.threads; i < e.sys.words; i++ {
		y[i] = f.put(y[i], 0)
	}
	e.done(a, moveFree)
}

// reclaim frees a retired program when nobody is left to wait for.
func (e *expander) reclaim(p uint64) {
	if statusOf(e.x[0], p) != retiring || e.awaited(retiredField.at(int(p)-1)) {
		return
	}
	y := e.from()
	y[0] = withStatus(y[0], p, freed)
	e.found(move{kind: moveReclaim, actor: Mutator, arg: int8(p)}, noFault)
}

// snapshot begins a grace period: it sets the bit f of every thread that is inside,
// and an exit takes it back. A flavour that forgets may leave out any one of them.
// One that sleeps waits for nobody, and so may end at any time.
func (e *expander) snapshot(f field, kind, forget moveKind) {
	if e.sys.grace == protocol.GraceSleep {
		e.found(move{kind: kind, actor: Mutator}, noFault)
		return
	}
	for i := e.sys.threads; i < e.sys.words; i++ {
		if placeField.of(e.y[i]) != idle {
			e.y[i] = f.put(e.y[i], 1)
		}
	}
	if e.sys.grace == protocol.GraceForget {
		whole := e.y
		for i := e.sys.threads; i < e.sys.words; i++ {
			if f.of(whole[i]) == 0 {
				continue
			}
			e.y = whole
			e.y[i] = f.put(e.y[i], 0)
			e.found(move{forget, Mutator, int8(i - e.sys.threads)}, noFault)
		}
		e.y = whole
	}
	e.found(move{kind: kind, actor: Mutator}, noFault)
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
