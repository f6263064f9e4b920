package sim

import (
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol/witness"
)

// trail is a witness that grows step by step, from the state in which every image is loaded.
type trail struct {
	walker
	x state
	w *witness.Witness
}

func (s *system) newTrail() (*trail, error) {
	x, err := s.initial()
	if err != nil {
		return nil, err
	}
	return &trail{newWalker(s), x, s.newWitness(x)}, nil
}

// take takes the first step that fits.
func (t *trail) take(fits func(m move, y state, f *fault) bool) error {
	var m move
	var broken *fault
	y, err := t.step(t.x, func(n move, y state, f *fault) bool {
		m, broken = n, f
		return fits(n, y, f)
	})
	if err != nil {
		return err
	}
	step, err := t.describe(t.x, y, m)
	if err != nil {
		return err
	}
	if t.w.Steps = append(t.w.Steps, step); broken != nil {
		t.w.Property, t.w.Text = broken.property, broken.text
	}
	t.x = y
	return nil
}

// witness rebuilds an execution that leads to v. No execution with fewer steps breaks a property.
// Of those with as many that lead to the same violation, it has the fewest fetches of bytes that
// memory does not hold: these cannot be forced on a real CPU. Stored states have their threads
// sorted; here each keeps its place.
func (e *explorer) witness(v violation) (*witness.Witness, error) {
	t, err := e.s.newTrail()
	if err != nil {
		return nil, err
	}
	sorted := make(state, e.s.words)
	for _, next := range append(e.path(v.from.ref)[1:], nil) { // nil: where the last step leads
		err := t.take(func(_ move, y state, f *fault) bool {
			if f != nil || next == nil {
				return next == nil && f != nil && *f == *v.fault
			}
			copy(sorted, y)
			e.s.canonical(sorted)
			return slices.Equal(sorted, next)
		})
		if err != nil {
			return nil, fmt.Errorf("machine: a path cannot be gone again: %w", err)
		}
	}
	return t.w, nil
}

// ErrHolds is what [Replay] returns, wrapped, if all steps can be taken and no property is broken.
var ErrHolds = errors.New("steps break no property")

// Replay takes the steps of an execution again, by their choices, and returns the witness that
// they are. It is an error if a step cannot be taken, or one before the last breaks a property, and
// [ErrHolds] if the last one breaks none.
func Replay(c Config, choices []witness.Choice) (*witness.Witness, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	s, err := newSystem(&c)
	if err != nil {
		return nil, err
	}
	w, err := s.replay(choices)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// replay returns the steps that it has taken also with an error.
func (s *system) replay(choices []witness.Choice) (*witness.Witness, error) {
	t, err := s.newTrail()
	if err != nil {
		return nil, err
	}
	for i, c := range choices {
		if t.w.Property != "" {
			return t.w, fmt.Errorf("step %d: the step before it broke %s", i+1, t.w.Property)
		}
		err := t.take(func(m move, _ state, f *fault) bool {
			return (f == nil || s.judged[f.property]) && c.Same(s.choice(t.x, m))
		})
		if err != nil {
			return t.w, fmt.Errorf("step %d, %v: %w", i+1, c.Actor, err)
		}
	}
	if t.w.Property == "" {
		return t.w, fmt.Errorf("%d %w", len(choices), ErrHolds)
	}
	return t.w, nil
}

// walker takes single steps.
type walker struct{ *expander }

func newWalker(s *system) walker {
	g := walker{newExpander(s)}
	g.every = true
	return g
}

// step takes the first step out of x that fits, and returns where it leads: nil if it breaks a
// property.
func (g walker) step(x state, fits func(m move, y state, f *fault) bool) (state, error) {
	var to state
	hit := false
	g.found = func(m move, y state, f *fault) {
		if !hit && fits(m, y, f) {
			hit = true
			if f == nil {
				to = slices.Clone(y)
			}
		}
	}
	g.expand(x)
	if g.err == nil && !hit {
		return nil, errors.New("there is no such step")
	}
	return to, g.err
}
