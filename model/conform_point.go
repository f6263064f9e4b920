package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// An automaton is what the mutator may do to one key with a given number of sites. Its
// points are found when they are first asked for, by the moves that the explorer goes by.
type automaton struct {
	sys     *system
	key     int // in sys
	records *protocol.Trace
	points  map[state]*point
}

// A point is a state of the mutator, of the key and of memory.
type point struct {
	x     state
	used  uint64 // bit program-1 for each program that something refers to
	known bool   // what follows was found
	// hidden are the points that moves lead to of which the trace has no item, itself the
	// first.
	hidden []*point
	edges  []edge
}

// An edge is an event that may come next, from any of the hidden points.
type edge struct {
	event protocol.Event
	given uint64 // the program that a call gives
	to    *point
}

// automaton returns the automaton of a key with so many sites. For a key without a site, the
// model has a second key that has one.
func (c *Conformer) automaton(sites int) (*automaton, error) {
	if sites > maxSites {
		return nil, fmt.Errorf("%w: %d sites of one key, at most %d fit", ErrUnsupported, sites, maxSites)
	}
	if a := c.autos[sites]; a != nil {
		return a, nil
	}
	s := c.subject
	a := &automaton{records: &c.records, points: map[state]*point{}}
	// An indirect caller makes the model keep the map's pointer and what the key holds
	// apart, so that operations that never publish can be followed.
	s.Shape = protocol.Shape{Sites: max(1, sites), Programs: maxPrograms, Keys: 1, Same: true,
		Indirect: true}
	if sites == 0 {
		s.Shape.Keys, a.key = 2, 1
	}
	var err error
	if a.sys, err = newSystem(s, 1, true); err != nil {
		return nil, err
	}
	c.autos[sites] = a
	return a, nil
}

// point returns the point of a state.
func (a *automaton) point(x state) *point {
	p := a.points[x]
	if p == nil {
		p = &point{x: x, used: a.used(&x)}
		a.points[x] = p
	}
	return p
}

// grow finds what may follow p.
func (a *automaton) grow(p *point) {
	if p.known {
		return
	}
	p.known = true
	p.hidden = []*point{p}
	seen := map[*point]bool{p: true}
	for i := 0; i < len(p.hidden); i++ {
		x := &p.hidden[i].x
		a.moves(x, func(m move, y *state) {
			ev := a.sys.event(x, y, m)
			if ev != nil && ev.Key != a.key {
				return // an operation on the key that stands for nothing
			}
			to := a.point(a.settled(*y))
			switch {
			case ev != nil && a.records.Recorded(ev.Kind):
				e := edge{event: *ev, to: to}
				if ev.Kind == protocol.Called {
					e.given = givenField.of(y[0])
				}
				p.edges = append(p.edges, e)
			case !seen[to]:
				seen[to] = true
				p.hidden = append(p.hidden, to)
			}
		})
	}
}

// moves finds the moves of the mutator that break nothing: an execution ends where one
// does.
func (a *automaton) moves(x *state, found func(m move, y *state)) {
	e := expander{sys: a.sys, x: *x}
	e.found = func(m move, broken fault) {
		if m.actor == Mutator && broken == noFault {
			found(m, &e.y)
		}
	}
	e.expand()
}

// settled reclaims every retired program that can be reclaimed.
func (a *automaton) settled(x state) state {
	for again := true; again; {
		again = false
		from := x
		a.moves(&from, func(m move, y *state) {
			if m.kind == moveReclaim && !again {
				x, again = *y, true
			}
		})
	}
	return x
}

// used finds the programs that something refers to: the operation, the key, a slot.
func (a *automaton) used(x *state) uint64 {
	set := programBit(givenField.of(x[0])) | programBit(oldField.of(x[0])) |
		programBit(heldField.at(a.key).of(x[0])) | programBit(a.sys.pointer(x, a.key))
	for i := range a.sys.shape.Sites {
		s := slotOf(x[1+i], programSlot)
		for p := uint64(1); p <= maxPrograms; p++ {
			if s.expects() == tail(p) || s.mem().tail() == tail(p) {
				set |= programBit(p)
			}
		}
	}
	return set
}

// idle reports whether no operation is in progress.
func (p *point) idle() bool { return opField.of(p.x[0]) == 0 }
