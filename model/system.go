package model

import (
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
)

// ErrUnsupported is what [Check] returns, wrapped, for a subject that does not fit
// into a state.
var ErrUnsupported = errors.New("the model does not support this subject")

// A system is a subject made ready: what its transition relation looks up.
type system struct {
	shape     protocol.Shape // Threads is how many are explored
	trap      protocol.TrapAnswer
	grace     protocol.GraceKind     // of the subject's own grace periods
	kinds     []string               // of readers, by their names; one without a name where the text has none
	awaits    [protocol.Periods]uint // for each grace period, bits of the kinds that it waits for
	mutex     protocol.Mutex
	micros    []micro // of a poke
	flow      siteFlow
	states    [protocol.Contents][protocol.Contents]protocol.State // by what the slots hold
	actions   [protocol.OpKinds][maxKeys][]action
	life      [lives][maxCopies][]action // of the loader
	agents    []agent
	symmetric bool // threads are alike, and mutators
	alike     bool // programs are
	alikeKeys int  // keys are, from this one on

	words   int // how many words of a state are used
	sites   int // of all images
	extra   int // index of the word of the pointers and the copies, 0 when there is none
	threads int // index of the word of thread 0

	siteKeys, siteImages [maxSites]int
	images               [][]int // the sites of each image

	unlist protocol.Unlisting     // when the list forgets a program that has sites
	apart  bool                   // the map's pointers may name other programs than the keys hold
	silent [protocol.OpKinds]bool // where they are apart, the operations that never publish
	comes  bool                   // images come and go
	lasts  bool                   // an execution may go on after a tail call, so its duties last
	looks  bool                   // what a slot holds is read before the poke has it for itself
	knows  bool                   // text must be known to be poked
	letsGo [protocol.OpKinds]bool // the operations that let go of what they replace
	races  bool                   // two mutators have operations in progress on one key
}

// An action is one of an operation on a given key, or of the loader on a copy.
type action struct {
	protocol.Action
	site    int  // that of the descriptor
	guarded bool // a wait "if changed" follows: it asks which poke changed a byte
	next    int  // index after the iteration of each that the action belongs to
	asks    bool // a wait "if changed" follows from there on
	again   bool // the operation has let go before of what it replaces
}

func newSystem(s protocol.Subject, threads int, symmetric bool) (*system, error) {
	sys := &system{
		shape: s.Shape, trap: s.Method.Trap, grace: s.Grace.Kind, mutex: s.Protocol.Mutex,
		symmetric: symmetric, knows: s.Protocol.Knows(),
	}
	sys.shape.Threads = threads
	site := s.Protocol.Site()
	err := sys.fitsSite(site)
	if err != nil {
		return nil, err
	}
	if sys.micros, err = microsOf(s.Method, site.Slots[0].Size); err != nil {
		return nil, err
	}
	if err := sys.fits(); err != nil {
		return nil, err
	}
	if err := sys.readers(s); err != nil {
		return nil, err
	}
	if sys.shape.Deep {
		if sys.unlist, err = s.Unlisting(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
	}
	sys.alikeKeys = sys.shape.Keys
	sys.layOut(s.Protocol)
	unroll := func(to *[]action, what any, actions []protocol.Action, sites []int) {
		if *to = place(actions, sites); err == nil && len(actions) > maxActions {
			err = fmt.Errorf("%w: %v unrolls to %d actions, at most %d fit",
				ErrUnsupported, what, len(actions), maxActions)
		}
	}
	for op := range protocol.OpKind(protocol.OpKinds) {
		for key := range sys.shape.Keys {
			sites := sys.sitesOf(key)
			unroll(&sys.actions[op][key], op, s.Protocol.Unroll(op, len(sites)), sites)
		}
	}
	for which := range sys.shape.Copies {
		sites := sys.images[1+which]
		unroll(&sys.life[loads][which], "load", s.Protocol.UnrollLoad(len(sites)), sites)
		unroll(&sys.life[unloads][which], "unload", s.Protocol.UnrollUnload(), sites)
	}
	return sys, err
}

// layOut gives every word of a state its place.
func (sys *system) layOut(p protocol.Protocol) {
	mutators := max(1, sys.shape.Mutators)
	sys.layOutImages()
	sys.comes = sys.shape.Copies > 0 || sys.shape.Deep
	sys.apart = (sys.shape.Indirect || sys.comes) && !alwaysPublishes(p)
	for op, steps := range p.Ops {
		sys.letsGo[op] = slices.ContainsFunc(steps, func(s protocol.Step) bool { return letsGo(s.Kind) })
		sys.silent[op] = sys.apart && !publishes(steps)
	}
	sys.lasts = sys.shape.Nested || sys.shape.Deep
	sys.races = mutators > 1 && sys.mutex == protocol.MutexNone
	sys.looks = sys.races || sys.shape.Copies > 0 && sys.mutex == protocol.MutexNone
	next := 1 + sys.sites
	if sys.apart || sys.comes {
		sys.extra = next
		next++
	}
	sys.agents = agentsOf(sys.shape, next)
	sys.threads = next + len(sys.agents) - 1
	sys.words = sys.threads + sys.shape.Threads
}

// fits reports whether a state has room for the shape and for the steps of a poke.
func (sys *system) fits() error {
	if err := sys.shape.Within(protocol.Shape{
		Threads: maxThreads, Sites: maxSites, Programs: maxPrograms, Keys: maxKeys,
		Copies: maxCopies, Maps: maxKeys, Mutators: maxAgents - 1,
	}); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if n := len(sys.micros); n < 1 || n > maxMicros {
		return fmt.Errorf("%w: %d micro-steps of a poke, not between 1 and %d", ErrUnsupported, n,
			maxMicros)
	}
	return nil
}

// place finds the site of each action's descriptor, where its iteration ends, and
// whether a wait "if changed" follows.
func place(actions []protocol.Action, sites []int) []action {
	out := make([]action, len(actions))
	guarded, asks, next := false, false, len(actions)
	for i := len(actions) - 1; i >= 0; i-- {
		out[i] = action{Action: actions[i], guarded: guarded, next: next, asks: asks}
		if d := actions[i].Desc; d != protocol.NoDesc {
			out[i].site = sites[d]
		}
		guarded = guarded || actions[i].IfChanged
		if actions[i].First || actions[i].Desc == protocol.NoDesc {
			next, asks = i, guarded
		}
	}
	for i := range out {
		out[i].again = letsGo(out[i].Kind) &&
			slices.ContainsFunc(out[:i], func(a action) bool { return letsGo(a.Kind) })
	}
	return out
}

// letsGo reports whether a step lets go of what the operation replaces.
func letsGo(k protocol.StepKind) bool { return k == protocol.Retire || k == protocol.Free }

// initial returns the state in which every key and every site is empty, every program is
// loaded, and no copy of the caller is there.
func (sys *system) initial() state {
	var x state
	for i := range sys.sites {
		x[1+i] = emptySite()
		if image := sys.imageOf(i); image > 0 && sys.programOf(image) == 0 {
			x[1+i] = siteOf(erased, erased)
		}
	}
	for p := 0; sys.shape.Deep && p < sys.shape.Programs; p++ {
		x[sys.extra] = listedField.at(p).put(x[sys.extra], 1)
	}
	return x
}

// current returns the next action of an agent's operation; nil when the operation has
// none left to do. There must be an operation.
func (sys *system) current(x *state, a *agent) *action {
	w := x[a.word]
	op, key := opField.of(w)-1, keyField.of(w)
	var list []action
	if a.loads {
		list = sys.life[op][key]
	} else {
		list = sys.actions[op][key]
	}
	if i := int(actionField.of(w)); i < len(list) {
		return &list[i]
	}
	return nil
}

// wanted returns the instruction that a poke of the operation in progress leaves.
func (sys *system) wanted(x *state, by *agent, a *action) tail {
	switch {
	case a.To == protocol.Nop:
		return tailNop
	case a.Slot != programSlot:
		return tailOut
	case by.loads:
		return tail(readField.at(a.site % sys.shape.Sites).of(x[sys.extra]))
	default:
		return tail(givenField.of(x[by.word]))
	}
}

// poking returns the poke that is changing a slot now and whose it is, or nil.
func (sys *system) poking(x *state, site int, s protocol.Slot) (*agent, *action) {
	for i := range sys.agents {
		by := &sys.agents[i]
		if microField.of(x[by.word]) == 0 {
			continue
		}
		if a := sys.current(x, by); a.site == site && a.Slot == s {
			return by, a
		}
	}
	return nil, nil
}
