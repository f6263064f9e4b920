package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// A Choice is what must be known of a step of a witness to take it again: who moves, and
// which of that actor's moves it makes, both as the witness prints them. A thread's fetch
// names the instruction that it is given; a call names the key and the program.
type Choice struct {
	Actor string `json:"actor"` // as in [Witness.Agents], or "thread 0"
	Do    string `json:"do"`    // as in [Step]
	// Round says that the step is one of the last ones of a witness of progress, which
	// repeat for ever.
	Round bool `json:"round,omitempty"`
}

// String returns the choice on one line.
func (c Choice) String() string { return c.Actor + ": " + c.Do }

// Choices lists what was chosen at each step, for [Replay].
func (w *Witness) Choices() []Choice {
	out := make([]Choice, len(w.Steps))
	for i, s := range w.Steps {
		out[i] = Choice{actorName(w.Agents, int8(s.Actor)), s.Text, i >= len(w.Steps)-w.Cycle}
	}
	return out
}

// actorName names an actor, given the names of the agents.
func actorName(agents []string, actor int8) string {
	if actor <= Mutator {
		return agents[Mutator-actor]
	}
	return fmt.Sprintf("thread %d", actor)
}

// ErrHolds is what [Replay] returns, wrapped, where all steps can be taken and break no property.
var ErrHolds = errors.New("breaks nothing that is judged")

// Replay takes steps of a subject from the state in which every key is empty, and answers
// with the witness that they are: each must be possible where it stands, and the last one,
// and no other, must break a property. Of a witness of progress none does, and the last
// ones must be such that they can repeat for ever. Of the options Threads, Progress and
// Only count, and must be those of the [Check] that found the witness.
//
// The error is [ErrUnsupported], a fault in the options, or names the first step that
// cannot be taken and those that can.
func Replay(s protocol.Subject, o Options, choices []Choice) (*Witness, error) {
	only, err := o.only()
	if err != nil {
		return nil, err
	}
	o.Progress = o.Progress || only == stuck
	threads := o.Threads
	if threads == 0 {
		threads = enough(s.Grace.Kind, o.Progress)
	}
	sys, err := newSystem(s, threads, false)
	if err != nil {
		return nil, err
	}
	if len(choices) == 0 {
		return nil, fmt.Errorf("model: no steps to take")
	}
	cycle, err := rounds(choices)
	if err != nil {
		return nil, err
	}
	if cycle > 0 && (!o.Progress || only != noFault && only != stuck) {
		return nil, fmt.Errorf("model: the last %d steps are to repeat for ever, but progress is not judged", cycle)
	}
	r := newReplayer(sys, only)
	for i, c := range choices {
		if err := r.take(c, cycle == 0 && i == len(choices)-1); err != nil {
			return nil, fmt.Errorf("model: step %d, %v: %w", i+1, c, err)
		}
	}
	if cycle > 0 {
		return r.lasso(cycle)
	}
	return r.witness(), nil
}

// A replayer takes chosen steps. Where two moves of an actor read the same, such as the
// looks of two grace periods for one reader, it goes on from both: the next step, or the
// last one, tells which was meant.
type replayer struct {
	expander
	only   fault
	names  []string // of the agents
	layers [][]replayed

	choice Choice
	last   bool // it is the last one
	at     int  // index in the last layer of the state x

	next     []replayed
	seen     map[state]bool // states of next
	early    fault          // what the chosen step breaks, though others follow
	possible []string       // steps
}

// A replayed is a state that some of the moves that read as chosen lead to.
type replayed struct {
	node
	broken fault
}

func newReplayer(sys *system, only fault) *replayer {
	r := &replayer{only: only, names: sys.names()}
	r.sys, r.found = sys, r.successor
	r.layers = [][]replayed{{{node: node{nodeKey: nodeKey{to: sys.initial()}}}}}
	return r
}

// take takes a step from every state of the last layer in which it is possible.
func (r *replayer) take(c Choice, last bool) error {
	r.choice, r.last = c, last
	r.next, r.seen, r.early, r.possible = nil, map[state]bool{}, noFault, nil
	layer := r.layers[len(r.layers)-1]
	for r.at = range layer {
		r.x = layer[r.at].to
		r.expand()
	}
	switch {
	case len(r.next) > 0:
		r.layers = append(r.layers, r.next)
		return nil
	case r.early != noFault:
		return fmt.Errorf("it breaks %s, so that nothing may follow it", faultProperties[r.early])
	case last && slices.Contains(r.possible, c.String()):
		return fmt.Errorf("it is the last one, but %w", ErrHolds)
	default:
		return fmt.Errorf("there is no such step; possible are\n  %s", strings.Join(r.possible, "\n  "))
	}
}

// successor takes a move when it is the chosen one.
func (r *replayer) successor(m move, broken fault) {
	c := Choice{actorName(r.names, m.actor), r.sys.describe(&r.x, &r.y, m), r.choice.Round}
	if text := c.String(); !slices.Contains(r.possible, text) {
		r.possible = append(r.possible, text)
	}
	switch {
	case c != r.choice:
	case !r.last && broken != noFault:
		r.early = broken
	case r.last && (broken == noFault || r.only != noFault && broken != r.only):
	case !r.seen[r.y]:
		r.seen[r.y] = true
		n := node{nodeKey: nodeKey{to: r.y, actor: m.actor}, move: m, prev: r.at}
		r.next = append(r.next, replayed{n, broken})
	}
}

// back goes the way back from the i-th state of the last layer.
func (r *replayer) back(i int) []node {
	steps := make([]node, len(r.layers)-1)
	for n := len(steps); n > 0; n-- {
		at := r.layers[n][i]
		steps[n-1], i = at.node, at.prev
	}
	return steps
}

// witness answers with a witness whose last step breaks a property.
func (r *replayer) witness() *Witness {
	w := r.sys.newWitness(r.layers[len(r.layers)-1][0].broken)
	w.add(r.sys, r.sys.initial(), r.back(0))
	return w
}
