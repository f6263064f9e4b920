package model

import "slices"

// A tidier makes an execution readable. Of the executions in which every actor makes
// the same kinds of moves in the same order, it finds one in which the turn changes
// least often and, of these, one that least often breaks into an operation. The length
// stays what it is.
type tidier struct {
	expander
	plan   [actors][]moveKind // of each agent, then of each thread
	broken fault              // what the last move breaks
	goal   *state             // where it leads, if not nil
	last   bool               // the last move is wanted

	layer []node // reached by as many moves as were made so far
	at    int    // index in layer of the node whose state is x
	next  []node // reached by one more
	index map[nodeKey]int
}

// actors is how many there may be, agents and threads.
const actors = maxAgents + maxThreads

// indexOf counts actors from 0: the last agent that there may be first, threads last.
func indexOf(actor int8) int { return maxAgents + int(actor) }

// A node is a state that some interleaving reaches, at the least cost.
type node struct {
	nodeKey
	move move // the last one
	cost int
	prev int // in the layer before
}

// turnCost is what a change of turn costs; one inside an operation costs 1 more.
const turnCost = 1 << 16

type nodeKey struct {
	to    state
	actor int8          // of the last move
	made  [actors]uint8 // how many moves of its plan each actor has made
}

func newTidier(sys *system, moves []move, broken fault, goal *state) *tidier {
	plain := *sys
	// Threads have their own plans.
	plain.symmetric, plain.alike, plain.alikeKeys = false, false, plain.shape.Keys
	t := &tidier{broken: broken, goal: goal}
	t.sys, t.found = &plain, t.successor
	for _, m := range moves {
		i := indexOf(m.actor)
		t.plan[i] = append(t.plan[i], m.kind)
	}
	return t
}

// tidy returns the nodes of the tidy execution of a number of moves, the initial one
// left out.
func (t *tidier) tidy(moves int) []node {
	layers := [][]node{{{nodeKey: nodeKey{to: t.sys.initial(), actor: Mutator}}}}
	for n := range moves {
		t.last = n == moves-1
		t.layer, t.next, t.index = layers[n], nil, map[nodeKey]int{}
		for t.at = range t.layer {
			t.x = t.layer[t.at].to
			t.expand()
		}
		layers = append(layers, t.next)
	}
	best := slices.MinFunc(layers[moves], func(a, b node) int { return a.cost - b.cost })
	out := make([]node, moves)
	for n := moves - 1; n >= 0; n-- {
		out[n] = best
		best = layers[n][best.prev]
	}
	return out
}

// successor takes a move when it is the next one of its actor's plan.
func (t *tidier) successor(m move, broken fault) {
	from, actor := &t.layer[t.at], indexOf(m.actor)
	done := int(from.made[actor])
	if done == len(t.plan[actor]) || t.plan[actor][done] != m.kind {
		return
	}
	if !t.last && broken != noFault || t.last && broken != t.broken {
		return
	}
	if t.last && t.goal != nil && t.y != *t.goal {
		return
	}
	n := node{nodeKey{t.y, m.actor, from.made}, m, from.cost, t.at}
	n.made[actor]++
	if m.actor != from.actor {
		n.cost += turnCost
		if opField.of(t.x[0]) != 0 {
			n.cost++
		}
	}
	if i, ok := t.index[n.nodeKey]; !ok {
		t.index[n.nodeKey] = len(t.next)
		t.next = append(t.next, n)
	} else if n.cost < t.next[i].cost {
		t.next[i] = n
	}
}
