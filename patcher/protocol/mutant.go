package protocol

import "fmt"

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
