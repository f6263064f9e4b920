package interp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
)

// An Outcome is a value that a program may return, and how.
type Outcome struct {
	R0    uint64
	Tails []string // programs that were tail called, in order, on the shortest path that gives R0
	// Last holds the last program that was tail called, of every path that gives R0; "" stands
	// for a path on which none was. More than one: R0 does not tell what happened.
	Last       []string
	Missed     bool // on some path a tail call went on in its caller
	CtxWritten bool // some path wrote to the context
}

// A Result is all that exploring a program gives.
type Result struct {
	Outcomes     []Outcome // ascending in R0, each once
	Unknown      *Outcome  // what gives a number that is not known; nil: nothing does
	CtxLo, CtxHi int       // all paths' writes to the context lie in [CtxLo, CtxHi)
	Steps        int       // instructions run
	States       int       // different states met where paths part
}

// Explore runs entry with everything that its keys may hold. An error on any path is the
// error of all: what the oracle cannot predict it does not judge. It writes to nothing that is
// the world's, and does not call World.Trace.
func Explore(entry *jit.Program, w World) (*Result, error) {
	w.Trace = nil
	res, unknown, err := explore(entry, w, false)
	if errors.Is(err, errAgain) {
		res, _, err = explore(entry, w, unknown)
	}
	return res, err
}

// explore explores once. packetUnknown is what is known of the packet, and then what was found of it.
func explore(entry *jit.Program, w World, packetUnknown bool) (*Result, bool, error) {
	used, err := newWorld(entry, w)
	if err != nil {
		return nil, packetUnknown, err
	}
	used.packetUnknown = packetUnknown
	res, err := exploreIn(entry, used)
	return res, used.packetUnknown, err
}

func exploreIn(entry *jit.Program, used *world) (*Result, error) {
	e := explorer{w: used, seen: map[string]bool{}, outcomes: map[uint64]*Outcome{}}
	e.later = []node{{m: newMachine(entry, used)}}
	for len(e.later) > 0 {
		e.now, e.later = e.later, nil
		for len(e.now) > 0 {
			n := e.now[len(e.now)-1]
			e.now = e.now[:len(e.now)-1]
			select {
			case <-used.Stop:
				return nil, fmt.Errorf("%w: its time was over", ErrBounded)
			default:
			}
			if err := e.visit(n); err != nil {
				return nil, err
			}
		}
	}
	e.res.Steps, e.res.States = used.steps, len(e.seen)
	for _, r0 := range slices.Sorted(maps.Keys(e.outcomes)) {
		e.res.Outcomes = append(e.res.Outcomes, *e.outcomes[r0])
	}
	return &e.res, nil
}

// An explorer goes through states in order of the tail calls taken to reach them.
type explorer struct {
	w          *world
	now, later []node // reached by as many tail calls as are looked at now, and by one more
	seen       map[string]bool
	guessed    bool // an answer, somewhere
	outcomes   map[uint64]*Outcome
	res        Result
}

// A node is a machine and the programs that were tail called on the way to it.
type node struct {
	m     *machine
	tails *tails
}

// tails is a list that paths share; the latest program is first.
type tails struct {
	name string
	prev *tails
}

// list gives the names in order of the calls.
func (t *tails) list() []string {
	var names []string
	for ; t != nil; t = t.prev {
		names = append(names, t.name)
	}
	slices.Reverse(names)
	return names
}

// visit runs a machine up to where paths part, and queues what may come of it.
func (e *explorer) visit(n node) error {
	ev, err := n.m.run()
	if err != nil {
		return err
	}
	if ev == exits {
		e.record(n)
		return nil
	}
	key := string(n.m.key(nil))
	if e.seen[key] {
		return nil
	}
	if most := e.bound(); len(e.seen) >= most {
		return n.m.errorf(fmt.Errorf("%w: %d states", ErrBounded, most))
	}
	e.seen[key] = true
	e.guessed = e.guessed || ev == forks
	if ev == forks {
		e.guess(n)
		return nil
	}
	held, err := n.m.choices()
	if err != nil {
		return n.m.errorf(err)
	}
	return e.branch(n, held)
}

// bound is how many states there may be.
func (e *explorer) bound() int {
	if e.guessed && e.w.Unknown {
		return min(e.w.MaxStates, maxGuessed)
	}
	return e.w.MaxStates
}

// guess queues both answers to a question that the machine cannot answer.
func (e *explorer) guess(n node) {
	for _, g := range []guess{guessNo, guessYes} {
		next := node{n.m.clone(), n.tails}
		next.m.guess = g
		e.now = append(e.now, next)
	}
}

// branch queues the successors. A miss costs no tail call, so it belongs to those of now.
func (e *explorer) branch(n node, held []choice) error {
	for _, c := range held {
		next := node{n.m.clone(), n.tails}
		if err := next.m.take(c); err != nil {
			return n.m.errorf(err)
		}
		if c.prog == nil {
			e.now = append(e.now, next)
			continue
		}
		next.tails = &tails{c.prog.Name, n.tails}
		e.later = append(e.later, next)
	}
	return nil
}

// record notes the end of a path.
func (e *explorer) record(n node) {
	r0 := n.m.regs[0].n
	o, ok := e.outcomes[r0]
	if n.m.regs[0].kind == anything {
		o, ok = e.res.Unknown, e.res.Unknown != nil
	}
	switch { // the first path is the shortest
	case ok:
	case n.m.regs[0].kind == anything:
		o = &Outcome{Tails: n.tails.list()}
		e.res.Unknown = o
	default:
		o = &Outcome{R0: r0, Tails: n.tails.list()}
		e.outcomes[r0] = o
	}
	if i, ok := slices.BinarySearchFunc(o.Last, n.m.last, cmp.Compare[string]); !ok {
		o.Last = slices.Insert(o.Last, i, n.m.last)
	}
	o.Missed = o.Missed || n.m.missed
	o.CtxWritten = o.CtxWritten || n.m.lo != n.m.hi
	widen(&e.res.CtxLo, &e.res.CtxHi, n.m.lo, n.m.hi)
}

// widen makes a range, which may be empty, reach over another one.
func widen(lo, hi *int, from, to int) {
	switch {
	case from == to:
	case *lo == *hi:
		*lo, *hi = from, to
	default:
		*lo, *hi = min(*lo, from), max(*hi, to)
	}
}

// run runs the machine until it stands where paths part, or has returned.
func (m *machine) run() (event, error) {
	for {
		if m.w.steps == m.w.MaxSteps {
			return goesOn, m.errorf(fmt.Errorf("%w: %d steps", ErrBounded, m.w.MaxSteps))
		}
		m.w.steps++
		ev, err := m.step()
		switch {
		case err != nil:
			return goesOn, m.errorf(err)
		case ev != goesOn:
			return ev, nil
		}
	}
}

// Run runs entry in a world in which every key holds exactly one thing, and so has one
// outcome. What the program writes to the packet and to maps is found there afterwards, also
// what it wrote before an error; the context is left as it is.
func Run(entry *jit.Program, w World) (Outcome, error) {
	if w.Shared || w.Unknown || len(w.CtxUnknown) > 0 {
		return Outcome{}, errors.New("in a world with unknown numbers there is not one path")
	}
	used, err := newWorld(entry, w)
	if err != nil {
		return Outcome{}, err
	}
	m := newMachine(entry, used)
	m.own()
	var names []string
	for {
		switch ev, err := m.run(); {
		case err != nil:
			return Outcome{}, err
		case ev == exits:
			return Outcome{
				R0: m.regs[0].n, Tails: names, Last: []string{m.last},
				Missed: m.missed, CtxWritten: m.lo != m.hi,
			}, nil
		}
		held, err := m.choices()
		if err != nil {
			return Outcome{}, m.errorf(err)
		}
		if len(held) != 1 {
			return Outcome{}, m.errorf(fmt.Errorf("the key may hold %d things, not one", len(held)))
		}
		if err := m.take(held[0]); err != nil {
			return Outcome{}, m.errorf(err)
		}
		if p := held[0].prog; p != nil {
			names = append(names, p.Name)
		}
	}
}
