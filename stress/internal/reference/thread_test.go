package reference

import "tailpoke/patcher/protocol"

// A place is where a thread stands. Everywhere but outside it is in its reader section.
type place int8

const (
	outside place = iota
	reading       // about to read the map's pointer
	before        // a slot
	trapped       // at a slot; the handler has not run yet
	inside        // a program
	past          // the last site
)

// A thread executes the caller, any number of times.
type thread struct {
	place   place
	site    int8
	slot    protocol.Slot
	program int8

	// mayRun has a bit for each program that some key holds, or was being given, at some moment
	// since the thread entered. mustTake says that the key has held some program all along.
	mayRun   [maxKeys]uint8
	mustTake [maxKeys]bool
}

// fetches reports whether the thread may still come to a program.
func (t *thread) fetches() bool {
	return t.place == reading || t.place == before || t.place == trapped
}

// hears adds to the duties of a thread what an operation brings that is called now.
func (t *thread) hears(op protocol.OpKind, key, given int8) {
	if !t.fetches() {
		return
	}
	if given != 0 {
		t.mayRun[key] |= 1 << given
	}
	if op == protocol.Remove {
		t.mustTake[key] = false
	}
}

// thread takes every step that thread i can take.
func (in *interpreter) thread(s state, i int) {
	t := &s.threads[i]
	switch t.place {
	case outside:
		*t = in.entered(&s)
		in.keep(s)
	case reading:
		in.read(s, i, 0)
	case before:
		s.slots[t.site][t.slot].visible.each(func(b bytes) { in.fetch(s, i, b) })
		for key := 0; in.indirect == may && key < in.keys; key++ {
			if t.site == 0 && t.slot == protocol.Bypass {
				in.read(s, i, key)
			}
		}
	case trapped:
		in.handle(s, i)
	case inside:
		if s.programs[t.program].freed && in.breaks(protocol.NoUseAfterFree) {
			return
		}
		in.leave(s, i)
	case past:
		in.leave(s, i)
	}
}

// entered is a thread that begins an execution. Until the operation on a key returns, what it
// replaces may be run as well.
func (in *interpreter) entered(s *state) thread {
	t := thread{place: before}
	if in.indirect == first {
		t.place = reading
	}
	for key := range int8(in.keys) {
		held := s.holds[key]
		t.mustTake[key] = held != 0
		programs := []int8{held}
		if s.op != idle && s.key == key {
			programs = append(programs, s.given, s.old)
			t.mustTake[key] = t.mustTake[key] && protocol.OpKind(s.op) == protocol.Update
		}
		for _, p := range programs {
			if p != 0 {
				t.mayRun[key] |= 1 << p
			}
		}
	}
	return t
}

// fetch has thread i fetch bytes at the slot before which it stands.
func (in *interpreter) fetch(s state, i int, b bytes) {
	t := &s.threads[i]
	instr, whole := b.instruction()
	switch {
	case b.first == trapByte:
		t.place = trapped
		in.keep(s)
	case whole:
		in.execute(s, i, instr)
	case !in.breaks(protocol.NoTorn):
		panic("bytes that are no instruction lead nowhere")
	}
}

// handle runs the handler of a trap, at any time after it. It looks whether that slot is being
// poked now.
func (in *interpreter) handle(s state, i int) {
	t := &s.threads[i]
	t.place = before
	at := s.slots[t.site][t.slot]
	to, poked := in.poked(&s, t.site, t.slot)
	switch {
	case !poked && at.memory.first == trapByte:
		in.breaks(protocol.NoTorn) // nobody answers for it
	case poked && in.method.Trap == protocol.TrapNew:
		in.execute(s, i, to)
	case poked && in.method.Trap == protocol.TrapOld:
		in.execute(s, i, at.remembered)
	default:
		in.keep(s) // the byte runs again
	}
}

// poked says whether a poke is in progress at a slot, and to which instruction it leads.
func (in *interpreter) poked(s *state, site int8, slot protocol.Slot) (to instruction, is bool) {
	if s.op == idle || s.store == 0 {
		return nop, false
	}
	step, where, _ := in.step(s)
	switch {
	case where != int(site) || step.Slot != slot:
		return nop, false
	case step.To == protocol.Nop:
		return nop, true
	case slot == protocol.Bypass:
		return out, true
	}
	return s.given, true
}

// execute has thread i execute an instruction of its slot.
func (in *interpreter) execute(s state, i int, instr instruction) {
	t := &s.threads[i]
	key := int(t.site) % in.keys
	switch {
	case t.slot == protocol.Bypass && instr == nop: // it unwinds
		t.place, t.slot = before, protocol.Target
	case t.slot == protocol.Bypass: // over the rest of the site
		if t.mustTake[key] && in.breaks(protocol.NoMiss) {
			return
		}
		if t.place, t.slot = before, protocol.Bypass; int(t.site)+1 < in.sites {
			t.site++
		} else {
			*t = thread{place: past}
		}
	case instr == nop: // unwound, and back in the caller
		if !in.breaks(protocol.NeverA) {
			panic("state A leads nowhere")
		}
		return
	default:
		in.enter(s, i, key, instr)
		return
	}
	in.keep(s)
}

// read has thread i read the pointer of a key, and go where that leads.
func (in *interpreter) read(s state, i, key int) {
	t := &s.threads[i]
	switch p := s.pointer[key]; {
	case p != 0:
		in.enter(s, i, key, p)
		return
	case t.mustTake[key] && in.breaks(protocol.NoMiss):
		return
	case t.place == reading: // and on to the first site
		t.place = before
	default:
		*t = thread{place: past}
	}
	in.keep(s)
}

// enter has thread i make a tail call, by a site of a key.
func (in *interpreter) enter(s state, i, key int, program int8) {
	t := &s.threads[i]
	if t.mayRun[key]&(1<<program) == 0 && in.breaks(protocol.Fresh) {
		return
	}
	if s.programs[program].freed && in.breaks(protocol.NoUseAfterFree) {
		return
	}
	*t = thread{place: inside, program: program}
	in.keep(s)
}

// leave ends the execution of thread i. No grace period waits for it any more.
func (in *interpreter) leave(s state, i int) {
	s.threads[i] = thread{}
	s.awaited[i] = false
	for p := range s.programs {
		s.programs[p].awaited[i] = false
	}
	in.keep(s)
}
