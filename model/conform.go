package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// A Conformer compares a trace with the model while the trace is being recorded. It keeps
// every state of the model that explains what it was given so far, and takes item by
// item. An item that no state explains is a [Mismatch], and the end.
//
// Why so few states are enough:
//
//   - Threads are left out. They only ever hold the mutator up (see the package document),
//     so whatever it does among threads it also does without any. What an observer reads
//     in memory, only the mutator has written.
//   - A retired program is reclaimed as soon as that is possible. The state after that
//     allows all that the state before it does, and more.
//   - Keys are judged apart, each by a model with no other key. They share the mutator,
//     which carries out one operation at a time; that is checked here. They share programs,
//     which an event does not name, and which a site of one key never tells from those of
//     another.
//   - Programs are alike: of those that nothing refers to, one stands for all.
//
// Descriptors that come and go ([protocol.Has]) are no moves of the mutator. Those that
// went may be any, those that came stand last, as an install leaves them.
type Conformer struct {
	subject protocol.Subject
	records protocol.Trace // what events it has
	autos   [maxSites + 1]*automaton
	keys    map[int]*tracker
	busy    *tracker // its operation is in progress; nil: none is
	result  Conformance
}

// Conformance is what became of a trace.
type Conformance struct {
	Events, Observations int // that were consumed: those that the model explains
	Items                int // with changes of the number of sites, and omitted operations
	Omitted              int // operations that were not recorded
	Widest               int // the most states that explained a beginning of the trace
	// Mismatch is the first item that does not fit, nil if all do. A trace without events
	// has none and says nothing: see Vacuous.
	Mismatch *Mismatch
}

// Vacuous reports whether nothing was consumed that the model could have refused.
func (c *Conformance) Vacuous() bool { return c.Events+c.Observations == 0 }

// A Mismatch is the first item of a trace that is none of the model's behaviours.
type Mismatch struct {
	Index   int // of the item, from 0
	Item    protocol.Item
	Allowed []string // what the model would have allowed, in the grammar of traces or in words
}

// listed is how many alternatives are spelled out.
const listed = 6

// String returns the mismatch in one sentence.
func (m *Mismatch) String() string {
	allowed := m.Allowed
	if n := len(allowed); n > listed {
		allowed = append(slices.Clone(allowed[:listed]), fmt.Sprintf("%d more", n-listed))
	}
	text := "nothing"
	if len(allowed) > 0 {
		text = strings.Join(allowed, "; or ")
	}
	return fmt.Sprintf("item %d: %v: the model allows %s", m.Index+1, m.Item, text)
}

// NewConformer returns a Conformer for traces of the subject with events of the given
// kinds; nil: all. Sites of the subject's shape are there from the beginning.
func NewConformer(s protocol.Subject, records []protocol.EventKind) (*Conformer, error) {
	c := &Conformer{subject: s, records: protocol.Trace{Records: records}, keys: map[int]*tracker{}}
	if !c.records.Recorded(protocol.Called) || !c.records.Recorded(protocol.Returned) {
		return nil, fmt.Errorf("%w: a trace without the beginnings and ends of operations",
			ErrUnsupported)
	}
	_, err := c.automaton(0) // whether the model supports the protocol and its method
	return c, err
}

// Conform checks a whole trace. An error is [ErrUnsupported]; a mismatch is none.
func Conform(s protocol.Subject, t protocol.Trace) (*Conformance, error) {
	c, err := NewConformer(s, t.Records)
	if err != nil {
		return nil, err
	}
	for _, it := range t.Items {
		fits, err := c.Consume(it)
		if err != nil {
			return nil, err
		}
		if !fits {
			break
		}
	}
	return c.Result(), nil
}

// Result returns what became of the items so far.
func (c *Conformer) Result() *Conformance {
	r := c.result
	return &r
}

// Consume takes the next item and reports whether it fits. Nothing is consumed after a
// mismatch. An error, of kind [ErrUnsupported], says that the model has no room for what
// the trace tells.
func (c *Conformer) Consume(it protocol.Item) (bool, error) {
	if c.result.Mismatch != nil {
		return false, nil
	}
	f, err := c.tracker(it.Key)
	if err != nil {
		return false, err
	}
	var next []guess
	switch {
	case it.Kind == protocol.Saw:
		next = f.saw(it)
	case c.busy != nil && c.busy != f && it.Kind == protocol.Happened:
		// The mutator is at work on another key.
	case it.Kind == protocol.Has:
		next, err = c.has(f, it)
	case it.Kind == protocol.Omitted && c.busy != nil:
	case it.Kind == protocol.Omitted:
		next, err = c.omitted(f, it)
	default:
		next, err = f.happened(it)
	}
	if err != nil {
		return false, fmt.Errorf("item %d: %v: %w", c.result.Items+1, it, err)
	}
	if len(next) == 0 {
		c.result.Mismatch = &Mismatch{Index: c.result.Items, Item: it, Allowed: c.allowed(f, it)}
		return false, nil
	}
	f.guesses, f.before = next, f.guesses
	c.count(f, it)
	return true, nil
}

func (c *Conformer) count(f *tracker, it protocol.Item) {
	r := &c.result
	r.Items++
	r.Widest = max(r.Widest, len(f.guesses))
	switch {
	case it.Kind == protocol.Saw:
		r.Observations++
	case it.Kind == protocol.Omitted:
		r.Omitted += it.Count
	case it.Kind == protocol.Happened:
		r.Events++
		switch it.Event.Kind {
		case protocol.Called:
			c.busy = f
		case protocol.Returned:
			c.busy = nil
		}
	}
}

// allowed says what the model would have allowed in place of an item of f: an operation in
// progress goes on; between two, one of any key may begin.
func (c *Conformer) allowed(f *tracker, it protocol.Item) []string {
	if it.Kind != protocol.Happened {
		return f.allowed(it)
	}
	if c.busy != nil {
		return c.busy.allowed(it)
	}
	out := f.allowed(it)
	for key := range c.subject.Shape.Keys {
		_, _ = c.tracker(key) // one with more sites than fit is told when it is met
	}
	for _, key := range slices.Sorted(maps.Keys(c.keys)) {
		if key != f.key {
			out = append(out, c.keys[key].allowed(it)...)
		}
	}
	return out
}

// tracker returns the tracker of a key, which begins with the sites of the shape.
func (c *Conformer) tracker(key int) (*tracker, error) {
	if f := c.keys[key]; f != nil {
		return f, nil
	}
	sites := 0
	if shape := c.subject.Shape; key < shape.Keys {
		sites = (shape.Sites - key + shape.Keys - 1) / shape.Keys
	}
	a, err := c.automaton(sites)
	if err != nil {
		return nil, err
	}
	f := &tracker{key: key, guesses: []guess{{in: a, at: a.point(a.sys.initial())}}}
	c.keys[key] = f
	return f, nil
}

// allowed lists what would have fitted in place of an item that does not.
func (f *tracker) allowed(it protocol.Item) []string {
	var out []string
	also := func(text string) {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, g := range f.guesses {
		g.in.grow(g.at)
		edges := g.at.edges
		if g.owes != nil {
			edges = []edge{*g.owes}
		}
		switch {
		case it.Kind == protocol.Has || it.Kind == protocol.Omitted:
			also("nothing of this kind before the operation returns")
		case it.Kind == protocol.Happened:
			for _, e := range edges {
				ev := e.event
				ev.Key = f.key
				also(protocol.Item{Event: ev, Prog: protocol.AnyProg}.String())
			}
		case it.Desc < 0 || it.Desc >= g.sites():
			also(fmt.Sprintf("observations of %d sites", g.sites()))
		default:
			g.later(func(g guess) { also(g.shows(g.at.x[1+it.Desc])) })
		}
	}
	return out
}

// shows writes what memory holds of a site, as a trace does.
func (g *guess) shows(w site) string {
	text := ""
	for s := range protocol.Slots {
		s := protocol.Slot(s)
		raw := textOf(slotOf(w, s).mem(), s)
		if raw.Tail >= 0 {
			if raw.Tail = g.names[raw.Tail] - 1; raw.Tail < 0 {
				raw.Tail = protocol.AnyTail
			}
		}
		if text != "" {
			text += " "
		}
		text += fmt.Sprintf("%v=%v", s, raw)
	}
	return text
}
