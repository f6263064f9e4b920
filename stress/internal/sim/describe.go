package sim

import (
	"golang.org/x/arch/x86/x86asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim/x86"
)

// describe says what a move from x does. y is where it leads, nil if it breaks a property.
func (g walker) describe(x, y state, m move) (witness.Step, error) {
	st := witness.Step{Choice: g.s.choice(x, m)}
	if m.actor != byMutator {
		var err error
		if st.Code, err = g.code(x, m); err != nil {
			return st, err
		}
	}
	if y == nil {
		st.View = g.s.view(x)
		return st, nil
	}
	for n := range g.s.texts {
		if statusOf(y[textsWord], n) == freed && statusOf(x[textsWord], n) != freed {
			st.Frees = append(st.Frees, n)
		}
	}
	st.View = g.s.view(y)
	return st, nil
}

// choice is what must be known of a move from x.
func (s *system) choice(x state, m move) witness.Choice {
	if m.actor != byMutator {
		return witness.Choice{
			Actor: witness.Actor{Kind: witness.Thread, Index: m.actor}, Action: s.threadAction(x, m),
		}
	}
	c, was := witness.Choice{Actor: witness.Actor{Kind: witness.Mutator}}, mutatorOf(x[mutatorWord])
	if m.calls {
		c.Call, was = &m.call, s.begun(x, m.call)
	}
	c.Action = s.mutatorAction(x, was)
	return c
}

// mutatorAction is what the mutator does next.
func (s *system) mutatorAction(x state, was mutator) witness.Action {
	acts := s.actions[was.op][was.key]
	if len(acts) == 0 {
		return witness.Act(witness.Nothing)
	}
	do := witness.Act(witness.Nothing)
	switch a := &acts[was.action]; a.Kind {
	case protocol.Poke:
		return s.pokeAction(x, was, a)
	case protocol.Wait:
		do.Do, do.Grace = witness.Wait, a.Grace
		if a.IfChanged && was.changed <= a.Since {
			do.Do = witness.NoWait
		}
	case protocol.Publish:
		do.Do, do.Prog = witness.Publish, was.given
	case protocol.Retire:
		do.Do, do.Prog, do.Same, do.Grace = witness.Retire, was.old, was.old == was.given, a.Grace
	case protocol.Free:
		do.Do, do.Prog, do.Same = witness.Free, was.old, was.old == was.given
	}
	return do
}

// pokeAction is what the mutator does next of a poke.
func (s *system) pokeAction(x state, was mutator, a *action) witness.Action {
	n := s.sites[a.site].slots[a.Slot]
	at, st := &s.slots[n], s.slotState(x[firstSlotWord+n])
	to := &at.wholes[at.whole(a.To, was.given)]
	do := witness.Act(witness.Store)
	do.Site, do.Slot, do.To = a.site, a.Slot, to.text
	switch {
	case st == nil:
		do.Do = witness.PokeGone
	case was.micro == 0 && st.mem != st.expect:
		do.Do, do.Text = witness.Mismatch, at.reads(st.mem)
	case was.micro == 0 && st.expect == to.bytes:
		do.Do = witness.NoPoke
	default:
		do.Step = s.method.Steps[was.micro]
	}
	return do
}

// threadAction is what a thread does.
func (s *system) threadAction(x state, m move) witness.Action {
	st := &s.local(x[s.wordOf(m.actor)] & localMask).stop
	switch m.in.kind() {
	case enters:
		do := witness.Act(witness.Enter)
		do.Reader = s.reader(m.actor)
		return do
	case loads:
		do := witness.Act(witness.Read)
		do.Key, do.Prog = s.keyOf(st.loaded), int(m.in.value())-1
		return do
	case goes:
		do := witness.Act(witness.Execute)
		switch do.Prog = st.text; {
		case st.text < 0:
			do.Do = witness.Leave
		case statusOf(x[textsWord], st.text) == freed:
			do.Do = witness.Gone
		}
		return do
	}
	at := &s.slots[m.slot]
	do := witness.Act(witness.Trap)
	do.Site, do.Slot = at.site, at.which
	switch m.in.kind() {
	case fetches:
		do.Do, do.Text = witness.Fetch, at.wholes[m.in.value()].text
	case tears:
		do.Do = witness.Torn
	case emulate:
		do.Do, do.Text = witness.Handle, at.wholes[m.in.value()].text
	case retries:
		do.Do = s.retries(x, m.slot)
	}
	return do
}

// retries says why a handler runs the byte again.
func (s *system) retries(x state, slot int) witness.Do {
	if _, _, poked := s.poked(x, slot); poked {
		return witness.Retry
	}
	if s.slotState(x[firstSlotWord+slot]).mem[0] == protocol.Trap {
		return witness.Lost
	}
	return witness.Late
}

// shownRegs are the registers that a step's description looks at: the counter, and what a
// frame keeps.
var shownRegs = [...]x86.Reg{x86.RAX, x86.RCX, x86.RBX, x86.RBP, x86.RSP, x86.R13, x86.R14, x86.R15}

// code takes the step of the thread again and says what it executes.
func (g walker) code(x state, m move) (*witness.Code, error) {
	l := g.s.local(x[g.s.wordOf(m.actor)] & localMask)
	g.t.unpack(l.content)
	before, from, in := g.t.Regs, g.t.RIP, m.in.kind()
	if in == enters {
		from = g.s.texts[0].at
	}
	c := &witness.Code{At: g.s.standing(from)}
	c.Broke = c.At.Source
	c.Bytes, c.Text = g.s.fetched(x, from, m)
	r := run{s: g.s, t: g.t}
	gone := l.stop.text >= 0 && statusOf(x[textsWord], l.stop.text) == freed
	stays := gone || in == tears // it executes nothing
	if !stays {
		f, err := r.step(m.in)
		if err != nil {
			return nil, err
		}
		if stays = f != nil; stays {
			c.Broke = g.s.standing(g.t.RIP).Source
		}
	}
	c.Count = r.count
	if !stays && g.t.phase == idle {
		v := g.t.Regs[x86.RAX]
		c.Returns = &v
	}
	for _, n := range shownRegs {
		if stays || g.t.Regs[n] != before[n] && in != enters {
			c.Regs = append(c.Regs, witness.Reg{Name: n.String(), Value: g.t.Regs[n]})
		}
	}
	return c, nil
}

// fetched is the instruction that a thread's step begins with, and its text.
func (s *system) fetched(x state, rip uint64, m move) ([]byte, string) {
	in := s.textAt(rip)
	if in < 0 {
		return nil, ""
	}
	t := s.texts[in]
	off := rip - t.at
	code := t.img.Code[off:min(int(off)+t.insns[off].Size(), len(t.img.Code))]
	switch v := m.in.value(); m.in.kind() {
	case fetches, emulate:
		at := &s.slots[m.slot]
		code = at.wholes[v].bytes[:at.size]
	case tears:
		at := s.slotState(x[firstSlotWord+m.slot])
		code = at.seen[v][:at.size]
	case traps, retries:
		code = []byte{protocol.Trap}
	}
	i, err := x86asm.Decode(code, 64)
	if err != nil {
		return code, "no instruction"
	}
	return code, jit.SignDisplacements(x86asm.IntelSyntax(i, rip, nil))
}
