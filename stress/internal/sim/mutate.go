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
		e.act(e.from(x), m, move{actor: byMutator})
		return
	}
	if e.s.Script != nil {
		if m.call < len(e.s.Script) {
			e.call(x, e.s.Script[m.call])
		}
		return
	}
	if m.call >= e.s.MaxOps {
		return
	}
	for key := range e.s.keySites {
		for p := range e.s.copies {
			e.call(x, protocol.Call{Kind: protocol.Put, Key: key, Prog: p})
		}
		e.call(x, protocol.Call{Kind: protocol.Delete, Key: key})
	}
}

// next is the first call of the script, from call on, that has something to do: emptying a key
// that is empty is nothing.
func (s *system) next(x state, call int) int {
	for ; call < len(s.Script); call++ {
		c := &s.Script[call]
		if c.Kind != protocol.Delete || textIn(x[keysWord], c.Key) != none {
			break
		}
	}
	return call
}

// begun is the mutator when a call begins. If there is nothing to do, it has no operation.
func (s *system) begun(x state, c protocol.Call) mutator {
	was := mutatorOf(x[mutatorWord])
	m := mutator{
		call: was.call + 1, op: none, kept: was.kept,
		key: c.Key, given: none, old: textIn(x[keysWord], c.Key),
	}
	if c.Kind == protocol.Put {
		m.given = s.copyFor(x, c.Prog)
	}
	switch {
	case m.old == none && m.given == none:
	case m.old == none:
		m.op = int(protocol.Install)
	case m.given == none:
		m.op = int(protocol.Remove)
	default:
		m.op = int(protocol.Update)
	}
	return m
}

// call begins an operation, if there is anything to do, and takes its first step.
func (e *expander) call(x state, c protocol.Call) {
	y, m := e.from(x), e.s.begun(x, c)
	if c.Kind == protocol.Put {
		refs := refsOf(y[textsWord], max(m.given, 0))
		if m.given == none || refs == maxRefs {
			e.fail(fmt.Errorf("machine: %v: no copy is left, or too many keys hold it", c))
			return
		}
		y[textsWord] = withRefs(y[textsWord], m.given, refs+1)
	}
	if m.op == none {
		return
	}
	y[keysWord] = withText(y[keysWord], c.Key, m.given)
	e.act(y, m, move{actor: byMutator, calls: true, call: c})
}

// act carries the next action out, or the next step of it. y is the state before, apart from the
// mutator, and becomes the state after it.
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
		f, more, err := e.poke(y, &m, a)
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
		if !a.IfChanged || m.changed > a.Since {
			e.s.beginGrace(y, &m, waiter, a.Grace)
		}
	case protocol.Retire, protocol.Free:
		if f := e.s.letGo(y, &m, a); f != nil {
			e.found(mv, nil, f)
			return
		}
	}
	m.action, m.micro = m.action+1, 0
	if !a.asks {
		m.changed = 0 // no later action asks
	}
	e.finish(y, m, mv)
}

// finish ends the operation after its last action.
func (e *expander) finish(y state, m mutator, mv move) {
	if m.action >= len(e.s.actions[m.op][m.key]) {
		if e.s.leaks(y, &m) {
			e.found(mv, nil, faultf(protocol.NoLeak, "nothing will free what the operation has replaced"))
			return
		}
		m = mutator{call: e.s.next(y, m.call), op: none, given: none, old: none, kept: m.kept}
	}
	y[mutatorWord] = m.pack()
	e.s.endGraces(y)
	e.found(mv, y, nil)
}

// leaks says that the operation leaves a hold on the old program that nobody takes off any more. If
// the key was given that program anew, there are two, and the pointer accounts for one.
func (s *system) leaks(y state, m *mutator) bool {
	return m.old != none && !m.dropped &&
		(m.old == m.given || textIn(y[keysWord], publishedFrom+m.key) != m.old)
}

// poke makes the next step of a poke. The first one looks at what it finds.
func (e *expander) poke(y state, m *mutator, a *action) (f *fault, more bool, err error) {
	s, n := e.s, e.s.sites[a.site].slots[a.Slot]
	at := &s.slots[n]
	if statusOf(y[textsWord], at.text) == freed {
		return nil, false, nil
	}
	to := at.whole(a.To, m.given)
	if m.micro == 0 {
		switch st := s.slotState(y[firstSlotWord+n]); {
		case st.mem != st.expect:
			return faultf(protocol.ExpectedBytes, "expected % x at %s, found % x",
				st.expect[:at.size], s.where(at.at), st.mem[:at.size]), false, nil
		case st.expect == at.wholes[to].bytes:
			return nil, false, nil
		}
	}
	if !s.method.Steps[m.micro].Sync {
		s.forget(y, n)
	} else if err := s.sync(y); err != nil {
		return nil, false, err
	}
	y[firstSlotWord+n], err = e.stored(poking{y[firstSlotWord+n], n, m.micro, to})
	if m.micro++; m.micro == len(s.method.Steps) {
		m.changed = m.action + 1
	}
	return nil, m.micro < len(s.method.Steps), err
}

// poking is a step of a poke: of a slot, from a state of it, to the instruction to.
type poking struct {
	from           uint64
	slot, step, to int
}

// stored is what the step makes of the slot, remembered.
func (e *expander) stored(p poking) (uint64, error) {
	if word, ok := e.pokes[p]; ok {
		return word, nil
	}
	at, steps := &e.s.slots[p.slot], e.s.method.Steps
	st, to := e.s.slotState(p.from), at.wholes[p.to].bytes
	if m := steps[p.step]; !m.Sync {
		st = st.micro(m, to, at.fits())
	}
	if p.step == len(steps)-1 {
		st = st.expecting(to)
	}
	word, err := e.s.slotWord(st)
	e.pokes[p] = word
	return word, err
}

// poked tells whether slot n is being poked: its old instruction and its new one, as indexes in
// wholes.
func (s *system) poked(x state, n int) (old, to int, ok bool) {
	m := mutatorOf(x[mutatorWord])
	if m.op == none || m.micro == 0 {
		return none, none, false
	}
	a := &s.actions[m.op][m.key][m.action]
	if s.sites[a.site].slots[a.Slot] != n {
		return none, none, false
	}
	at := &s.slots[n]
	return at.holds(s.slotState(x[firstSlotWord+n]).expect), at.whole(a.To, m.given), true
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
		if *w, err = s.slotWord(st.synced()); err != nil {
			return err
		}
	}
	return nil
}

// letGo takes the key's hold off the old program. If that was the last one, the program is freed,
// or awaits its grace period. It says what is wrong with that.
func (s *system) letGo(y state, m *mutator, a *action) *fault {
	switch {
	case m.old == none:
		return nil
	case m.dropped:
		return faultf(protocol.NoDoubleFree, "frees again what the operation has replaced")
	case m.old != m.given && textIn(y[keysWord], publishedFrom+m.key) == m.old:
		return faultf(protocol.NoEarlyFree, "frees what the map's pointer still names")
	}
	m.dropped = true
	if m.old == 0 {
		return nil // the entry
	}
	refs := refsOf(y[textsWord], m.old) - 1
	y[textsWord] = withRefs(y[textsWord], m.old, refs)
	switch {
	case refs > 0:
	case a.Kind == protocol.Free:
		s.free(y, m.old)
	default:
		y[textsWord] = withStatus(y[textsWord], m.old, retiring)
		s.beginGrace(y, m, m.old, a.Grace)
	}
	return nil
}
