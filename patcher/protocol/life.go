package protocol

import (
	"errors"
	"slices"
	"strings"
)

// LoadSteps returns the steps of a load: those of p, or the kernel's.
func (p Protocol) LoadSteps() []Step { return stepsOr(p.Load, opLoad, kernelLoad) }

// UnloadSteps returns the steps of an unload: those of p, or the kernel's, which waits for readers of
// every kind.
func (p Protocol) UnloadSteps() []Step {
	text := kernelUnload
	if p.Readers != nil {
		text = strings.Replace(text, stepRules[Wait].word, p.waitsForAll(), 1)
	}
	return stepsOr(p.Unload, opUnload, text)
}

func stepsOr(own []Step, op OpKind, text string) []Step {
	if own != nil {
		return own
	}
	return must(parseSteps(text, op))
}

// Knows reports whether a copy's text must be known for an operation to poke it: its load makes it so.
func (p Protocol) Knows() bool {
	return slices.ContainsFunc(p.Load, func(s Step) bool { return s.Kind == Known })
}

// LifeFault returns the property that the operation breaks by how it lets go of what it replaces,
// whatever else happens: it does so twice, before it publishes, or never. It returns "" if it
// breaks none of these, as an install does, which replaces nothing.
func (p Protocol) LifeFault(op OpKind) Property {
	published, dropped := false, false
	for _, s := range p.Ops[op] {
		switch {
		case s.Kind == Publish:
			published = true
		case s.Kind != Retire && s.Kind != Free:
		case dropped:
			return NoDoubleFree
		case !published:
			return NoEarlyFree
		default:
			dropped = true
		}
	}
	if op.Replaces() && published && !dropped {
		return NoLeak
	}
	return ""
}

// UnrollLoad lists the actions of the load of a copy with descs descriptors.
func (p Protocol) UnrollLoad(descs int) []Action { return unroll(p.LoadSteps(), descs) }

// UnrollUnload lists the actions of an unload.
func (p Protocol) UnrollUnload() []Action { return unroll(p.UnloadSteps(), 0) }

// A Mutex says which operations and fixups of loads exclude each other. An operation holds
// it from its first step to its last, a load for one descriptor at a time.
type Mutex uint8

// The mutexes. Single pokes exclude each other in any case (text_mutex).
const (
	MutexMap  Mutex = iota // one for all keys of a map (poke_mutex)
	MutexKey               // one for each key, as if every key had a map of its own
	MutexNone              // none
)

var mutexNames = [...]string{MutexMap: "map", MutexKey: "key", MutexNone: "none"}

// String returns the mutex's name in the protocol grammar.
func (m Mutex) String() string { return mutexNames[m] }

// An Unlisting says when the map's list forgets the descriptors of a program that is freed.
type Unlisting uint8

// The moments at which the list may forget a program.
const (
	UnlistFirst Unlisting = iota // no later than its memory is given back
	UnlistLater                  // some time after that
	UnlistNever
)

// Unlisting says when the list forgets a program that has sites. Engines take the load of such
// a program as one step, and so what takes it off the list; the error says why this subject
// does not allow that.
//
// Nothing executes a program before its load is over, and the mutex keeps operations away
// from each descriptor while the load fixes it up; a wrong fixup shows on a copy of the caller.
// Two loads, or a load and operations on other keys, meet only at the text mutex. So one
// moment stands for all steps of a load, provided that no agent holds a mutex at that moment.
func (s Subject) Unlisting() (Unlisting, error) {
	p := s.Protocol
	if stepsText(p.LoadSteps()) != kernelLoad {
		return 0, errors.New("programs with sites that are loaded in another way than the kernel's")
	}
	together := s.Shape.Mutators > 1 && (p.Mutex == MutexKey || s.Shape.Maps > 1)
	if together || p.Mutex == MutexNone {
		return 0, errors.New("programs with sites that are loaded while operations are in progress")
	}
	when, gone := UnlistNever, false
	for _, step := range p.UnloadSteps() {
		switch {
		case step.Kind == Wait && (gone || when != UnlistNever):
			// The grace period is the program's own, that of its retirement.
			return 0, errors.New("programs with sites whose unload waits last")
		case step.Kind == Untrack && gone:
			when = UnlistLater
		case step.Kind == Untrack:
			when = UnlistFirst
		case step.Kind == Free:
			gone = true
		}
	}
	if !gone {
		return 0, errors.New("programs with sites whose unload does not free them")
	}
	return when, nil
}
