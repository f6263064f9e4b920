package sim

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// mutator finds the steps of the mutator.
func (e *expander) mutator(x state) {
	if e.s.waitedFor(x, waiter) > 0 {
		return
	}
	m := mutatorOf(x[mutatorWord])
	if m.op != none {
		e.act(e.from(x), m, move{actor: Mutator})
		return
	}
	if !e.s.anyOps {
		if m.call < len(e.s.script) {
			m.call++
			e.call(x, m, e.s.script[m.call-1])
		}
		return
	}
	if m.call >= e.s.maxOps {
		return
	}
	m.call++
	for key := range e.s.keySites {
		for p := range e.s.copies {
			e.call(x, m, protocol.Call{Kind: protocol.Put, Key: key, Prog: p})
		}
		e.call(x, m, protocol.Call{Kind: protocol.Delete, Key: key})
	}
}

// next is the first call of the script, from call on, that has something to do: emptying a key
// that is empty is nothing.
func (s *system) next(x state, call int) int {
	for call < len(s.script) && s.script[call].Kind == protocol.Delete && textIn(x[keysWord], s.script[call].Key) == none {
		call++
	}
	return call
}

// call begins an operation, if there is anything to do, and takes its first step.
func (e *expander) call(x state, m mutator, c protocol.Call) {
	y := e.from(x)
	m.key, m.given, m.old = c.Key, none, textIn(x[keysWord], c.Key)
	if c.Kind == protocol.Put {
		var ok bool
		m.given, ok = e.s.copyFor(x, c.Prog)
		refs := refsOf(y[textsWord], max(m.given, 0))
		if !ok || refs == maxRefs {
			e.fail(fmt.Errorf("machine: %v: no copy of the program is left, or too many hold it", c))
			return
		}
		y[textsWord] = withRefs(y[textsWord], m.given, refs+1)
	}
	switch {
	case m.old == none && m.given == none:
		return
	case m.old == none:
		m.op = int(protocol.Install)
	case m.given == none:
		m.op = int(protocol.Remove)
	default:
		m.op = int(protocol.Update)
	}
	y[keysWord] = withText(y[keysWord], c.Key, m.given)
	e.act(y, m, move{actor: Mutator, calls: true, call: c})
}

// act carries the next action out, or the next step of it. y is the state before, the mutator
// apart, and becomes the state behind it.
func (e *expander) act(y state, m mutator, mv move) {
	acts := e.s.actions[m.op][m.key]
	if len(acts) == 0 {
		e.finish(y, m, mv)
		return
	}
	a := &acts[m.action]
	switch a.Kind {
	case protocol.Publish:
		y[keysWord] = withText(y[keysWord], publishedFrom+m.key, m.given)
	case protocol.Poke:
		f, more, err := e.s.poke(y, &m, a)
		switch {
		case err != nil:
			e.fail(err)
			return
		case f != nil:
			e.found(mv, nil, f)
			return
		case more:
			y[mutatorWord] = m.pack()
			e.found(mv, y, nil)
			return
		}
	case protocol.Wait:
		if !a.Guarded || m.changed > a.Since {
			e.s.beginGrace(y, waiter)
		}
	case protocol.Retire, protocol.Free:
		e.s.letGo(y, &m, a.Kind)
	}
	m.action, m.micro = m.action+1, 0
	if !a.asks {
		m.changed = 0 // nobody asks any more
	}
	e.finish(y, m, mv)
}

// finish ends the operation behind its last action.
func (e *expander) finish(y state, m mutator, mv move) {
	if m.action >= len(e.s.actions[m.op][m.key]) {
		m = mutator{call: e.s.next(y, m.call), op: none, given: none, old: none}
	}
	y[mutatorWord] = m.pack()
	e.s.endGraces(y)
	e.found(mv, y, nil)
}

// poke makes the next step of a poke. The first one looks at what it finds.
func (s *system) poke(y state, m *mutator, a *action) (f *fault, more bool, err error) {
	n := s.sites[a.site].slots[a.Slot]
	at := &s.slots[n]
	if statusOf(y[textsWord], at.text) == freed {
		return nil, false, nil
	}
	st, to := s.slotState(y[firstSlotWord+n]), s.content(a, m.given)
	if m.micro == 0 {
		switch {
		case st.mem != st.expect:
			return faultf(protocol.ExpectedBytes, "expected % x at %s, found % x", st.expect[:], s.where(at.at), st.mem[:]), false, nil
		case st.expect == to:
			return nil, false, nil
		}
	}
	kind := s.method.Steps[m.micro]
	if kind == protocol.Sync {
		if err := s.sync(y); err != nil {
			return nil, false, err
		}
		st = s.slotState(y[firstSlotWord+n])
	} else {
		st = st.micro(kind, to, fitsWord(at.at))
		s.forget(y, n)
	}
	if m.micro++; m.micro == len(s.method.Steps) {
		st = st.expecting(to)
		m.changed = m.action + 1
	}
	y[firstSlotWord+n], err = s.slotWord(st)
	return nil, m.micro < len(s.method.Steps), err
}

// content is what a poke writes.
func (s *system) content(a *action, given int) content {
	at := &s.slots[s.sites[a.site].slots[a.Slot]]
	switch {
	case a.To == protocol.Nop:
		return nop5
	case a.Slot == protocol.Bypass:
		return at.jump
	}
	return jumpTo(at.at, s.texts[given].landing())
}

// poked tells whether slot n is being poked: its old instruction and its new one.
func (s *system) poked(x state, n int) (old, to content, ok bool) {
	m := mutatorOf(x[mutatorWord])
	if m.op == none || m.micro == 0 {
		return old, to, false
	}
	a := &s.actions[m.op][m.key][m.action]
	if s.sites[a.site].slots[a.Slot] != n {
		return old, to, false
	}
	return s.slotState(x[firstSlotWord+n]).expect, s.content(a, m.given), true
}

// sync serialises every CPU: what it sees from now on is what memory holds.
func (s *system) sync(y state) error {
	for i := range s.slots {
		w := &y[firstSlotWord+i]
		if *w == 0 {
			continue
		}
		st := s.slotState(*w)
		if st.settled() {
			continue
		}
		s.forget(y, i)
		var err error
		if *w, err = s.slotWord(newSlotState(st.expect, st.mem, []content{st.mem})); err != nil {
			return err
		}
	}
	return nil
}

// letGo takes the key's hold off the old program. Nobody else's: it is freed, or awaits its
// grace period.
func (s *system) letGo(y state, m *mutator, how protocol.StepKind) {
	if m.dropped || m.old == none {
		return
	}
	m.dropped = true
	if m.old == 0 {
		return // the entry
	}
	refs := refsOf(y[textsWord], m.old) - 1
	y[textsWord] = withRefs(y[textsWord], m.old, refs)
	switch {
	case refs > 0:
	case how == protocol.Free:
		s.free(y, m.old)
	default:
		y[textsWord] = withStatus(y[textsWord], m.old, retiring)
		s.beginGrace(y, m.old)
	}
}
