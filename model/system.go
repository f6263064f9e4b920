package model

import (
	"errors"
	"fmt"

	"tailpoke/patcher/protocol"
)

// ErrUnsupported is what [Check] returns, wrapped, for a subject that does not fit
// into a state.
var ErrUnsupported = errors.New("the model does not support this subject")

// A system is a subject made ready: what its transition relation looks up.
type system struct {
	shape     protocol.Shape // Threads is how many are explored
	trap      protocol.TrapAnswer
	grace     protocol.GraceKind
	micros    []protocol.MicroKind // of a poke; Bytes is taken apart
	actions   [protocol.OpKinds][maxKeys][]action
	symmetric bool

	words   int // how many words of a state are used
	threads int // index of the word of thread 0
}

// An action is one of an operation on a given key.
type action struct {
	protocol.Action
	site    int  // of a poke
	guarded bool // a guarded wait follows: it asks which poke changed a byte
}

func newSystem(s protocol.Subject, threads int, symmetric bool) (*system, error) {
	sys := &system{
		shape: s.Shape, trap: s.Method.Trap, grace: s.Grace.Kind, micros: expand(s.Method.Steps),
		symmetric: symmetric, threads: 1 + s.Shape.Sites, words: 1 + s.Shape.Sites + threads,
	}
	sys.shape.Threads = threads
	if err := sys.fits(); err != nil {
		return nil, err
	}
	for key := range sys.shape.Keys {
		sites := sys.sitesOf(key)
		for op := range protocol.OpKinds {
			actions := s.Protocol.Unroll(protocol.OpKind(op), len(sites))
			if len(actions) > maxActions {
				return nil, fmt.Errorf("%w: %v unrolls to %d actions, at most %d fit",
					ErrUnsupported, protocol.OpKind(op), len(actions), maxActions)
			}
			sys.actions[op][key] = place(actions, sites)
		}
	}
	return sys, nil
}

// expand takes Bytes apart: the first byte goes first, then the others, none of it
// protected.
func expand(steps []protocol.MicroKind) []protocol.MicroKind {
	var out []protocol.MicroKind
	for _, k := range steps {
		if k == protocol.Bytes {
			out = append(out, protocol.HeadNew, protocol.Tail)
		} else {
			out = append(out, k)
		}
	}
	return out
}

func (sys *system) fits() error {
	for _, v := range []struct {
		what         string
		have, lo, hi int
	}{
		{"threads", sys.shape.Threads, 1, maxThreads},
		{"sites", sys.shape.Sites, 1, maxSites},
		{"programs", sys.shape.Programs, 1, maxPrograms},
		{"keys", sys.shape.Keys, 1, maxKeys},
		{"micro-steps of a poke", len(sys.micros), 1, maxMicros},
	} {
		if v.have < v.lo || v.have > v.hi {
			return fmt.Errorf("%w: %d %s, not between %d and %d",
				ErrUnsupported, v.have, v.what, v.lo, v.hi)
		}
	}
	return nil
}

// sitesOf lists the sites that look up a key, in tracking order.
func (sys *system) sitesOf(key int) []int {
	var out []int
	for i := range sys.shape.Sites {
		if sys.keyOf(i) == key {
			out = append(out, i)
		}
	}
	return out
}

func (sys *system) keyOf(site int) int { return site % sys.shape.Keys }

// place finds the site of each action's descriptor, and whether a guarded wait follows.
func place(actions []protocol.Action, sites []int) []action {
	out := make([]action, len(actions))
	guarded := false
	for i := len(actions) - 1; i >= 0; i-- {
		out[i] = action{Action: actions[i], guarded: guarded}
		if d := actions[i].Desc; d != protocol.NoDesc {
			out[i].site = sites[d]
		}
		guarded = guarded || actions[i].Guarded
	}
	return out
}

// initial returns the state in which every key and every site is empty.
func (sys *system) initial() state {
	var x state
	for i := range sys.shape.Sites {
		x[1+i] = siteOf(settled(tailOut), settled(tailNop))
	}
	return x
}

// current returns the operation in progress and its next action; the action is nil
// when the operation has none left to do. There must be an operation.
func (sys *system) current(x *state) (protocol.OpKind, *action) {
	op := protocol.OpKind(opField.of(x[0]) - 1)
	list := sys.actions[op][keyField.of(x[0])]
	if i := int(actionField.of(x[0])); i < len(list) {
		return op, &list[i]
	}
	return op, nil
}

// wanted returns the instruction that a poke of the operation in progress leaves.
func wanted(x *state, a *action) tail {
	switch {
	case a.To == protocol.Nop:
		return tailNop
	case a.Slot == protocol.Bypass:
		return tailOut
	default:
		return tail(givenField.of(x[0]))
	}
}

// poking returns the poke that is changing a slot now, or nil.
func (sys *system) poking(x *state, site int, s protocol.Slot) *action {
	if microField.of(x[0]) == 0 {
		return nil
	}
	_, a := sys.current(x)
	if a.site != site || a.Slot != s {
		return nil
	}
	return a
}

// canonical brings a state into the form that stands for all its permutations of
// threads: threads are alike, so their words can be sorted.
func (sys *system) canonical(x *state) {
	if !sys.symmetric {
		return
	}
	words := x[sys.threads:sys.words]
	for i := 1; i < len(words); i++ {
		for j := i; j > 0 && words[j-1] > words[j]; j-- {
			words[j-1], words[j] = words[j], words[j-1]
		}
	}
}
