package model

import "tailpoke/patcher/protocol"

// An agent carries out operations: the mutator, a second one, or the loader, which loads
// and unloads copies of the caller. Each has a word with its operation, its next action
// and micro-step; the first one's is the word that has the keys and the programs too.
type agent struct {
	actor  int8  // of its moves: Mutator for the first, below for the others
	word   int   // index of its word
	waited field // of a thread's word: the agent's wait waits for the thread
	loads  bool  // it is the loader
}

const maxAgents = 3

// agentsOf lists the agents of a shape, the words of the further ones from next on.
func agentsOf(s protocol.Shape, next int) []agent {
	out := []agent{{actor: Mutator, waited: waitedField}}
	if s.Mutators > 1 {
		out = append(out, agent{actor: Mutator - 1, word: next, waited: waited1Field})
		next++
	}
	if s.Copies > 0 {
		i := len(out)
		waited := [...]field{waitedField, waited1Field, waited2Field}[i]
		out = append(out, agent{actor: Mutator - int8(i), word: next, waited: waited, loads: true})
	}
	return out
}

// agentOf returns the agent of a move, or nil for a thread's.
func (sys *system) agentOf(m move) *agent {
	if m.actor > Mutator {
		return nil
	}
	return &sys.agents[Mutator-m.actor]
}

// locked reports whether another agent holds the mutex that guards a key.
func (e *expander) locked(key int) bool {
	if len(e.sys.agents) == 1 || e.sys.mutex == protocol.MutexNone {
		return false
	}
	for i := range e.sys.agents {
		other := &e.sys.agents[i]
		if other.word == e.me.word {
			continue
		}
		k, holds := e.sys.locks(&e.x, other)
		if holds && (k == key || e.sys.mutex == protocol.MutexMap && e.sys.sameMap(k, key)) {
			return true
		}
	}
	return false
}

// sameMap reports whether two keys belong to one map.
func (sys *system) sameMap(a, b int) bool {
	return (a-b)%max(1, sys.shape.Maps) == 0
}

// locks returns the key whose mutex an agent holds. A mutator holds it from its call to
// its return, the loader for an iteration of each.
func (sys *system) locks(x *state, a *agent) (key int, holds bool) {
	w := x[a.word]
	if opField.of(w) == 0 {
		return 0, false
	}
	if !a.loads {
		return int(keyField.of(w)), true
	}
	act := sys.current(x, a)
	if act == nil || act.Desc == protocol.NoDesc {
		return 0, false
	}
	return sys.keyOf(act.site), !act.First || begun(w)
}

// textBusy reports whether another agent is in the middle of a poke: single pokes
// exclude each other (text_mutex).
func (e *expander) textBusy() bool {
	if len(e.sys.agents) == 1 {
		return false
	}
	for i := range e.sys.agents {
		if w := e.sys.agents[i].word; w != e.me.word && microField.of(e.x[w]) != 0 {
			return true
		}
	}
	return false
}

// others lists the words of the other mutators that have an operation in progress.
func (e *expander) others(do func(w uint64)) {
	for i := range e.sys.agents {
		if a := &e.sys.agents[i]; a.word != e.me.word && !a.loads && opField.of(e.x[a.word]) != 0 {
			do(e.x[a.word])
		}
	}
}

// inHand reports whether the operation of another mutator gives or replaces p.
func (e *expander) inHand(p uint64) bool {
	hit := false
	e.others(func(w uint64) { hit = hit || givenField.of(w) == p || oldField.of(w) == p })
	return hit
}

// keeps reports whether a key was given p anew, by this operation or by that of another
// mutator: then the reference that is put is not the last one.
func (e *expander) keeps(p uint64) bool {
	hit := givenField.of(e.x[e.me.word]) == p
	e.others(func(w uint64) { hit = hit || givenField.of(w) == p })
	return hit
}
