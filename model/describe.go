package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// describe says in words what the move m from x to y does.
func (sys *system) describe(x, y *state, m move) string {
	if m.actor == Mutator {
		return sys.describeMutator(x, y, m)
	}
	return sys.describeThread(x, y, m)
}

func (sys *system) describeMutator(x, y *state, m move) string {
	w := x[0]
	switch m.kind {
	case moveInstall, moveUpdate, moveRemove:
		text := fmt.Sprintf("%v key %d", protocol.OpKind(m.kind-moveInstall), keyField.of(y[0]))
		if p := givenField.of(y[0]); p != 0 {
			text += " to " + programText(p)
		}
		return text + ": called"
	case moveReturn:
		return fmt.Sprintf("%v key %d: returns", protocol.OpKind(opField.of(w)-1), keyField.of(w))
	case movePublish:
		if p := givenField.of(w); p != 0 {
			return "publish " + programText(p)
		}
		return "publish nothing"
	case movePoke, moveNoPoke:
		return sys.describePoke(x, m)
	case moveWait:
		return "wait: begins"
	case moveForget:
		return fmt.Sprintf("wait: begins, forgets thread %d", m.arg)
	case moveWaited:
		return "wait: ends"
	case moveNoWait:
		return "wait: skipped, nothing was poked"
	case moveRetire:
		return "retire " + programText(oldField.of(w))
	case moveRetireForget:
		return fmt.Sprintf("retire %s, forgets thread %d", programText(oldField.of(w)), m.arg)
	case moveFree:
		return "free " + programText(oldField.of(w))
	default: // moveReclaim
		return "(rcu) free " + programText(uint64(m.arg))
	}
}

func (sys *system) describePoke(x *state, m move) string {
	_, a := sys.current(x)
	text := ""
	if sys.shape.Sites > 1 {
		text = fmt.Sprintf("site %d ", a.site)
	}
	text += fmt.Sprintf("%v=%v: ", a.Slot, a.To)
	if m.kind == moveNoPoke {
		return text + "nothing to do"
	}
	return text + sys.micros[microField.of(x[0])].String()
}

func (sys *system) describeThread(x, y *state, m move) string {
	t := x[sys.threads+int(m.actor)]
	s := protocol.Slot(0)
	switch place := placeField.of(t); place {
	case atBypass, atTarget:
		s = protocol.Slot(place - atBypass)
	case trappedBypass, trappedTarget:
		s = protocol.Slot(place - trappedBypass)
	}
	switch m.kind {
	case moveEnter:
		return "enters"
	case moveFetch:
		return sys.describeSlot(s, t) + " " + sys.executed(s, y[sys.threads+int(m.actor)])
	case moveTrap:
		return sys.describeSlot(s, t) + " int3: traps"
	case moveTorn:
		return sys.describeSlot(s, t) + " torn"
	case moveHandle:
		return "handler: acts as " + sys.executed(s, y[sys.threads+int(m.actor)])
	case moveRetry:
		return "handler: again"
	case moveLate:
		return "handler: the poke is over, again"
	case moveLost:
		return "handler: nobody's int3"
	case moveRun:
		return "runs in " + programText(progField.of(t)) + ", exits"
	default: // moveLeave
		return "exits"
	}
}

// describeSlot names the slot that a thread fetches.
func (sys *system) describeSlot(s protocol.Slot, t uint64) string {
	if sys.shape.Sites > 1 {
		return fmt.Sprintf("site %d %v", siteField.of(t), s)
	}
	return s.String()
}

// executed says what a thread did at a slot that took it to the state after.
func (sys *system) executed(s protocol.Slot, after uint64) string {
	switch {
	case s == protocol.Target && placeField.of(after) == inProgram:
		return "jmp " + programText(progField.of(after))
	case s == protocol.Target:
		return "nop: falls through"
	case placeField.of(after) == atTarget:
		return "nop: unwinds"
	default:
		return "jmp out: skips"
	}
}

// position says where a thread stands.
func (sys *system) position(t uint64) string {
	at := func(what string) string { return fmt.Sprintf("site %d %s", siteField.of(t), what) }
	switch placeField.of(t) {
	case idle:
		return "idle"
	case atBypass:
		return at("bypass")
	case atTarget:
		return at("target")
	case trappedBypass:
		return at("bypass, trapped")
	case trappedTarget:
		return at("target, trapped")
	case inProgram:
		return "in " + programText(progField.of(t))
	default:
		return "past the sites"
	}
}
