package model

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
)

// A tracker knows what may be the state of one key.
type tracker struct {
	key     int
	guesses []guess
	before  []guess // those before the last item; their memory is used again
}

// A guess is one explanation of the trace so far.
type guess struct {
	in    *automaton
	at    *point
	owes  *edge            // the event that led here: its effect was seen before it was recorded
	names [maxPrograms]int // by program: 1 + the number that the trace gives it, 0 for none yet
}

// then returns the guess at another point. Of a program that nothing refers to there, the
// name is forgotten.
func (g guess) then(at *point) guess {
	g.at, g.owes = at, nil
	for i := range g.names {
		if at.used&(1<<i) == 0 {
			g.names[i] = 0
		}
	}
	return g
}

// addGuess adds a guess to those that there are, once.
func addGuess(gs []guess, g guess) []guess {
	if slices.Contains(gs, g) {
		return gs
	}
	return append(gs, g)
}

// happened returns the guesses after an event.
func (f *tracker) happened(it protocol.Item) ([]guess, error) {
	out, full := f.before[:0], false
	for _, g := range f.guesses {
		want := it.Event
		want.Key = g.in.key
		if g.owes != nil {
			if g.owes.event == want {
				out = addGuess(out, g.then(g.at))
			}
			continue
		}
		g.in.grow(g.at)
		for _, e := range g.at.edges {
			if e.event != want {
				continue
			}
			named, ok := g, true
			if e.given != 0 {
				named, ok = g.named(e.given, it.Prog)
			}
			if ok {
				out = addGuess(out, named.then(e.to))
			}
		}
		full = full || want.Kind == protocol.Called && it.Op.Gives() && g.spare() == 0
	}
	if len(out) == 0 && full {
		return nil, fmt.Errorf("%w: more than %d programs that one key or its sites refer to",
			ErrUnsupported, maxPrograms)
	}
	return out, nil
}

// spare returns the first program that nothing refers to and that is not retiring, or 0.
func (g *guess) spare() uint64 {
	for p := uint64(1); p <= maxPrograms; p++ {
		if g.at.used&programBit(p) == 0 && statusOf(g.at.x[0], p) != retiring {
			return p
		}
	}
	return 0
}

// named gives program p the trace's name for it and reports whether it may have that
// name. A program that is not referred to stands for all such.
func (g guess) named(p uint64, name int) (guess, bool) {
	used := g.at.used&programBit(p) != 0
	if !used && p != g.spare() {
		return g, false
	}
	return g.bound(p, name)
}

// bound is named for a program that something refers to.
func (g guess) bound(p uint64, name int) (guess, bool) {
	mine := &g.names[p-1]
	switch {
	case name == protocol.AnyProg || *mine == 1+name:
		return g, true
	case *mine != 0 || slices.Contains(g.names[:], 1+name):
		return g, false
	}
	*mine = 1 + name
	return g, true
}

// sites returns how many sites the key has.
func (g *guess) sites() int {
	if g.in.key != 0 {
		return 0
	}
	return g.in.sys.shape.Sites
}

// saw returns the guesses in which memory holds what an observer read. Time may have gone
// on without an event, and an event is recorded when its effect can already be seen.
func (f *tracker) saw(it protocol.Item) []guess {
	out := f.before[:0]
	for _, g := range f.guesses {
		g.later(func(g guess) {
			if named, ok := g.holds(it); ok {
				out = addGuess(out, named)
			}
		})
	}
	return out
}

// later finds the guesses at moments before the next event is recorded.
func (g guess) later(found func(guess)) {
	if g.owes != nil {
		found(g)
		return
	}
	g.in.grow(g.at)
	for _, p := range g.at.hidden {
		found(g.then(p))
	}
	for i := range g.at.edges {
		if e := &g.at.edges[i]; e.event.Kind == protocol.Poked {
			to := g.then(e.to)
			to.owes = e
			found(to)
		}
	}
}

// holds reports whether memory holds what an observer read, and names the programs that it
// read of.
func (g guess) holds(it protocol.Item) (guess, bool) {
	if it.Desc < 0 || it.Desc >= g.sites() {
		return g, false
	}
	ok := true
	for s, raw := range it.Seen {
		if ok && raw.Head != protocol.Unread {
			g, ok = g.reads(slotOf(g.at.x[1+it.Desc], protocol.Slot(s)), protocol.Slot(s), raw)
		}
	}
	return g, ok
}

// reads reports whether an observer can have read raw in a slot. What is being written
// may be read partly written until the next sync.
func (g guess) reads(v slot, s protocol.Slot, raw protocol.SlotText) (guess, bool) {
	mem := v.mem()
	if raw.Head == protocol.HeadTrap && raw.Tail == protocol.MixedTail {
		return g, mem.head() == headInt3 && v.seen()>>pairOf(headInt3, tailMixed)&1 != 0
	}
	if textOf(mem, s).Head != raw.Head {
		partly := v.seen()>>pairOf(mem.head(), tailMixed)&1 != 0 && mem.head() != headInt3
		return g, partly && raw.Head == protocol.HeadTorn
	}
	if s == programSlot && raw.Tail >= 0 {
		p := uint64(mem.tail())
		if p == uint64(tailNop) || p > maxPrograms {
			return g, false
		}
		return g.bound(p, raw.Tail)
	}
	return g, raw.Tail == protocol.AnyTail || textOf(mem, s).Tail == raw.Tail
}
