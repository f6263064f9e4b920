package protocol

import (
	"fmt"
	"slices"
)

// Do is what an [Edit] does.
type Do uint8

// The kinds of edits.
const (
	Drop    Do = iota // remove every step whose text is Step
	Swap              // exchange the steps whose texts are Step and With
	Replace           // put With in the place of Step
	Double            // put a second Step behind the first
	Rewrite           // put the text With in the place of the whole list
)

var doNames = [...]string{Drop: "drop", Swap: "swap", Replace: "replace", Double: "double", Rewrite: "rewrite"}

// Of is the part of a subject that an [Edit] changes.
type Of uint8

// The parts of a subject that an edit can change.
const (
	OfInstall Of = iota // the install of the protocol
	OfUpdate            // its update
	OfRemove            // its remove
	OfMethod            // the poke method
	OfGrace             // the grace-period flavour: Rewrite alone, With its name
	OfLoad              // how a copy of the caller is loaded
	OfUnload            // how it is unloaded
	OfMutex             // the mutex: Rewrite alone, With its name
	OfLayout            // the layout: Rewrite alone, With its name as package jit has it
)

var ofNames = [...]string{
	OfInstall: "install", OfUpdate: "update", OfRemove: "remove", OfMethod: "method", OfGrace: "grace",
	OfLoad: "load", OfUnload: "unload", OfMutex: "mutex", OfLayout: "layout",
}

// An Edit is one change of a subject. Steps are named by their text.
type Edit struct {
	Of         Of
	Do         Do
	Step, With string
}

// String returns the edit in words, such as "remove: drop wait".
func (e Edit) String() string {
	s := ofNames[e.Of] + ": " + doNames[e.Do]
	switch e.Do {
	case Swap:
		return s + " " + e.Step + " and " + e.With
	case Replace:
		return s + " " + e.Step + " by " + e.With
	case Rewrite:
		return s + " as " + e.With
	default:
		return s + " " + e.Step
	}
}

// Apply returns a copy of s with the edit made. An edit that finds no step to change
// is an error: it would be a mutant that is none.
func (e Edit) Apply(s Subject) (Subject, error) {
	var err error
	switch e.Of {
	case OfLayout:
		s.Layout = e.With
	case OfMethod:
		s.Method, err = e.method(s.Method.Clone())
	case OfGrace:
		s.Grace, err = byName("grace flavour", e.With, append(Graces(), ModelGraces()...),
			func(g Grace) string { return g.Name })
	default:
		s.Protocol = s.Protocol.Clone()
		err = e.protocol(&s.Protocol)
	}
	if err != nil {
		return Subject{}, fmt.Errorf("edit %q: %w", e, err)
	}
	return s, nil
}

func (e Edit) protocol(p *Protocol) error {
	op, list := OpKind(e.Of), (*[]Step)(nil)
	switch e.Of {
	case OfMutex:
		m, ok := mutexByName(e.With)
		if p.Mutex = m; !ok {
			return fmt.Errorf("no such mutex; known: %v", mutexNames)
		}
		return nil
	case OfLoad:
		p.Load = cloneSteps(p.LoadSteps())
		op, list = opLoad, &p.Load
	case OfUnload:
		p.Unload = cloneSteps(p.UnloadSteps())
		op, list = opUnload, &p.Unload
	default:
		list = &p.Ops[op]
	}
	if e.Do == Rewrite {
		steps, err := parseSteps(e.With, op)
		*list = steps
		return err
	}
	hit := e.steps(list)
	for i := range *list {
		if (*list)[i].Kind == Each && e.steps(&(*list)[i].Body) {
			hit = true
		}
	}
	if !hit {
		return fmt.Errorf("no such step in %q", stepsText(*list))
	}
	// What the edit wrote must be a protocol that a person could have written.
	_, err := ParseProtocol(p.String())
	return err
}

// steps edits one list of steps and reports whether it found what to change.
func (e Edit) steps(list *[]Step) bool {
	at := func(text string) int {
		return slices.IndexFunc(*list, func(s Step) bool { return s.String() == text })
	}
	i := at(e.Step)
	if i < 0 {
		return false
	}
	switch e.Do {
	case Drop:
		*list = slices.DeleteFunc(*list, func(s Step) bool { return s.String() == e.Step })
	case Double:
		*list = slices.Insert(*list, i, (*list)[i])
	case Swap:
		j := at(e.With)
		if j < 0 {
			return false
		}
		(*list)[i], (*list)[j] = (*list)[j], (*list)[i]
	case Replace:
		s, ok := stepByText(e.With)
		if !ok {
			return false
		}
		(*list)[i] = s
	}
	return true
}

// stepByText finds a step that is no each; whether it fits where it is put, the
// parser says.
func stepByText(text string) (Step, bool) {
	for _, k := range []StepKind{Publish, Wait, Retire, Free, Track, Read, Stable, Open, Untrack} {
		if k.String() == text {
			return Step{Kind: k}, true
		}
	}
	for slot, kind := range tailCall.Slots {
		for to := range kind.May {
			s := Step{Kind: Poke, Slot: Slot(slot), To: Content(to)}
			if s.String() == text {
				return s, true
			}
		}
	}
	return Step{}, false
}

func (e Edit) method(m Method) (Method, error) {
	switch e.Do {
	case Rewrite:
		return ParseMethod("method " + m.Name + "\n" + e.With)
	case Drop:
		n := len(m.Steps)
		m.Steps = slices.DeleteFunc(m.Steps, func(k MicroStep) bool { return k.String() == e.Step })
		if len(m.Steps) == n {
			return Method{}, fmt.Errorf("no step %s", e.Step)
		}
		return ParseMethod(m.String())
	default:
		return Method{}, fmt.Errorf("a method knows drop and rewrite alone")
	}
}
