package model

import (
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// choice says what the move m from x to y does, and whose it is.
func (sys *system) choice(x, y *state, m move) witness.Choice {
	c := witness.Choice{Actor: sys.actor(m.actor)}
	switch by := sys.agentOf(m); {
	case by == nil:
		c.Action = sys.threadAction(x, y, m)
	case by.loads:
		c.Action = sys.loaderAction(x, y, by, m)
	default:
		c.Action = sys.mutatorAction(x, y, by, m)
	}
	return c
}

// actor names an actor of moves.
func (sys *system) actor(n int8) witness.Actor {
	switch {
	case n > Mutator:
		return witness.Actor{Kind: witness.Thread, Index: int(n)}
	case sys.agents[Mutator-n].loads:
		return witness.Actor{Kind: witness.Loader}
	}
	return witness.Actor{Kind: witness.Mutator, Index: int(Mutator - n)}
}

// prog is the number of a program in witnesses, which count from 0.
func prog(p uint64) int { return int(p) - 1 }

// mutatorDos are the actions of moves that concern nothing but what their argument says.
var mutatorDos = [moveKinds]witness.Do{
	moveWait: witness.Wait, moveForget: witness.Wait, moveWaited: witness.Waited,
	moveScan: witness.Scan, moveNoWait: witness.NoWait, movePass: witness.Pass,
	moveArrive: witness.Arrive, moveForgetProgram: witness.Forget, moveReclaim: witness.Reclaim,
}

func (sys *system) mutatorAction(x, y *state, by *agent, m move) witness.Action {
	w := x[by.word]
	a := witness.Act(mutatorDos[m.kind])
	switch m.kind {
	case moveInstall, moveUpdate, moveRemove:
		a.Do, a.Op, a.Key = witness.Call, protocol.OpKind(m.kind-moveInstall),
			int(keyField.of(y[by.word]))
		a.Prog = prog(givenField.of(y[by.word]))
	case moveReturn:
		a.Do, a.Op, a.Key = witness.Return, protocol.OpKind(opField.of(w)-1), int(keyField.of(w))
	case movePublish:
		a.Do, a.Prog = witness.Publish, prog(givenField.of(w))
	case movePoke, moveNoPoke, moveLook, moveRefused:
		return sys.pokeAction(x, by, m)
	case movePass:
		a.Site = int(m.arg)
	case moveWait, moveNoWait:
		a.Grace = sys.current(x, by).Grace
	case moveForget, moveScan:
		a.Thread = int(m.arg)
		if m.kind == moveForget {
			a.Grace = sys.current(x, by).Grace
		}
	case moveRetire, moveRetireForget, moveFree:
		a.Do, a.Prog, a.Grace = witness.Retire, prog(oldField.of(w)), sys.current(x, by).Grace
		a.Same = oldField.of(w) != 0 && oldField.of(w) == givenField.of(w)
		switch m.kind {
		case moveRetireForget:
			a.Thread = int(m.arg)
		case moveFree:
			a.Do = witness.Free
		}
	case moveArrive, moveForgetProgram, moveReclaim:
		a.Prog = prog(uint64(m.arg))
	}
	return a
}

func (sys *system) pokeAction(x *state, by *agent, m move) witness.Action {
	at := sys.current(x, by)
	a := witness.Act(witness.Store)
	a.Site, a.Slot = at.site, at.Slot
	a.To = instrOf(sys.wanted(x, by, at), at.Slot)
	slot, next := slotOf(x[1+at.site], at.Slot), microField.of(x[by.word])
	expects := slot.expects()
	if looked := lookField.of(x[by.word]); looked != 0 {
		expects = tail(looked - 1)
	}
	switch {
	case m.kind == moveNoPoke:
		a.Do = witness.NoPoke
	case m.kind == moveRefused:
		a.Do = witness.Refused
	case m.kind == moveLook:
		a.Do, a.Text = witness.Look, instrOf(expects, at.Slot)
	case next == 0 && slot.mem() != whole(expects):
		a.Do, a.Text = witness.Mismatch, textOf(slot.mem(), at.Slot)
	default:
		a.Step = sys.micros[next].step
	}
	return a
}

func (sys *system) loaderAction(x, y *state, by *agent, m move) witness.Action {
	w := x[by.word]
	a := witness.Act(witness.Unloaded)
	a.Copy = int(keyField.of(w))
	switch at := sys.current; m.kind {
	case moveLoad, moveUnload:
		a.Do, a.Copy = witness.Load, int(m.arg)
		if m.kind == moveUnload {
			a.Do = witness.Unload
		}
	case moveReturn:
	case moveTrack:
		a.Do = witness.Track
		if at(x, by).Kind == protocol.Untrack {
			a.Do = witness.Untrack
		}
	case moveLookUp:
		a.Do, a.Copy, a.Site = witness.LookUp, witness.None, at(x, by).site
		a.Key = sys.keyOf(a.Site)
		a.Prog = prog(sys.pointer(x, a.Key))
	case moveStable:
		a.Do, a.Copy, a.Site = witness.Stable, witness.None, at(x, by).site
	case moveKnown:
		a.Do = witness.Known
		if at(x, by).Kind == protocol.Unknown {
			a.Do = witness.Unknown
		}
	case moveOpen:
		a.Do = witness.Open
	case moveGiveBack:
		a.Do = witness.FreeCopy
	default: // pokes and waits
		return sys.mutatorAction(x, y, by, m)
	}
	return a
}

// threadDos are the actions of threads.
var threadDos = [moveKinds]witness.Do{
	moveEnter: witness.Enter, moveEpoch: witness.Epoch, moveDrain: witness.Drain,
	moveFetch: witness.Fetch, moveTrap: witness.Trap, moveTorn: witness.Torn,
	moveHandle: witness.Handle, moveRetry: witness.Retry, moveLate: witness.Late,
	moveLost: witness.Lost, moveRead: witness.Read, moveBack: witness.Back,
	moveRun: witness.Run, moveGone: witness.Gone, moveLeave: witness.Leave,
}

func (sys *system) threadAction(x, y *state, m move) witness.Action {
	t, after := x[sys.threads+int(m.actor)], y[sys.threads+int(m.actor)]
	a := witness.Act(threadDos[m.kind])
	switch m.kind {
	case moveEnter:
		a.Reader = sys.kinds[kindField.of(after)]
		if image := sys.imageOf(int(siteField.of(after))); image > 0 {
			a.Copy = image - 1
		}
	case moveGone:
		image := sys.imageOf(int(siteField.of(t)))
		if p := sys.programOf(image); p > 0 {
			a.Prog = prog(p)
		} else {
			a.Copy = image - 1
		}
	case moveFetch, moveTrap, moveTorn, moveHandle, moveRetry, moveLate, moveLost:
		sys.slotAction(&a, t, after, m)
	case moveRead:
		a.Key = int(m.arg)
		if placeField.of(after) == inProgram {
			a.Prog = prog(progField.of(after))
		}
	case moveBack:
		a.Prog, a.Site = prog(progField.of(t)), int(siteField.of(after))
	case moveRun:
		a.Prog = prog(progField.of(t))
	}
	return a
}

// slotAction says at which slot thread t acts, and what it executes there.
func (sys *system) slotAction(a *witness.Action, t, after uint64, m move) {
	a.Site = int(siteField.of(t))
	if m.kind == moveFetch || m.kind == moveTrap || m.kind == moveTorn {
		a.Site = int(m.arg) // of a thread in a program that has sites, t says none
	}
	a.Slot, _, _ = slotAt(placeField.of(t))
	if m.kind != moveFetch && m.kind != moveHandle {
		return
	}
	c := protocol.Nop
	switch {
	case a.Slot == programSlot && placeField.of(after) == inProgram:
		c = protocol.Jump
	case a.Slot != programSlot && placeField.of(after) != standingAt(programSlot):
		c = protocol.Jump
	}
	a.Text = protocol.TextOf(a.Slot, c, prog(progField.of(after)))
}

// position says where a thread stands.
func (sys *system) position(t uint64) witness.Position {
	p := witness.Position{Program: witness.None, Off: witness.None}
	place := placeField.of(t)
	if s, traps, is := slotAt(place); is {
		p.Place, p.Trapped, p.Site, p.Slot = witness.AtSlot, traps, int(siteField.of(t)), s
		return p
	}
	switch place {
	case idle:
		p.Place = witness.Idle
	case entering:
		p.Place = witness.Entering
	case inProgram:
		p.Place, p.Program = witness.InProgram, prog(progField.of(t))
	default:
		p.Place = witness.PastSites
	}
	return p
}

// event returns what a mutator's move m from x to y completes of an operation, or
// nil: most micro-steps complete nothing.
func (sys *system) event(x, y *state, m move) *protocol.Event {
	by := sys.agentOf(m)
	if by == nil || by.loads || m.background() {
		return nil
	}
	w := x[by.word]
	if m.kind <= moveRemove || m.kind == movePublish {
		w = y[by.word] // the call puts the operation there, and the exchange may change it
	}
	e := &protocol.Event{
		Op: protocol.OpKind(opField.of(w) - 1), Key: int(keyField.of(w)), Desc: protocol.NoDesc,
	}
	switch {
	case m.kind <= moveRemove:
		e.Kind = protocol.Called
	case m.kind == moveReturn:
		e.Kind = protocol.Returned
	case actionField.of(x[by.word]) == actionField.of(y[by.word]) || m.kind == movePass:
		return nil
	default:
		a := sys.current(x, by)
		e.Kind, e.Changed = eventOf(a.Kind, m.kind), m.kind == movePoke
		e.Desc, e.Slot, e.To = a.Desc, a.Slot, a.To
	}
	return e
}

// eventOf names the event that a move of an action of kind k completes.
func eventOf(k protocol.StepKind, m moveKind) protocol.EventKind {
	switch {
	case k == protocol.Publish:
		return protocol.Published
	case k == protocol.Poke:
		return protocol.Poked
	case m == moveNoWait:
		return protocol.WaitSkipped
	case k == protocol.Wait:
		return protocol.Waited
	case k == protocol.Retire:
		return protocol.Retired
	default:
		return protocol.Freed
	}
}
