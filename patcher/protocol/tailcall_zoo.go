package protocol

import (
	_ "embed" // tailcall_zoo.txt
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Zoo returns the mutants: first those that break a property, then the safe ones,
// which prove that the engines do not cry wolf. All are edits of the default subject.
func Zoo() []Mutant {
	all := mutantsOf("every engine")
	expect(all, Model, Proved, nil)
	expect(all, CPU, NotObserved, nil)
	return expect(all, Machine, Safe, machineJudges())
}

// PokeZoo returns more mutants of poke methods and of orders, which model and machine judge. What
// a CPU shows of them within seconds is a matter of luck.
func PokeZoo() []Mutant {
	all := mutantsOf("pokes")
	expect(all, Model, Proved, nil)
	return expect(all, Machine, Safe, machineJudges())
}

// ModelZoo returns the mutants that the model alone judges so far: faults, and harmless
// changes, of what no other engine carries out from the definition. Each says in Needs
// what the shape must have for the fault to be there.
func ModelZoo() []Mutant { return expect(mutantsOf("model"), Model, Proved, nil) }

// LayoutZoo returns the mutants that are faults of an era's layout, and shown by the image's own
// bytes.
func LayoutZoo() []Mutant { return expect(mutantsOf("layouts"), Machine, Safe, nil) }

// Hierarchy is a program whose function tail calls the entry, which calls it twice.
const Hierarchy = "hierarchy"

// machineJudges are the properties of mutants that the machine engine judges. It does not know
// which programs an execution may run, and which keys it must not miss.
func machineJudges() []Property {
	return []Property{
		NeverA, NoTorn, NoUseAfterFree, ExpectedBytes, NoDoubleFree, NoEarlyFree, NoLeak,
	}
}

// expect completes the mutants with what an engine must say of them: violated of those that
// break a property that it judges, where nil is all of them, and otherwise what it says of a
// safe subject.
func expect(all []Mutant, e Engine, safe Verdict, judged []Property) []Mutant {
	for i := range all {
		m := &all[i]
		if m.Expect == nil {
			m.Expect = map[Engine]Verdict{}
		}
		switch {
		case m.Expect[e] != "":
		case m.Safe() || judged != nil && !slices.Contains(judged, m.Property):
			m.Expect[e] = safe
		default:
			m.Expect[e] = Violated
		}
	}
	return all
}

//go:embed tailcall_zoo.txt
var zooText string

// mutantsOf reads a list of tailcall_zoo.txt.
func mutantsOf(list string) []Mutant {
	_, text, _ := strings.Cut(zooText, "\n== "+list+"\n")
	text, _, _ = strings.Cut(text, "\n== ")
	return must(parseMutants(text))
}

// parseMutants reads mutants as the head of tailcall_zoo.txt describes them.
func parseMutants(text string) ([]Mutant, error) {
	var out []Mutant
	text = strings.ReplaceAll(text, "\n           ", " ") // lines that go on
	for line := range strings.SplitSeq(text, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimSpace(value)
		switch {
		case key == "" || key == "#":
			continue
		case key == "mutant":
			out = append(out, Mutant{Name: value})
			continue
		case len(out) == 0:
			return nil, fmt.Errorf("%q stands before the first mutant", line)
		}
		m := &out[len(out)-1]
		if err := m.parse(key, value); err != nil {
			return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
	}
	return out, nil
}

// parse reads a line of a mutant: its first word, and the others.
func (m *Mutant) parse(key, value string) (err error) {
	part, edits := strings.CutSuffix(key, ":")
	switch {
	case edits:
		var e Edit
		e, err = parseEdit(part, value)
		m.Edits = append(m.Edits, e)
	case key == "breaks":
		m.Property = Property(value)
	case key == "from":
		m.Origin = value
	case key == "why":
		m.Why = value
	case key == "program":
		m.Program = value
	case key == "expect":
		engine, verdict, _ := strings.Cut(value, " ")
		m.Expect = map[Engine]Verdict{Engine(engine): Verdict(verdict)}
	case key == "needs":
		for word := range strings.FieldsSeq(value) {
			if err = m.Needs.need(word); err != nil {
				return err
			}
		}
	default:
		err = fmt.Errorf("no line begins with %q", key)
	}
	return err
}

// need reads what a shape must have: "indirect", or "keys=2".
func (s *Shape) need(word string) (err error) {
	name, number, _ := strings.Cut(word, "=")
	switch numbers := map[string]*int{
		"sites": &s.Sites, "keys": &s.Keys, "copies": &s.Copies, "mutators": &s.Mutators,
		"maps": &s.Maps,
	}; name {
	case "indirect":
		s.Indirect = true
	case "deep":
		s.Deep = true
	case "nested":
		s.Nested = true
	default:
		to := numbers[name]
		if to == nil {
			return fmt.Errorf("no shape needs %q", word)
		}
		*to, err = strconv.Atoi(number)
	}
	return err
}

// parseEdit reads an edit of a part, as [Edit.String] writes it after the part's name.
func parseEdit(part, text string) (Edit, error) {
	do, rest, _ := strings.Cut(text, " ")
	e := Edit{Step: rest}
	var knownPart, knownDo bool
	e.Of, knownPart = byWord[Of](ofNames[:], part)
	e.Do, knownDo = byWord[Do](doNames[:], do)
	switch e.Do {
	case Swap:
		e.Step, e.With, _ = strings.Cut(rest, " and ")
	case Replace:
		e.Step, e.With, _ = strings.Cut(rest, " by ")
	case Rewrite:
		e.Step, e.With = "", strings.TrimPrefix(rest, "as ")
	}
	if !knownPart || !knownDo || e.String() != part+": "+text {
		return e, fmt.Errorf("%s: %s: no such edit", part, text)
	}
	return e, nil
}
