package steered

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// A plan is which schedules of some work are taken. It is made by the model alone: those whose states
// are all those of others are left out, and where a reader cannot come, none is tried.
type plan struct {
	subject protocol.Subject
	work    work
	kind    string
	places  []place
	readers int
	points  int // of the mutator, with its end
	// whole leaves nothing out.
	whole bool
}

// newPlan asks the model how many points there are.
func newPlan(s protocol.Subject, w work, readers int, places []place) (*plan, error) {
	p := &plan{subject: s, work: w, kind: kindOf(s, w.caller), places: places, readers: readers}
	a, err := p.walk(0, nil)
	if err != nil {
		return nil, err
	}
	for !a.over() {
		if err := a.mutate(); err != nil {
			return nil, err
		}
		if a.blocked {
			return nil, fmt.Errorf("the model's %v waits for nobody", w)
		}
	}
	p.points = a.point
	return p, nil
}

// A walked is the model's part of a schedule.
type walked struct {
	*beside
	work    work
	next    int
	busy    bool
	point   int
	blocked bool
}

func (a *walked) over() bool { return !a.busy && a.next == len(a.work.gives) }

// mutate takes the mutator to the next point.
func (a *walked) mutate() error {
	if !a.busy {
		if err := a.call(a.work.gives[a.next]); err != nil {
			return err
		}
		a.next, a.busy = a.next+1, true
	}
	at, err := a.beside.mutate()
	if err != nil {
		return err
	}
	if at == blocked {
		a.blocked = true
		return nil
	}
	a.busy = at != returned
	a.point++
	return nil
}

func (a *walked) mutateTo(point int) error {
	for a.point < point && !a.over() && !a.blocked {
		if err := a.mutate(); err != nil {
			return err
		}
	}
	return nil
}

// walk takes the mutator to a point and the readers to their places. It is nil where one cannot come
// there.
func (p *plan) walk(from int, places []place) (*walked, error) {
	b, err := newBeside(p.subject, max(1, p.readers), p.work.holds)
	if err != nil {
		return nil, err
	}
	a := &walked{beside: b, work: p.work}
	if err := a.mutateTo(from); err != nil {
		return nil, err
	}
	for i, at := range places {
		if err := a.enter(i, p.kind); err != nil {
			return nil, err
		}
		for !at.stands(a.position(i)) {
			m := a.coherent(i)
			if m == nil || a.position(i).Place == witness.PastSites || a.position(i).Place == witness.InProgram {
				return nil, nil
			}
			if a.take(m); a.broken != "" {
				return nil, nil
			}
		}
	}
	return a, nil
}

// A reached is a state of the model with readers at their places: what comes after depends on nothing
// else.
type reached struct {
	state   any
	places  string
	blocked bool
}

// each calls do for every schedule that is taken. Where the mutator did not come so far, what lies further
// is as impossible: skip is told so, with that cell. It is told of those without one that another stands
// for.
func (p *plan) each(do func(schedule) (*cell, error), skip func(schedule, *cell)) error {
	seen := map[reached]bool{}
	first, last := 0, p.points
	if len(p.work.gives) > 1 { // the first operation by itself is other work
		a, err := p.walk(0, nil)
		if err != nil {
			return err
		}
		for a.next < 2 {
			first = a.point
			if err := a.mutate(); err != nil {
				return err
			}
		}
		last = first
	}
	if p.readers > 1 { // they enter before anything changes
		last = 0
	}
	for from := 0; from <= last; from++ {
		for _, places := range p.choices() {
			var stuck *cell
			for to := max(from, first); to <= p.points; to++ {
				s := schedule{from, places, to}
				a, err := p.walk(from, places)
				if err != nil {
					return err
				}
				if a == nil {
					break // nor at any other point
				}
				if err := a.mutateTo(to); err != nil {
					return err
				}
				key := reached{a.beside.walk.Key(), s.held(), a.blocked}
				if stuck != nil || seen[key] && !p.whole {
					skip(s, stuck)
					continue
				}
				seen[key] = true
				c, err := do(s)
				if err != nil {
					return err
				}
				if c.blocked != "" && c.far < to {
					stuck = c
				}
			}
		}
	}
	return nil
}

// choices are the places of all readers together. Readers are alike: their order does not matter.
func (p *plan) choices() (out [][]place) {
	for i, one := range p.places {
		if p.readers < 2 {
			out = append(out, []place{one})
			continue
		}
		for _, other := range p.places[i:] {
			out = append(out, []place{one, other})
		}
	}
	return out
}
