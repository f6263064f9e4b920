package reference

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// mutator takes the next step of the operation in progress, or begins one.
func (in *interpreter) mutator(s state) {
	if s.op == idle {
		in.begin(s)
		return
	}
	s = in.settled(s)
	step, site, left := in.step(&s)
	switch {
	case !left:
		in.end(s)
	case s.waiting:
		if s.awaited == ([maxThreads]bool{}) {
			s.waiting = false
			in.advance(s)
		}
	case step.Kind == protocol.Publish:
		s.pointer[s.key], s.holds[s.key] = s.given, s.given
		in.advance(s)
	case step.Kind == protocol.Poke:
		in.poke(s, step, site)
	case step.Kind == protocol.Wait:
		in.wait(s, step, site)
	case step.Kind == protocol.Retire, step.Kind == protocol.Free:
		in.letGo(s, step)
	default:
		panic("the interpreter does not know a step of the text")
	}
}

// nowhere is the site of a step outside each.
const nowhere = -1

// step finds the step at which the cursor stands, and the site that it concerns. If the cursor is
// behind the last step, none is left.
func (in *interpreter) step(s *state) (step protocol.Step, site int, left bool) {
	steps := in.protocol.Ops[s.op]
	if int(s.at.step) == len(steps) {
		return step, nowhere, false
	}
	if step = steps[s.at.step]; step.Kind != protocol.Each {
		return step, nowhere, true
	}
	return step.Body[s.at.inner], in.site(s), true
}

// site is the site of the iteration. Site i is one of key i mod keys.
func (in *interpreter) site(s *state) int { return int(s.key) + int(s.at.iteration)*in.keys }

// settled moves a cursor that stands at no step on to the next one: into an each, from one
// iteration to the next, and past an each that is over.
func (in *interpreter) settled(s state) state {
	steps := in.protocol.Ops[s.op]
	for int(s.at.step) < len(steps) && steps[s.at.step].Kind == protocol.Each {
		body := steps[s.at.step].Body
		switch {
		case in.site(&s) >= in.sites || len(body) == 0:
			s.at = cursor{step: s.at.step + 1}
		case int(s.at.inner) == len(body):
			s.at = cursor{s.at.step, s.at.iteration + 1, 0}
			s.changedHere = false
		default:
			return s
		}
	}
	return s
}

// advance goes on behind the step at hand.
func (in *interpreter) advance(s state) {
	if in.protocol.Ops[s.op][s.at.step].Kind == protocol.Each {
		s.at.inner++
	} else {
		s.at.step++
	}
	in.keep(in.settled(s))
}

// begin calls every operation that a user of the map may ask for now.
func (in *interpreter) begin(s state) {
	if in.most > 0 {
		if int(s.calls) == in.most {
			return
		}
		s.calls++
	}
	for key := range int8(in.keys) {
		held := s.holds[key]
		fresh := false // programs that nobody was given are alike
		for p := int8(1); int(p) <= in.programs; p++ {
			state := s.programs[p]
			switch {
			case p == held:
				in.call(s, protocol.Update, key, p)
			case s.heldByOther(p, key) || state.retiring || state.freed && !in.again:
			case !state.given && fresh:
			default:
				fresh = fresh || !state.given
				in.call(s, gives(held), key, p)
			}
		}
		if held != 0 {
			in.call(s, protocol.Remove, key, 0)
		}
	}
}

// heldByOther: no two keys hold one program.
func (s *state) heldByOther(p, key int8) bool {
	for other, held := range s.holds {
		if int8(other) != key && held == p {
			return true
		}
	}
	return false
}

// gives is what giving a key a program is called, by what the key holds.
func gives(held int8) protocol.OpKind {
	if held == 0 {
		return protocol.Install
	}
	return protocol.Update
}

func (in *interpreter) call(s state, op protocol.OpKind, key, given int8) {
	s.op, s.key, s.given, s.old = int8(op), key, given, s.holds[key]
	if given != 0 {
		s.programs[given].given = true
		s.programs[given].freed = false // it is loaded again
	}
	if in.atCall || in.indirect != nobody && !publishes(in.protocol.Ops[op]) {
		s.holds[key] = given
	}
	for i := range s.threads {
		s.threads[i].hears(op, key, given)
	}
	in.keep(in.settled(s))
}

// publishes reports whether an operation exchanges the map's pointer.
func publishes(steps []protocol.Step) bool {
	return slices.ContainsFunc(steps, func(s protocol.Step) bool { return s.Kind == protocol.Publish })
}

// end returns from the operation. What it replaced and the map's pointer does not name must be
// freed, or retired. Of a program that the key was given anew there are two references, and one
// must be put.
func (in *interpreter) end(s state) {
	leaks := s.old == s.given || s.pointer[s.key] != s.old
	if s.old != 0 && !s.letGo && leaks && in.breaks(protocol.NoLeak) {
		return
	}
	s.op, s.key, s.given, s.old, s.at = idle, 0, 0, 0, cursor{}
	s.letGo, s.changed, s.changedHere = false, false, false
	in.keep(s)
}

// poke takes the next step of the method at a slot. The first one looks at what it finds.
func (in *interpreter) poke(s state, step protocol.Step, site int) {
	at := &s.slots[site][step.Slot]
	to := nop
	switch {
	case step.To == protocol.Jump && step.Slot == protocol.Bypass:
		to = out
	case step.To == protocol.Jump:
		to = s.given
	}
	if s.store == 0 {
		if at.memory != bytesOf(at.remembered) && in.breaks(protocol.ExpectedBytes) {
			return
		}
		if at.remembered == to {
			in.advance(s) // nothing to do
			return
		}
	}
	if m := in.method.Steps[s.store]; m.Sync {
		s.serialise()
	} else {
		*at = at.carried(m, to)
	}
	if s.store++; int(s.store) < len(in.method.Steps) {
		in.keep(s)
		return
	}
	s.store, at.remembered = 0, to
	s.changed, s.changedHere = true, true
	in.advance(s)
}

// wait begins a grace period, or skips it.
func (in *interpreter) wait(s state, step protocol.Step, site int) {
	changed := s.changed
	if site != nowhere {
		changed = s.changedHere
	}
	if step.IfChanged && !changed {
		in.advance(s)
		return
	}
	s.waiting = true
	in.snapshots(s, step.Grace, func(s *state) *[maxThreads]bool { return &s.awaited }, in.keep)
}

// letGo frees what the operation replaces, or begins the grace period after which it is freed. A
// program that the key was given anew stays.
func (in *interpreter) letGo(s state, step protocol.Step) {
	switch {
	case s.letGo && in.breaks(protocol.NoDoubleFree):
		return
	case s.old != s.given && s.pointer[s.key] == s.old && in.breaks(protocol.NoEarlyFree):
		return
	}
	s.letGo = true
	switch {
	case s.old == s.given:
		in.advance(s)
	case step.Kind == protocol.Free:
		s.programs[s.old].freed = true
		in.advance(s)
	default:
		old := s.old
		s.programs[old].retiring = true
		awaited := func(s *state) *[maxThreads]bool { return &s.programs[old].awaited }
		in.snapshots(s, step.Grace, awaited, in.advance)
	}
}

// retired frees programs whose grace periods are over.
func (in *interpreter) retired(s state) {
	for p := range s.programs {
		if at := s.programs[p]; at.retiring && at.awaited == ([maxThreads]bool{}) {
			next := s
			next.programs[p].retiring, next.programs[p].freed = false, true
			in.keep(next)
		}
	}
}

// snapshots begins a grace period: it waits for the threads that are inside, and of a kind that it
// knows; for all of them, for none, or for all but any one, as its flavour does. With a name it has
// no flavour.
func (in *interpreter) snapshots(
	s state, g protocol.Period, of func(*state) *[maxThreads]bool, then func(state),
) {
	if g == protocol.OwnPeriod && in.grace == protocol.GraceSleep {
		then(s)
		return
	}
	for i := range s.threads {
		of(&s)[i] = s.threads[i].place != outside && in.knows(g, i)
	}
	then(s)
	if g != protocol.OwnPeriod || in.grace != protocol.GraceForget {
		return
	}
	for i, waits := range *of(&s) {
		if waits {
			less := s
			of(&less)[i] = false
			then(less)
		}
	}
}

// knows reports whether a grace period waits for thread i, which is of the i-th kind of readers from
// the first one on. If the text has no kinds, the subject's grace periods, which are those of epoch, wait for everybody.
func (in *interpreter) knows(g protocol.Period, i int) bool {
	if g == protocol.OwnPeriod {
		g = protocol.Epoch
	}
	kinds := in.protocol.Readers
	if len(kinds) == 0 {
		return g == protocol.Epoch
	}
	return slices.Contains(kinds[(in.kind+i)%len(kinds)].Graces, g)
}
