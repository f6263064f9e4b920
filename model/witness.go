package model

import "tailpoke/patcher/protocol"

// Mutator is the [Step.Actor] that is no thread: the mutator, and the grace periods of
// retired programs.
const Mutator = -1

// A Witness is an execution that breaks a property, from the state in which every key
// is empty. None is shorter.
type Witness struct {
	Property protocol.Property
	Text     string // what is broken, in words
	Start    View
	Steps    []Step // the last one breaks the property
}

// A Step is one step of a witness, with what it leads to.
type Step struct {
	Actor int             // Mutator or the index of a thread
	Text  string          // what the actor does
	Event *protocol.Event // what that completes of an operation, or nil
	View
}

// A View is what a state shows.
type View struct {
	Threads []string // where each thread stands
	Sites   []SiteView
}

// A SiteView is what the memory of a site shows: whole instructions such as "jmp p0",
// or "int3+nop" for a trap byte before the other bytes of a nop. A star marks a slot of
// which some CPU may still fetch other bytes. State is the letter of the site, or two,
// such as "D>C", while a poke is between them.
type SiteView struct {
	Bypass, Target, State string
}

// witness rebuilds an execution that leads to v.
func (e *explorer) witness(v violation) *Witness {
	moves := e.moves(v)
	trace := newTidier(e.sys, moves, v.broken).tidy(len(moves))
	w := &Witness{Property: faultProperties[v.broken], Text: faultWords[v.broken]}
	before := e.sys.initial()
	w.Start = e.sys.view(&before)
	for _, t := range trace {
		w.Steps = append(w.Steps, Step{
			Actor: int(t.move.actor),
			Text:  e.sys.describe(&before, &t.to, t.move),
			Event: e.sys.event(&before, &t.to, t.move),
			View:  e.sys.view(&t.to),
		})
		before = t.to
	}
	return w
}

// moves lists the moves that lead to v. Stored states are canonical, so it goes the
// path again with threads that keep their places: each move is one that leads to a
// state whose canonical form is the next stored state.
func (e *explorer) moves(v violation) []move {
	g := expander{sys: e.sys, x: e.sys.initial()}
	var out []move
	follow := func(fits func(broken fault) bool) {
		hit, to := false, state{}
		g.found = func(m move, broken fault) {
			if hit {
				return
			}
			to = g.y
			if hit = fits(broken); hit {
				out = append(out, m)
			}
		}
		g.expand()
		if !hit {
			panic("model: a path cannot be gone again")
		}
		g.x = to
	}
	for _, next := range e.path(v.from)[1:] {
		follow(func(broken fault) bool {
			e.sys.canonical(&g.y)
			return broken == noFault && equal(next, g.y[:e.sys.words])
		})
	}
	follow(func(broken fault) bool { return broken == v.broken })
	return out
}

// view says what a state shows.
func (sys *system) view(x *state) View {
	v := View{}
	for _, t := range x[sys.threads:sys.words] {
		v.Threads = append(v.Threads, sys.position(t))
	}
	for i := range sys.shape.Sites {
		v.Sites = append(v.Sites, SiteView{
			Bypass: slotText(slotOf(x[1+i], protocol.Bypass), protocol.Bypass),
			Target: slotText(slotOf(x[1+i], protocol.Target), protocol.Target),
			State:  sys.stateText(x, i),
		})
	}
	return v
}
