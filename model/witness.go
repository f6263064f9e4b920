package model

import "tailpoke/patcher/protocol"

// Mutator is the greatest [Step.Actor] that is no thread: the mutator, and the grace
// periods of retired programs. Actors below are further agents: see [Witness.Agents].
const Mutator = -1

// A Witness is an execution that breaks a property, from the state in which every key
// is empty. None is shorter.
type Witness struct {
	Property protocol.Property
	Text     string   // what is broken, in words
	Agents   []string // names of Mutator, Mutator-1 and so on
	Start    View
	Steps    []Step // the last one breaks the property
	Cycle    int    // of progress: how many of the last steps repeat for ever
}

// A Step is one step of a witness, with what it leads to.
type Step struct {
	Actor int             // Mutator or below, or the index of a thread
	Text  string          // what the actor does
	Event *protocol.Event // what that completes of an operation, or nil
	View
}

// A View is what a state shows.
type View struct {
	Threads []string // where each thread stands
	Sites   []SiteView
}

// A SiteView is what the memory of a site shows: whole instructions such as "jmp p0",
// or "int3+nop" for a trap byte before the other bytes of a nop. A star marks a slot of
// which some CPU may still fetch other bytes. State is the letter of the site, or two,
// such as "D>C", while a poke is between them.
type SiteView struct {
	Name                  string
	Bypass, Target, State string // "-" where the image is not there
}

// witness rebuilds an execution that leads to v.
func (e *explorer) witness(v violation) *Witness {
	g := retracer{expander: expander{sys: e.sys, x: e.sys.initial()}}
	g.found = g.try
	g.goAlong(e, e.path(v.from)[1:])
	g.wanted = func() bool { return g.broken == v.broken }
	g.follow()
	w := e.sys.newWitness(v.broken)
	w.add(e.sys, e.sys.initial(), newTidier(e.sys, g.moves, v.broken, nil).tidy(len(g.moves)))
	return w
}

// lassoWitness rebuilds an execution that goes round for ever.
func (e *explorer) lassoWitness(l *lasso) *Witness {
	g := retracer{expander: expander{sys: e.sys, x: e.sys.initial()}}
	g.found = g.try
	g.goAlong(e, l.stem[1:])
	w, goal := e.sys.newWitness(stuck), g.x
	w.add(e.sys, e.sys.initial(), newTidier(e.sys, g.moves, noFault, &goal).tidy(len(g.moves)))
	g.moves, g.steps = nil, nil
	g.goAlong(e, l.cycle)
	w.add(e.sys, goal, g.steps)
	w.Cycle = len(g.steps)
	return w
}

func (sys *system) newWitness(broken fault) *Witness {
	start := sys.initial()
	return &Witness{
		Property: faultProperties[broken], Text: faultWords[broken],
		Agents: sys.names(), Start: sys.view(&start),
	}
}

// add puts steps from the state before behind the steps of w.
func (w *Witness) add(sys *system, before state, steps []node) {
	for _, n := range steps {
		w.Steps = append(w.Steps, Step{
			Actor: int(n.move.actor),
			Text:  sys.describe(&before, &n.to, n.move),
			Event: sys.event(&before, &n.to, n.move),
			View:  sys.view(&n.to),
		})
		before = n.to
	}
}

// A retracer goes the path of stored states again. These are canonical, but it goes with
// threads and programs that keep their places: each move is one that leads to a state that
// the next stored one stands for.
type retracer struct {
	expander
	wanted func() bool // whether the state y, reached by breaking broken, is the next one
	broken fault
	hit    bool
	moves  []move
	steps  []node
}

// goAlong follows stored states.
func (g *retracer) goAlong(e *explorer, path []stateID) {
	for _, id := range path {
		next := e.key(id)
		g.wanted = func() bool {
			return g.broken == noFault && e.sys.standsFor(next, g.y)
		}
		g.follow()
	}
}

// follow makes the move that is wanted.
func (g *retracer) follow() {
	g.hit = false
	g.expand()
	if !g.hit {
		panic("model: a path cannot be gone again")
	}
	g.x = g.steps[len(g.steps)-1].to
}

// try takes a successor if it is the one that is wanted, and none was before.
func (g *retracer) try(m move, broken fault) {
	g.broken = broken
	if g.hit || !g.wanted() {
		return
	}
	g.hit = true
	g.moves = append(g.moves, m)
	g.steps = append(g.steps, node{nodeKey: nodeKey{to: g.y}, move: m})
}

// view says what a state shows.
func (sys *system) view(x *state) View {
	v := View{}
	for _, t := range x[sys.threads:sys.words] {
		v.Threads = append(v.Threads, sys.position(t))
	}
	for i := range sys.sites {
		if !sys.placed(x, sys.imageOf(i)) {
			v.Sites = append(v.Sites, SiteView{sys.siteName(i), "-", "-", "-"})
			continue
		}
		v.Sites = append(v.Sites, SiteView{
			Name:   sys.siteName(i),
			Bypass: slotText(slotOf(x[1+i], protocol.Bypass), protocol.Bypass),
			Target: slotText(slotOf(x[1+i], protocol.Target), protocol.Target),
			State:  sys.stateText(x, i),
		})
	}
	return v
}
