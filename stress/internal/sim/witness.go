package sim

import (
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol/witness"
)

// choices finds the choices of an execution that leads to v. Stored states have their threads
// sorted; here each keeps its place.
func (e *explorer) choices(v violation) ([]witness.Choice, error) {
	g := newWalker(e.s)
	var out []witness.Choice
	x, err := e.s.initial()
	if err != nil {
		return nil, err
	}
	follow := func(fits func(y state, f *fault) bool) error {
		var m move
		to, err := g.step(x, func(n move, y state, f *fault) bool {
			m = n
			return fits(y, f)
		})
		if err != nil {
			return err
		}
		out = append(out, e.s.choice(x, m))
		x = to
		return nil
	}
	sorted := make(state, e.s.words)
	for _, next := range e.path(v.from.ref)[1:] {
		err := follow(func(y state, f *fault) bool {
			if f != nil {
				return false
			}
			copy(sorted, y)
			e.s.canonical(sorted)
			return slices.Equal(sorted, next)
		})
		if err != nil {
			return nil, err
		}
	}
	err = follow(func(_ state, f *fault) bool { return f != nil && *f == *v.fault })
	return out, err
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
		return nil, fmt.Errorf("there is no such step")
	}
	return to, g.err
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
	return s.replay(choices)
}

func (s *system) replay(choices []witness.Choice) (*witness.Witness, error) {
	g := newWalker(s)
	x, err := s.initial()
	if err != nil {
		return nil, err
	}
	w := s.newWitness(x)
	for i, c := range choices {
		if w.Property != "" {
			return nil, fmt.Errorf("step %d: the step before it broke %s", i+1, w.Property)
		}
		var m move
		var broken *fault
		y, err := g.step(x, func(n move, _ state, f *fault) bool {
			m, broken = n, f
			return (f == nil || s.judged[f.property]) && c.Same(s.choice(x, n))
		})
		var step witness.Step
		if err == nil {
			step, err = g.describe(x, y, m)
		}
		if err != nil {
			return nil, fmt.Errorf("step %d, %v: %w", i+1, c.Actor, err)
		}
		if w.Steps = append(w.Steps, step); broken != nil {
			w.Property, w.Text = broken.property, broken.text
		}
		x = y
	}
	if w.Property == "" {
		return nil, fmt.Errorf("%d %w", len(choices), ErrHolds)
	}
	return w, nil
}

// newWitness is a witness that begins in the state x and has no steps.
func (s *system) newWitness(x state) *witness.Witness {
	w := &witness.Witness{
		Agents: []witness.Actor{{Kind: witness.Mutator}}, Threads: s.threads,
		Start: s.view(x), Memory: s.memory(),
	}
	for _, t := range s.texts {
		w.Programs = append(w.Programs, t.name)
	}
	numbers := map[int]int{}
	for _, at := range s.sites {
		of := witness.Site{Number: numbers[at.text]}
		if numbers[at.text]++; at.text != 0 {
			of.In = s.texts[at.text].name
		}
		w.Sites = append(w.Sites, of)
	}
	return w
}

// memory says where things lie, and what an execution begins with.
func (s *system) memory() *witness.Memory {
	t := newThread(s)
	t.enter(s)
	at := s.data.structs[0].At
	m := &witness.Memory{
		Data:    witness.Region{At: at, Size: s.data.next - at},
		Stack:   witness.Region{At: stackAt, Size: stackSize},
		Context: witness.Region{At: ctxAt, Size: uint64(len(s.ctx))},
		Entry:   t.Regs, Return: returnAt,
	}
	for _, t := range s.texts {
		m.Programs = append(m.Programs, witness.Region{At: t.at, Size: uint64(len(t.img.Code))})
	}
	for i := range callerWords {
		m.Caller = append(m.Caller, junkOfCaller(i))
	}
	return m
}

// witness rebuilds an execution that leads to v.
func (e *explorer) witness(v violation) (*witness.Witness, error) {
	choices, err := e.choices(v)
	if err != nil {
		return nil, fmt.Errorf("machine: a path cannot be gone again: %w", err)
	}
	return e.s.replay(choices)
}
