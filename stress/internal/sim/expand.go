package sim

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// byMutator is the actor that is no thread.
const byMutator = -1

// A move is a step with what was chosen in it.
type move struct {
	actor int    // byMutator, or the index of a thread
	in    input  // of a thread: what its step depends on
	slot  int    // of a thread: at which it stands, or -1
	stale uint32 // 1: it fetches bytes that memory does not hold
	calls bool   // of the mutator: it begins call
	call  protocol.Call
}

// An expander finds the steps that lead out of a state.
type expander struct {
	s      *system
	t      *thread
	cache  map[key]result
	pokes  map[poking]uint64
	y      state
	newest uint64 // slots whose newest content the thread sees in the step at hand
	stale  uint32 // of the move at hand
	every  bool   // threads that are alike all take their steps

	// found is told of every step, with the state that it leads to or with what it breaks. The
	// state is the expander's own.
	found func(m move, y state, f *fault)
	err   error // the first
}

type key struct {
	local uint64
	in    input
}

// result is what a step of a local leads to.
type result struct {
	to    uint64
	fault *fault
}

func newExpander(s *system) *expander {
	return &expander{
		s: s, t: newThread(s), cache: map[key]result{}, pokes: map[poking]uint64{},
		y: make(state, s.words), every: s.NoSymmetry,
	}
}

// expand finds all steps.
func (e *expander) expand(x state) {
	e.mutator(x)
	for i := range e.s.threads {
		// Of threads that are alike, in like places, one is enough.
		if e.every || i == 0 || !slices.Equal(e.s.threadWords(x, i), e.s.threadWords(x, i-1)) {
			e.thread(x, i)
		}
	}
}

func (e *expander) from(x state) state {
	copy(e.y, x)
	return e.y
}

func (e *expander) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// thread finds the steps of thread i.
func (e *expander) thread(x state, i int) {
	l := e.s.local(x[e.s.wordOf(i)] & localMask)
	st := &l.stop
	switch {
	case st.phase == idle:
		e.move(x, i, l, enters)
	case st.text >= 0 && statusOf(x[textsWord], st.text) == freed:
		e.found(move{actor: i, in: goes, slot: st.slot}, nil, faultf(protocol.NoUseAfterFree,
			"executes in %s, which has been freed", e.s.texts[st.text].name))
	case st.phase == trapped:
		e.handler(x, i, l)
	case st.slot >= 0:
		e.fetch(x, i, l)
	case st.loads:
		e.move(x, i, l, loads|input(1+e.s.pointer(x, st.loaded)))
	default:
		e.move(x, i, l, goes)
	}
}

// keyOf is the key whose program a word of a prog array leads to; none if that does not change.
func (s *system) keyOf(at pointerOf) int { return slices.Index(s.arrayKeys, at) }

// pointer is the text that a word of a prog array leads to, or none.
func (s *system) pointer(x state, at pointerOf) int {
	if key := s.keyOf(at); key != none {
		return textIn(x[keysWord], publishedFrom+key)
	}
	return none
}

// fetch finds what the thread may see of the slot at its rip. All contents that begin with the
// trap byte are one, and so are all that never were an instruction.
func (e *expander) fetch(x state, i int, l *local) {
	n := l.stop.slot
	slot, at := &e.s.slots[n], e.s.slotState(x[firstSlotWord+n])
	seen := at.seen
	if e.s.has(x, i, n) {
		seen = []content{at.mem}
	}
	trapped := at.mem[0] == protocol.Trap
	if !trapped && slot.holds(at.mem) < 0 {
		seen = append([]content{at.mem}, seen...) // of those that are torn, what memory holds
	}
	trap, torn := false, false
	for _, c := range seen {
		isTrap := c[0] == protocol.Trap
		isMem := c == at.mem || isTrap && trapped
		e.stale, e.newest = 0, 0
		if !isMem {
			e.stale = 1
		} else if !at.settled() {
			e.newest = 1 << n
		}
		w := slot.holds(c)
		switch {
		case isTrap && !trap:
			trap = true
			e.move(x, i, l, traps)
		case isTrap || w < 0 && torn:
		case w < 0:
			torn = true
			m := move{actor: i, in: tears | input(slices.Index(at.seen, c)), slot: n, stale: e.stale}
			e.found(m, nil, faultf(protocol.NoTorn,
				"executes % x, which never was an instruction of this slot", c[:slot.size]))
		default:
			e.move(x, i, l, fetches|input(w))
		}
	}
	e.newest, e.stale = 0, 0
}

// handler finds what a trapped thread goes on with. Its handler runs at any later time, and
// looks then whether the slot is being poked.
func (e *expander) handler(x state, i int, l *local) {
	n := l.stop.slot
	at := e.s.slotState(x[firstSlotWord+n])
	old, to, ok := e.s.poked(x, n)
	if e.s.Forward {
		e.newest = e.s.open(x) // it comes back by iret, which serialises
	}
	switch {
	case ok && e.s.method.Trap == protocol.TrapNew:
		e.move(x, i, l, emulate|input(to))
	case ok && e.s.method.Trap == protocol.TrapOld:
		e.move(x, i, l, emulate|input(old))
	case !ok && at.mem[0] == protocol.Trap:
		e.found(move{actor: i, in: retries, slot: n}, nil,
			faultf(protocol.NoTorn, "met an int3 that no poke answers for"))
	default:
		e.move(x, i, l, retries)
	}
	e.newest = 0
}

// move takes a step of thread i from a local.
func (e *expander) move(x state, i int, l *local, in input) {
	res, err := e.step(l, in)
	if err != nil {
		e.fail(err)
		return
	}
	m := move{actor: i, in: in, slot: l.stop.slot, stale: e.stale}
	if res.fault != nil {
		e.found(m, nil, res.fault)
		return
	}
	y := e.from(x)
	w := &y[e.s.wordOf(i)]
	if *w = *w&^localMask | res.to; res.to == e.s.idle {
		*w = res.to // it has left its section
	}
	e.s.sees(y, i, e.newest)
	e.s.endGraces(y)
	e.found(m, y, nil)
}

// step is the step of a local, remembered.
func (e *expander) step(l *local, in input) (result, error) {
	k := key{l.id, in}
	if res, ok := e.cache[k]; ok {
		return res, nil
	}
	e.t.unpack(l.content)
	r := run{s: e.s, t: e.t}
	f, err := r.step(in)
	if err != nil {
		return result{}, err
	}
	res := result{fault: f}
	if f == nil {
		to, err := e.s.intern(e.t)
		if err != nil {
			return result{}, err
		}
		res.to = to.id
	}
	e.cache[k] = res
	return res, nil
}
