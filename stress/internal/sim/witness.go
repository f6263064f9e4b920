package sim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
)

// A Witness is an execution that breaks a property, from the state in which every image is
// loaded and every key empty. No execution with fewer steps breaks one; and of those with as many
// that lead to the same violation it has the fewest fetches of bytes that memory does not hold:
// these cannot be forced on a real CPU.
type Witness struct {
	Property protocol.Property
	Text     string // what is broken, in words
	Start    View
	Steps    []Step // the last one breaks the property
}

// A Choice is what must be known of a step to take it again.
type Choice struct {
	Actor int    `json:"actor"`           // Mutator or the index of a thread
	Call  string `json:"call,omitempty"`  // what operation the mutator begins, as in a script
	Fetch string `json:"fetch,omitempty"` // what bytes the thread is given by the slot that it stands at
}

// A Step is a step of a witness, with what it leads to. Merged with the step are the
// instructions that follow and touch nothing shared.
type Step struct {
	Choice
	Text string // what the actor does

	// Of a thread: where it stands, its bytes there and their text, how many instructions it
	// executes from there, and the registers that these change; of the last step all that a
	// frame keeps.
	At    string
	Bytes []byte
	Insn  string
	Count int
	Regs  []Reg

	View
}

// Reg is a register and what it holds.
type Reg struct {
	Name  string
	Value uint64
}

// A View is what a state shows.
type View struct {
	Threads []string // where each thread stands
	Sites   []SiteView
}

// SiteView is what the memory of a site holds: whole instructions such as "jmp p0", or bytes.
// A star marks a slot of which some CPU may still fetch something else. State is the letter of
// the site, "?" where a slot holds no whole instruction.
type SiteView struct {
	Name                  string
	Bypass, Target, State string
}

// choiceOf is what must be known of a move.
func choiceOf(m move) Choice {
	c := Choice{Actor: m.actor}
	switch {
	case m.actor == Mutator && m.calls:
		c.Call = m.call.String()
	case m.actor == Mutator:
	case m.in.kind() == fetches:
		b := unpack(m.in.value())
		c.Fetch = hex.EncodeToString(b[:])
	case m.in.kind() == traps:
		c.Fetch = hex.EncodeToString([]byte{int3})
	}
	return c
}

// choices finds the choices of an execution that leads to v. Stored states have their threads
// sorted; here each keeps its place.
func (e *explorer) choices(v violation) ([]Choice, error) {
	g := newWalker(e.s)
	var out []Choice
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
		x = to
		out = append(out, choiceOf(m))
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
func Replay(c Config, choices []Choice) (*Witness, error) {
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

func (s *system) replay(choices []Choice) (*Witness, error) {
	g := newWalker(s)
	x, err := s.initial()
	if err != nil {
		return nil, err
	}
	w := &Witness{Start: s.view(x)}
	for i, c := range choices {
		if w.Property != "" {
			return nil, fmt.Errorf("step %d: the step before it broke %s", i+1, w.Property)
		}
		var m move
		var broken *fault
		y, err := g.step(x, func(n move, _ state, f *fault) bool {
			m, broken = n, f
			return fitsChoice(c, n) && (f == nil || s.judged[f.property])
		})
		if err != nil {
			return nil, fmt.Errorf("step %d, %+v: %w", i+1, c, err)
		}
		step, err := g.describe(x, y, m)
		if err != nil {
			return nil, err
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

// fitsChoice says whether a move is the chosen one.
func fitsChoice(c Choice, m move) bool {
	of := choiceOf(m)
	return c == of || c.Actor == of.Actor && c.Call == of.Call && len(c.Fetch) > 2 && c.Fetch[:2] == "cc" && of.Fetch == "cc"
}

// witness rebuilds an execution that leads to v.
func (e *explorer) witness(v violation) (*Witness, error) {
	choices, err := e.choices(v)
	if err != nil {
		return nil, fmt.Errorf("machine: a path cannot be gone again: %w", err)
	}
	return e.s.replay(choices)
}
