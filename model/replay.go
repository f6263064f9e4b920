package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// ErrHolds is what [Replay] returns, wrapped, where all steps can be taken and break no property.
var ErrHolds = errors.New("breaks nothing that is judged")

// Replay takes steps of a subject from the state in which every key is empty, and returns
// them as a witness. Each must be possible where it stands. The last one, and no other, must
// break a property. In a witness of progress no step does, and the last ones must be able to
// repeat for ever. Of the options Threads, Progress and Only count, and must be those of the
// [Check] that found the witness.
//
// The error is [ErrUnsupported], a fault in the options, or names the first step that
// cannot be taken and those that can.
func Replay(s protocol.Subject, o Options, choices []witness.Choice) (*witness.Witness, error) {
	only, err := o.complete(s.Grace.Kind)
	if err != nil {
		return nil, err
	}
	sys, err := newSystem(s, o.Threads, false)
	if err != nil {
		return nil, err
	}
	if len(choices) == 0 {
		return nil, fmt.Errorf("model: no steps to take")
	}
	cycle, err := rounds(choices)
	if err != nil {
		return nil, err
	}
	if cycle > 0 && (!o.Progress || only != noFault && only != stuck) {
		return nil, fmt.Errorf(
			"model: the last %d steps are to repeat for ever, but progress is not judged", cycle)
	}
	r := newReplayer(sys, only)
	for i, c := range choices {
		if err := r.take(c, cycle == 0 && i == len(choices)-1); err != nil {
			return nil, fmt.Errorf("model: step %d, %s: %w", i+1, r.names.ChoiceWords(c), err)
		}
	}
	if cycle > 0 {
		return r.lasso(cycle)
	}
	return r.witness(), nil
}

// A replayer takes chosen steps. Where two moves are the same choice, such as the looks of two
// grace periods for one reader, it goes on from both: the next step, or the last one, tells which
// was meant.
type replayer struct {
	expander
	only   fault
	layers [][]replayed

	choice witness.Choice
	last   bool // it is the last one
	at     int  // index in the last layer of the state x

	next     []replayed
	seen     map[state]bool // states of next
	early    fault          // what the chosen step breaks, though others follow
	possible []witness.Choice
	names    *witness.Witness // for errors
}

// A replayed is a state that some of the chosen moves lead to.
type replayed struct {
	node
	broken fault
}

func newReplayer(sys *system, only fault) *replayer {
	r := &replayer{only: only, names: sys.newWitness(only)}
	r.sys, r.found = sys, r.successor
	r.layers = [][]replayed{{{node: node{nodeKey: nodeKey{to: sys.initial()}}}}}
	return r
}

// take takes a step from every state of the last layer in which it is possible.
func (r *replayer) take(c witness.Choice, last bool) error {
	r.choice, r.last = c, last
	r.next, r.seen, r.early, r.possible = nil, map[state]bool{}, noFault, nil
	layer := r.layers[len(r.layers)-1]
	for r.at = range layer {
		r.x = layer[r.at].to
		r.expand()
	}
	switch {
	case len(r.next) > 0:
		r.layers = append(r.layers, r.next)
		return nil
	case r.early != noFault:
		return fmt.Errorf("it breaks %s, so that nothing may follow it", faultProperties[r.early])
	case last && slices.ContainsFunc(r.possible, c.Same):
		return fmt.Errorf("it is the last one, but %w", ErrHolds)
	}
	var possible strings.Builder
	for _, p := range r.possible {
		possible.WriteString("\n  " + r.names.ChoiceWords(p))
	}
	return fmt.Errorf("there is no such step; possible are%s", possible.String())
}

// successor takes a move when it is the chosen one.
func (r *replayer) successor(m move, broken fault) {
	c := r.sys.choice(&r.x, &r.y, m)
	c.Round = r.choice.Round
	if !slices.ContainsFunc(r.possible, c.Same) {
		r.possible = append(r.possible, c)
	}
	switch {
	case !c.Same(r.choice):
	case !r.last && broken != noFault:
		r.early = broken
	case r.last && (broken == noFault || r.only != noFault && broken != r.only):
	case !r.seen[r.y]:
		r.seen[r.y] = true
		n := node{nodeKey: nodeKey{to: r.y, actor: m.actor}, move: m, prev: r.at}
		r.next = append(r.next, replayed{n, broken})
	}
}

// back goes the way back from the i-th state of the last layer.
func (r *replayer) back(i int) []node {
	steps := make([]node, len(r.layers)-1)
	for n := len(steps); n > 0; n-- {
		at := r.layers[n][i]
		steps[n-1], i = at.node, at.prev
	}
	return steps
}

// witness answers with a witness whose last step breaks a property.
func (r *replayer) witness() *witness.Witness {
	w := r.sys.newWitness(r.layers[len(r.layers)-1][0].broken)
	r.sys.addSteps(w, r.sys.initial(), r.back(0))
	return w
}

// rounds checks which of the choices repeat for ever: the last ones or none. It returns
// how many.
func rounds(choices []witness.Choice) (int, error) {
	n := 0
	for i, c := range choices {
		switch {
		case c.Round:
			n++
		case n > 0:
			return 0, fmt.Errorf("model: step %d (%v) does not repeat for ever, and follows one that does",
				i+1, c.Action.Do)
		}
	}
	return n, nil
}

// lasso answers with the witness of an operation that never ends, once all steps are
// taken, the last ones of which are said to repeat.
func (r *replayer) lasso(cycle int) (*witness.Witness, error) {
	end := len(r.layers) - 1
	for i := range r.layers[end] {
		steps := r.back(i)
		start := r.sys.initial()
		if end > cycle {
			start = steps[end-cycle-1].to
		}
		if start != steps[end-1].to {
			continue
		}
		if !r.holdsUp(start, steps[end-cycle:]) {
			return nil, fmt.Errorf("model: the last %d steps can repeat for ever, but hold up no operation "+
				"that somebody who is treated fairly does not let go on", cycle)
		}
		w := r.sys.newWitness(stuck)
		r.sys.addSteps(w, r.sys.initial(), steps)
		w.Cycle = cycle
		return w, nil
	}
	return nil, fmt.Errorf("model: the last %d steps do not lead back to where they begin: %w", cycle,
		ErrHolds)
}

// holdsUp reports whether a cycle keeps some agent's operation from going on and is fair to
// every actor, as progress.go says it.
func (r *replayer) holdsUp(x state, cycle []node) bool {
	for i := range r.sys.agents {
		a := &r.sys.agents[i]
		var could, done pursuit
		g := expander{sys: r.sys, x: x}
		held := true
		g.found = func(m move, _ fault) {
			if !m.background() {
				held = held && m.actor != a.actor
				could |= g.sys.owed(&g.x, m)
			}
		}
		for _, n := range cycle {
			held = held && g.mayHold(a)
			g.expand()
			done |= does(n.move)
			g.x = n.to
		}
		if held && done != 0 && could&^done == 0 {
			return true
		}
	}
	return false
}
