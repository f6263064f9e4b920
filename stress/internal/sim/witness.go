package sim

import (
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
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
			return (f == nil || s.judges(f.property)) && c.Same(s.choice(t.x, m))
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

// newWitness is a witness that begins in the state x and has no steps.
func (s *system) newWitness(x state) *witness.Witness {
	w := &witness.Witness{
		Agents: []witness.Actor{{Kind: witness.Mutator}}, Threads: s.threads,
		Start: s.view(x), Memory: s.memory(),
	}
	for _, t := range s.texts {
		w.Programs = append(w.Programs, t.name)
		w.Sources = append(w.Sources, t.line(0))
	}
	numbers := map[int]int{}
	for _, at := range s.sites {
		of := witness.Site{Number: numbers[at.text], Source: s.standing(s.slots[at.slots[0]].at).Source}
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
		Context: witness.Region{At: ctxAt, Size: uint64(len(s.Ctx))},
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

// view says what a state shows.
func (s *system) view(x state) witness.View {
	var v witness.View
	for i := range s.threads {
		l := s.local(x[s.wordOf(i)] & localMask)
		p := witness.Position{Place: witness.Idle, Program: witness.None, Off: witness.None}
		if l.stop.phase != idle {
			p = s.standing(ripOf(l.content))
			p.Trapped = l.stop.phase == trapped
		}
		v.Threads = append(v.Threads, p)
	}
	for i := range s.sites {
		v.Sites = append(v.Sites, s.siteView(x, i))
	}
	return v
}

// siteView says what memory holds at a site. Where a slot holds no whole instruction, its site goes
// from the state with the instruction that the descriptor remembers to that with the new one.
func (s *system) siteView(x state, site int) witness.SiteView {
	var v witness.SiteView
	var from, to []protocol.Content
	for _, n := range s.sites[site].slots {
		st, at := s.slotState(x[firstSlotWord+n]), &s.slots[n]
		if st == nil {
			return witness.SiteView{Gone: true}
		}
		v.Slots = append(v.Slots, witness.SlotView{
			SlotText: at.reads(st.mem), Stale: !st.settled(), Bytes: slices.Clone(st.mem[:st.size]),
		})
		holds := at.holds(st.mem)
		next := holds
		if holds < 0 {
			holds = at.holds(st.expect)
			next = holds
			if _, w, poked := s.poked(x, n); poked {
				next = w
			}
		}
		from, to = append(from, at.wholes[holds].is), append(to, at.wholes[next].is)
	}
	v.From, v.To = s.site.StateOf(from...), s.site.StateOf(to...)
	return v
}

// standing says where a thread is that stands at an address.
func (s *system) standing(at uint64) witness.Position {
	n := s.textAt(at)
	if n < 0 {
		return witness.Position{
			Place: witness.Outside, Program: witness.None, Off: witness.None, Addr: at,
		}
	}
	off := int(at - s.texts[n].at)
	p := witness.Position{Place: witness.InCode, Program: n, Off: off, Source: s.texts[n].line(off)}
	if slot := s.texts[n].slots[off] - 1; slot >= 0 {
		p.Place, p.Site, p.Slot = witness.AtSlot, s.slots[slot].site, s.slots[slot].which
	}
	return p
}
