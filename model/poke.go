package model

import "tailpoke/patcher/protocol"

// poke makes the next micro-step of a poke.
func (e *expander) poke(a *action) {
	y := e.from()
	mine, w := &y[e.me.word], &y[1+a.site]
	s, want, next := slotOf(*w, a.Slot), e.sys.wanted(y, e.me, a), microField.of(*mine)
	if next == 0 {
		expects := s.expects()
		if e.sys.looks {
			if expects = e.look(expects); expects == tailNone {
				return
			}
		}
		if e.textBusy() {
			return
		}
		if s.mem() != whole(expects) {
			e.found(move{kind: movePoke, actor: e.me.actor}, foundOther)
			return
		}
		if expects == want {
			e.done(a, moveNoPoke)
			return
		}
	}
	s = e.micro(y, s, want, &e.sys.micros[next])
	if next++; int(next) < len(e.sys.micros) {
		*w = withSlot(*w, a.Slot, s)
		*mine = microField.put(*mine, next)
		e.found(move{kind: movePoke, actor: e.me.actor}, noFault)
		return
	}
	*w = withSlot(*w, a.Slot, s.expecting(want))
	*mine = microField.put(*mine, 0)
	*mine = lastField.put(*mine, 1+actionField.of(*mine))
	e.done(a, movePoke)
}

// micro makes one micro-step on the slot s, which it returns; a sync serialises all
// other slots too.
func (e *expander) micro(y *state, s slot, want tail, m *micro) slot {
	if m.from == protocol.FromOld {
		want = s.expects()
	}
	switch m.does {
	case writesHead:
		if m.from == protocol.FromTrap {
			return s.writeHead(headInt3)
		}
		return s.writeHead(whole(want).head())
	case writesTail:
		return s.writeTail(want)
	case writesAll:
		return s.writeAll(want)
	default: // syncs
		for i := range e.sys.sites {
			y[1+i] = syncSite(y[1+i])
		}
		if e.sys.counts() {
			e.drain(y)
		}
		return s.sync()
	}
}

// tailNone is what no slot holds: nothing has been looked up.
const tailNone tail = 1 << tailBits

// look is the step before the first one of a poke, where nothing but text_mutex keeps
// others away: what the descriptor remembers is read before that mutex is taken. It
// returns what was read, or tailNone when reading it was the step.
func (e *expander) look(remembered tail) tail {
	mine := &e.y[e.me.word]
	if seen := lookField.of(*mine); seen != 0 {
		*mine = lookField.put(*mine, 0)
		return tail(seen - 1)
	}
	*mine = lookField.put(*mine, 1+uint64(remembered))
	e.found(move{kind: moveLook, actor: e.me.actor}, noFault)
	return tailNone
}
