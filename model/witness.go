package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// Mutator is the greatest actor of a move that is no thread: the mutator, and the grace periods of
// retired programs. Actors below are further agents.
const Mutator = -1

// witness rebuilds an execution that leads to v.
func (e *explorer) witness(v violation) *witness.Witness {
	g := retracer{expander: expander{sys: e.sys, x: e.sys.initial()}}
	g.found = g.try
	g.goAlong(e, e.path(v.from)[1:])
	g.wanted = func() bool { return g.broken == v.broken }
	g.follow()
	w := e.sys.newWitness(v.broken)
	e.sys.addSteps(w, e.sys.initial(), newTidier(e.sys, g.moves, v.broken, nil).tidy(len(g.moves)))
	return w
}

// lassoWitness rebuilds an execution that goes round for ever.
func (e *explorer) lassoWitness(l *lasso) *witness.Witness {
	g := retracer{expander: expander{sys: e.sys, x: e.sys.initial()}}
	g.found = g.try
	g.goAlong(e, l.stem[1:])
	w, goal := e.sys.newWitness(stuck), g.x
	e.sys.addSteps(w, e.sys.initial(), newTidier(e.sys, g.moves, noFault, &goal).tidy(len(g.moves)))
	g.moves, g.steps = nil, nil
	g.goAlong(e, l.cycle)
	e.sys.addSteps(w, goal, g.steps)
	w.Cycle = len(g.steps)
	return w
}

func (sys *system) newWitness(broken fault) *witness.Witness {
	start := sys.initial()
	w := &witness.Witness{
		Property: faultProperties[broken], Text: faultWords[broken],
		Threads: sys.shape.Threads, Start: sys.view(&start),
	}
	for i := range sys.agents {
		w.Agents = append(w.Agents, sys.actor(sys.agents[i].actor))
	}
	for p := range sys.shape.Programs {
		w.Programs = append(w.Programs, fmt.Sprintf("p%d", p))
	}
	for i := range sys.sites {
		w.Sites = append(w.Sites, sys.site(i))
	}
	return w
}

// site names a site.
func (sys *system) site(i int) witness.Site {
	image := sys.imageOf(i)
	s := witness.Site{Number: i - sys.firstOf(image)}
	switch p := sys.programOf(image); {
	case p > 0:
		s.In = fmt.Sprintf("p%d", prog(p))
	case image > 0:
		s.In = fmt.Sprintf("copy %d", image-1)
	}
	return s
}

// addSteps puts steps from the state before after those of w.
func (sys *system) addSteps(w *witness.Witness, before state, steps []node) {
	for _, n := range steps {
		w.Steps = append(w.Steps, witness.Step{
			Choice: sys.choice(&before, &n.to, n.move),
			Event:  sys.event(&before, &n.to, n.move),
			View:   sys.view(&n.to),
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
func (sys *system) view(x *state) witness.View {
	v := witness.View{}
	for _, t := range x[sys.threads:sys.words] {
		v.Threads = append(v.Threads, sys.position(t))
	}
	for i := range sys.sites {
		v.Sites = append(v.Sites, sys.siteView(x, i))
	}
	return v
}

// A letter is what the memory of a site shows.
type letter uint8

const (
	letterA letter = iota
	letterB
	letterC
	letterD
	letterBetween // a slot is int3 or partly written
	numLetters
)

// letterOf tells what the memory of a site shows.
func (sys *system) letterOf(w site) letter {
	first, second := slotOf(w, 0).mem(), slotOf(w, 1).mem()
	if !first.isWhole() || !second.isWhole() {
		return letterBetween
	}
	return letter(sys.states[contentOf(first.tail())][contentOf(second.tail())] - protocol.StateA)
}

// siteView says what the memory of a site shows.
func (sys *system) siteView(x *state, i int) witness.SiteView {
	if !sys.placed(x, sys.imageOf(i)) {
		return witness.SiteView{Gone: true}
	}
	v := witness.SiteView{Slots: make([]witness.SlotView, siteSlots)}
	var from, to [siteSlots]protocol.Content
	for n := range v.Slots {
		s := protocol.Slot(n)
		slot := slotOf(x[1+i], s)
		v.Slots[n] = witness.SlotView{SlotText: textOf(slot.mem(), s),
			Stale: slot.seen() != 1<<slot.mem()}
		now := slot.expects()
		if slot.mem().isWhole() {
			now = slot.mem().tail()
		}
		from[n] = contentOf(now)
		to[n] = from[n]
		if _, a := sys.poking(x, i, s); a != nil && !slot.mem().isWhole() {
			to[n] = a.To
		}
	}
	v.From, v.To = sys.states[from[0]][from[1]], sys.states[to[0]][to[1]]
	return v
}

// textOf says what a slot holds, or what a thread fetches of it. Programs are numbered from 0.
func textOf(p pair, s protocol.Slot) protocol.SlotText {
	if !p.isWhole() && p.head() != headInt3 {
		return protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.AnyTail}
	}
	t := instrOf(p.tail(), s)
	if p.head() == headInt3 {
		return t.Trapped()
	}
	return t
}

// instrOf is the text of a slot that holds the instruction that t names.
func instrOf(t tail, s protocol.Slot) protocol.SlotText {
	if t == tailMixed {
		return protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.MixedTail}
	}
	return protocol.TextOf(s, contentOf(t), int(t)-1)
}
