package model

import "tailpoke/patcher/protocol"

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
