package model

import (
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// A Walk is one execution of a subject, taken move by move from the state in which every key is
// empty: an engine that has somebody else take the moves holds them against it.
type Walk struct {
	expander
	steps []node
	moves []Move
}

// A Move is one that can be taken.
type Move struct {
	witness.Choice
	Breaks protocol.Property // "" for none; after one that breaks something nothing has a meaning
	node   node
	broken fault
}

// NewWalk begins a walk. The error is [ErrUnsupported].
func NewWalk(s protocol.Subject, threads int) (*Walk, error) {
	sys, err := newSystem(s, threads, false)
	if err != nil {
		return nil, err
	}
	w := &Walk{expander: expander{sys: sys, x: sys.initial()}}
	w.found = w.successor
	return w, nil
}

func (w *Walk) successor(m move, broken fault) {
	w.moves = append(w.moves, Move{
		Choice: w.sys.choice(&w.x, &w.y, m), Breaks: faultProperties[broken],
		node: node{nodeKey: nodeKey{to: w.y, actor: m.actor}, move: m}, broken: broken,
	})
}

// Moves lists what can be done next.
func (w *Walk) Moves() []Move {
	w.moves = nil
	w.expand()
	return w.moves
}

// Take takes one of the moves that [Walk.Moves] lists.
func (w *Walk) Take(m *Move) {
	w.steps = append(w.steps, m.node)
	w.x = m.node.to
}

// View says what there is now.
func (w *Walk) View() witness.View { return w.sys.view(&w.x) }

// Steps is how many moves were taken.
func (w *Walk) Steps() int { return len(w.steps) }

// Witness is what was walked, of which the last move breaks something.
func (w *Walk) Witness(last *Move) *witness.Witness {
	out := w.sys.newWitness(last.broken)
	w.sys.addSteps(out, w.sys.initial(), w.steps)
	return out
}

// Key is the state that the walk has come to: walks with the same key have the same future.
func (w *Walk) Key() any { return w.x }

// Clone is a walk that goes on from here by itself.
func (w *Walk) Clone() *Walk {
	c := &Walk{expander: expander{sys: w.sys, x: w.x}, steps: slices.Clone(w.steps)}
	c.found = c.successor
	return c
}
