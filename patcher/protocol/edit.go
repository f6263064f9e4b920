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
	Double            // put a second Step after the first
	Rewrite           // put the text With in the place of the whole list
)

var doNames = [...]string{
	Drop: "drop", Swap: "swap", Replace: "replace", Double: "double", Rewrite: "rewrite",
}

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
	OfReaders           // the kinds of readers: Rewrite alone, With their lines, "; " between them
)

var ofNames = [...]string{
	OfInstall: "install", OfUpdate: "update", OfRemove: "remove", OfMethod: "method", OfGrace: "grace",
	OfLoad: "load", OfUnload: "unload", OfMutex: "mutex", OfLayout: "layout",
	OfReaders: "readers",
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

func (e Edit) protocol(p *Protocol) (err error) {
	op := OpKind(e.Of)
	switch e.Of {
	case OfMutex:
		ok := false
		if p.Mutex, ok = byWord[Mutex](mutexNames[:], e.With); !ok {
			return fmt.Errorf("no such mutex; known: %v", mutexNames)
		}
		return nil
	case OfReaders:
		p.Readers, err = parseReaders(e.With)
		return err
	case OfLoad:
		op, p.Load = opLoad, cloneSteps(p.LoadSteps())
	case OfUnload:
		op, p.Unload = opUnload, cloneSteps(p.UnloadSteps())
	}
	list := p.list(op)
	if e.Do == Rewrite {
		*list, err = parseSteps(e.With, op)
		return err
	}
	hit, err := e.steps(list, op, false)
	for i := range *list {
		if s := &(*list)[i]; err == nil && s.Kind == Each {
			var inner bool
			inner, err = e.steps(&s.Body, op, true)
			hit = hit || inner
		}
	}
	switch {
	case err != nil:
		return err
	case !hit:
		return fmt.Errorf("no such step in %q", stepsText(*list))
	}
	// What the edit wrote must be a protocol that a person could have written.
	_, err = ParseProtocol(p.String())
	return err
}

// steps edits one list of steps and reports whether it found what to change.
func (e Edit) steps(list *[]Step, op OpKind, inEach bool) (hit bool, err error) {
	at := func(text string) int {
		return slices.IndexFunc(*list, func(s Step) bool { return s.String() == text })
	}
	i, j := at(e.Step), at(e.With)
	if i < 0 || e.Do == Swap && j < 0 {
		return false, nil
	}
	switch e.Do {
	case Drop:
		*list = slices.DeleteFunc(*list, func(s Step) bool { return s.String() == e.Step })
	case Double:
		*list = slices.Insert(*list, i, (*list)[i])
	case Swap:
		(*list)[i], (*list)[j] = (*list)[j], (*list)[i]
	case Replace:
		(*list)[i], err = parse(e.With, func(p *parser) Step { return p.step(op, inEach) })
	}
	return true, err
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

// A Mutant is an edit of a subject with the verdicts that it must get.
type Mutant struct {
	Name   string
	Why    string // what goes wrong, or why nothing does
	Origin string // a mail, a commit, or "mechanical"
	Edits  []Edit
	// Program is the built-in program that shows it; "" is a generated one.
	Program string
	// Needs is what the shape must have at least; its zero fields ask for nothing.
	Needs Shape

	// Property is what the mutant breaks; "" for a safe one.
	Property Property
	// Expect is the verdict of each engine that judges the mutant.
	Expect map[Engine]Verdict
}

// Safe reports whether no engine may accuse the mutant.
func (m Mutant) Safe() bool { return m.Property == "" }

// Apply returns the subject with the mutant's edits made, in a shape that has what the
// mutant needs.
func (m Mutant) Apply(s Subject) (Subject, error) {
	for _, e := range m.Edits {
		var err error
		if s, err = e.Apply(s); err != nil {
			return Subject{}, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
	}
	s.Protocol.Name = m.Name
	s.Shape = s.Shape.AtLeast(m.Needs)
	return s, nil
}

// MutantByName returns the mutant of the zoo that has that name.
func MutantByName(name string) (Mutant, error) {
	return byName("mutant", name, Zoo(), func(m Mutant) string { return m.Name })
}
