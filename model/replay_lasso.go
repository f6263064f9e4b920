package model

import (
	"fmt"

	"tailpoke/patcher/protocol/witness"
)

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
			if m.kind != moveReclaim {
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
