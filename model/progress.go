package model

import "tailpoke/patcher/protocol"

// Progress: every operation ends, given that every actor gets to run. An operation in
// progress makes its steps one after the other and none twice, so one that never ends
// stands still from some step on, while others move: it is among the states in which its
// agent has no move at all. What is looked for is a set of these states, each reachable
// from each other by moves of the others, that is fair to every actor:
//
//   - an actor that could move at some state of the set moves within it. This is strong
//     fairness. For threads it is no more than weak fairness, since a thread can always
//     move. The same goes for a wait, which no new reader delays once it could end. It is
//     more for those that wait for a mutex: it goes round.
//   - a thread that could fetch an instruction at some state of the set, rather than trap,
//     does so within it: no CPU fetches stale bytes for ever.
//   - a thread that could end its execution at some state of the set does so within it: the
//     verifier and the limit on tail calls see to it that every execution ends.
//   - an idle mutator need not call, and a retired program need not be freed.

// A pursuit is what is required of a fair set: each actor's moves, then each thread's
// fetches of an instruction, then each thread's exits from a program.
type pursuit uint32

func moves(actor int8) pursuit   { return 1 << indexOf(actor) }
func fetches(actor int8) pursuit { return 1 << (actors + int(actor)) }
func exits(actor int8) pursuit   { return 1 << (actors + maxThreads + int(actor)) }

// A hold is a state in which the agent at hand has an operation in progress and no move.
type hold struct {
	id    stateID
	could pursuit // what is possible here
	out   []step  // to other holds of the agent
}

// A step is a move from one hold to another.
type step struct {
	to   int // index of the hold
	does pursuit
}

// stuck looks for an operation that never ends; nil when there is none. The exploration
// must be complete, and without symmetry if there are several threads: which of them
// moves matters. The second result says that the caller asked to stop.
func (e *explorer) stuck() (*lasso, bool) {
	for i := range e.sys.agents {
		a := &e.sys.agents[i]
		holds, stopped := e.holds(a)
		if stopped {
			return nil, true
		}
		if l := e.lasso(holds); l != nil {
			return l, false
		}
	}
	return nil, false
}

// holds lists the holds of an agent.
func (e *explorer) holds(a *agent) ([]hold, bool) {
	var out []hold
	index := map[stateID]int{}
	g := expander{sys: e.sys}
	for i := range e.shards {
		if e.stopped() {
			return nil, true
		}
		for j := range e.shards[i].len() {
			id := idOf(i, uint32(j))
			copy(g.x[:], e.shards[i].key(uint32(j)))
			if g.mayHold(a) {
				index[id] = len(out)
				out = append(out, hold{id: id})
			}
		}
	}
	// Those that can move after all are found out by their moves.
	moving := make([]bool, len(out))
	for n := range out {
		h := &out[n]
		copy(g.x[:], e.key(h.id))
		g.found = func(m move, broken fault) {
			if m.background() {
				return
			}
			moving[n] = moving[n] || m.actor == a.actor
			h.could |= g.sys.owed(&g.x, m)
		}
		g.expand()
	}
	for n := range out {
		h := &out[n]
		if moving[n] {
			continue
		}
		copy(g.x[:], e.key(h.id))
		g.found = func(m move, broken fault) {
			if broken != noFault {
				return
			}
			e.sys.canonical(&g.y)
			if to, ok := index[e.find(g.y[:e.sys.words])]; ok && !moving[to] {
				h.out = append(h.out, step{to, does(m)})
			}
		}
		g.expand()
	}
	return out, false
}

// mayHold reports whether the agent a may have no move in x, though it has an operation
// in progress: only a wait and a mutex can hold it up.
func (e *expander) mayHold(a *agent) bool {
	w := e.x[a.word]
	if opField.of(w) == 0 {
		return false
	}
	act := e.sys.current(&e.x, a)
	switch {
	case act == nil:
		return false
	case act.Kind == protocol.Wait && waitField.of(w) == 1:
		return true
	case a.loads && (act.First || act.Kind == protocol.Track || act.Kind == protocol.Untrack):
		return true
	default:
		return act.Kind == protocol.Poke && microField.of(w) == 0 && len(e.sys.agents) > 1
	}
}

// does says what a move counts as.
func does(m move) pursuit {
	switch {
	case m.background():
		return 0
	case m.kind == moveFetch:
		return moves(m.actor) | fetches(m.actor)
	case m.kind == moveRun:
		return moves(m.actor) | exits(m.actor)
	default:
		return moves(m.actor)
	}
}

// owed says what a move that is possible in x obliges its actor to: nothing, if it is the
// call of an agent that is idle.
func (sys *system) owed(x *state, m move) pursuit {
	if a := sys.agentOf(m); a != nil && opField.of(x[a.word]) == 0 {
		return 0
	}
	return does(m)
}
