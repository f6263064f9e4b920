package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// describe says in words what the move m from x to y does.
func (sys *system) describe(x, y *state, m move) string {
	by := sys.agentOf(m)
	switch {
	case by == nil:
		return sys.describeThread(x, y, m)
	case by.loads:
		return sys.describeLoader(x, y, by, m)
	default:
		return sys.describeMutator(x, y, by, m)
	}
}

func (sys *system) describeMutator(x, y *state, by *agent, m move) string {
	w := x[by.word]
	switch m.kind {
	case moveInstall, moveUpdate, moveRemove:
		text := fmt.Sprintf("%v key %d", protocol.OpKind(m.kind-moveInstall), keyField.of(y[by.word]))
		if p := givenField.of(y[by.word]); p != 0 {
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
	case movePoke, moveNoPoke, moveLook:
		return sys.describePoke(x, by, m)
	case movePass:
		return sys.siteName(int(m.arg)) + ": not stable, passed by"
	case moveWait:
		return "wait: begins"
	case moveForget:
		return fmt.Sprintf("wait: begins, forgets thread %d", m.arg)
	case moveWaited:
		return "wait: ends"
	case moveScan:
		return fmt.Sprintf("looks for the epoch of thread %d: none", m.arg)
	case moveNoWait:
		return "wait: skipped, nothing was poked"
	case moveRetire:
		return "retire " + oldText(w)
	case moveRetireForget:
		return fmt.Sprintf("retire %s, forgets thread %d", oldText(w), m.arg)
	case moveFree:
		return "free " + oldText(w)
	case moveArrive:
		return "(load) " + programText(uint64(m.arg))
	case moveForgetProgram:
		return "(rcu) untrack " + programText(uint64(m.arg))
	default: // moveReclaim
		return "(rcu) free " + programText(uint64(m.arg))
	}
}

// oldText names the program that an operation replaces.
func oldText(w uint64) string {
	p := oldField.of(w)
	switch p {
	case 0:
		return "nothing"
	case givenField.of(w):
		return programText(p) + ": the key was given it anew"
	}
	return programText(p)
}

func (sys *system) describePoke(x *state, by *agent, m move) string {
	a := sys.current(x, by)
	text := ""
	if sys.sites > 1 {
		text = sys.siteName(a.site) + " "
	}
	text += fmt.Sprintf("%v=%v: ", a.Slot, a.To)
	switch m.kind {
	case moveNoPoke:
		return text + "nothing to do"
	case moveLook:
		return text + "expects " + instrText(slotOf(x[1+a.site], a.Slot).expects(), a.Slot)
	}
	return text + sys.micros[microField.of(x[by.word])].String()
}

func (sys *system) describeLoader(x, y *state, by *agent, m move) string {
	w := x[by.word]
	life, name := opField.of(w)-1, sys.copyName(int(keyField.of(w)))
	switch m.kind {
	case moveLoad, moveUnload:
		return lifeNames[m.kind-moveLoad] + " " + sys.copyName(int(m.arg)) + ": called"
	case moveReturn:
		return lifeNames[life] + " " + name + ": returns"
	case moveTrack:
		return sys.current(x, by).Kind.String() + " " + name
	case moveLookUp:
		a := sys.current(x, by)
		text := fmt.Sprintf("%s: reads key %d: ", sys.siteName(a.site), sys.keyOf(a.site))
		if p := sys.pointer(x, sys.keyOf(a.site)); p != 0 {
			return text + programText(p)
		}
		return text + "empty"
	case moveStable:
		return sys.siteName(sys.current(x, by).site) + ": stable"
	case moveOpen:
		return "open " + name
	case moveGiveBack:
		return "free " + name
	default: // pokes and waits
		return sys.describeMutator(x, y, by, m)
	}
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
		if image := sys.imageOf(int(siteField.of(y[sys.threads+int(m.actor)]))); image > 0 {
			return "enters " + sys.copyName(image-1)
		}
		return "enters"
	case moveEpoch:
		return "reads the epoch"
	case moveDrain:
		return "its epoch becomes visible"
	case moveGone:
		image := sys.imageOf(int(siteField.of(t)))
		if p := sys.programOf(image); p > 0 {
			return "executes in " + programText(p)
		}
		return "executes in " + sys.copyName(image-1)
	case moveFetch:
		return sys.describeSlot(s, m) + " " + sys.executed(s, y[sys.threads+int(m.actor)])
	case moveTrap:
		return sys.describeSlot(s, m) + " int3: traps"
	case moveTorn:
		return sys.describeSlot(s, m) + " torn"
	case moveHandle:
		return "handler: acts as " + sys.executed(s, y[sys.threads+int(m.actor)])
	case moveRetry:
		return "handler: again"
	case moveLate:
		return "handler: the poke is over, again"
	case moveLost:
		return "handler: nobody's int3"
	case moveRead:
		if after := y[sys.threads+int(m.actor)]; placeField.of(after) == inProgram {
			return fmt.Sprintf("reads key %d: jmp %s", m.arg, programText(progField.of(after)))
		}
		return fmt.Sprintf("reads key %d: empty, falls through", m.arg)
	case moveBack:
		return fmt.Sprintf("runs in %s, which returns to before %s", programText(progField.of(t)),
			sys.siteName(int(siteField.of(y[sys.threads+int(m.actor)]))))
	case moveRun:
		return "runs in " + programText(progField.of(t)) + ", exits"
	default: // moveLeave
		return "exits"
	}
}

// describeSlot names the slot that a thread fetches.
func (sys *system) describeSlot(s protocol.Slot, m move) string {
	if sys.sites > 1 {
		return sys.siteName(int(m.arg)) + " " + s.String()
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
	at := func(what string) string { return sys.siteName(int(siteField.of(t))) + " " + what }
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
	case entering:
		return "entering"
	case inProgram:
		return "in " + programText(progField.of(t))
	default:
		return "past the sites"
	}
}
