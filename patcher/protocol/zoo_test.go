package protocol

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestZoo(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range AllProtocols() {
		seen[p.Name] = true // a name must say which one is meant
	}
	safe, guilty := 0, 0
	for _, m := range slices.Concat(Zoo(), PokeZoo(), ModelZoo()) {
		t.Run(m.Name, func(t *testing.T) {
			if m.Name == "" || seen[m.Name] {
				t.Errorf("the name %q is taken", m.Name)
			}
			seen[m.Name] = true
			if m.Why == "" || m.Origin == "" || len(m.Edits) == 0 {
				t.Errorf("why %q, origin %q, edits %v", m.Why, m.Origin, m.Edits)
			}
			checkExpect(t, m)
			checkApplied(t, m)
		})
		if m.Safe() {
			safe++
		} else {
			guilty++
		}
	}
	if safe == 0 || guilty == 0 {
		t.Errorf("%d safe and %d guilty mutants", safe, guilty)
	}
}

var properties = []Property{
	NeverA, Registers, NoTorn, NoUseAfterFree, NoMiss, Fresh, Progress, ExpectedBytes, NoDoubleFree, NoEarlyFree, NoLeak,
}

// checkExpect wants a guilty mutant accused by some engine of a known property, and a
// safe one by none.
func checkExpect(t *testing.T, m Mutant) {
	accused := false
	for _, v := range m.Expect {
		accused = accused || v == Violated
	}
	if m.Safe() == accused || len(m.Expect) == 0 {
		t.Errorf("property %q, expected verdicts %v", m.Property, m.Expect)
	}
	for _, p := range properties {
		if p == m.Property {
			return
		}
	}
	if m.Property != "" {
		t.Errorf("unknown property %q", m.Property)
	}
}

// checkApplied wants a subject that differs from the default one in more than name.
func checkApplied(t *testing.T, m Mutant) {
	was := DefaultSubject()
	s, err := m.Apply(was)
	if err != nil {
		t.Fatal(err)
	}
	if s.Protocol.Name != m.Name {
		t.Errorf("its protocol is named %q", s.Protocol.Name)
	}
	if s.Layout != was.Layout || s.Shape != was.Shape.AtLeast(m.Needs) {
		t.Errorf("layout %s, shape %+v", s.Layout, s.Shape)
	}
	s.Protocol.Name, s.Shape = was.Protocol.Name, was.Shape
	if cmp.Equal(s, was) {
		t.Error("the mutant is the default subject")
	}
	if diff := cmp.Diff(DefaultSubject(), was); diff != "" {
		t.Errorf("what it was applied to changed:\n%s", diff)
	}
}

// TestZooNeedsNothing: every engine judges the zoo in the shape that it is asked for.
func TestZooNeedsNothing(t *testing.T) {
	for _, m := range Zoo() {
		if m.Needs != (Shape{}) {
			t.Errorf("%s needs %+v", m.Name, m.Needs)
		}
	}
}

// TestNeeds: every word of a shape says something of it.
func TestNeeds(t *testing.T) {
	for word, want := range map[string]Shape{
		"indirect": {Indirect: true}, "deep": {Deep: true}, "nested": {Nested: true}, "sites=2": {Sites: 2}, "keys=3": {Keys: 3},
		"copies=1": {Copies: 1}, "mutators=2": {Mutators: 2}, "maps=2": {Maps: 2},
	} {
		var s Shape
		if err := s.need(word); err != nil || s != want {
			t.Errorf("%s: %+v, %v", word, s, err)
		}
	}
	for _, word := range []string{"", "sites", "keys=x", "threads=2"} {
		if err := new(Shape).need(word); err == nil {
			t.Errorf("%q is a need", word)
		}
	}
}

// TestMachineJudges: of a mutant that breaks what the machine engine does not judge, that engine says
// that it is safe.
func TestMachineJudges(t *testing.T) {
	all := []Mutant{{Property: NeverA}, {Property: NoLeak}, {Property: NoMiss}, {Property: Fresh}, {}}
	expect(all, Machine, Safe, machineJudges())
	for i, want := range []Verdict{Violated, Violated, Safe, Safe, Safe} {
		if got := all[i].Expect[Machine]; got != want {
			t.Errorf("of %q: %s, want %s", all[i].Property, got, want)
		}
	}
}

// TestEquivalents: mutants that repeat a built-in protocol are it.
func TestEquivalents(t *testing.T) {
	for mutant, builtIn := range map[string]string{
		"batched-remove": "batched", "lazy-remove": "lazy",
		"sleepable-readers": "kernel-7.0",
	} {
		p, q := named(t, mutant), named(t, builtIn)
		p.Name = q.Name
		if diff := cmp.Diff(q, p); diff != "" {
			t.Errorf("%s differs from %s:\n%s", mutant, builtIn, diff)
		}
	}
}

// TestMutantsAreRead: an entry with a word that nobody knows is none.
func TestMutantsAreRead(t *testing.T) {
	const good = "mutant m\n  breaks never-a\n  why one\n           two\n  remove: drop wait\n  needs keys=2 deep\n"
	all, err := parseMutants("# a comment\n\n" + good)
	if err != nil || len(all) != 1 || all[0].Why != "one two" || all[0].Needs != (Shape{Keys: 2, Deep: true}) {
		t.Errorf("%+v, %v", all, err)
	}
	for bad, want := range map[string]string{
		"  why one":                                 `stands before the first mutant`,
		good + "  because one":                      `mutant m: no line begins with "because"`,
		good + "  needs key=2":                      `no shape needs "key=2"`,
		good + "  needs keys= x":                    `parsing ""`,
		good + "  removal: drop wait":               "no such edit",
		good + "  remove: lose wait":                "no such edit",
		good + "  remove: rewrite wait":             "no such edit",
		good + "  remove: swap bypass=jump or wait": "no such edit",
	} {
		if _, err := parseMutants(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", bad, err, want)
		}
	}
}

// TestAtLeast: a shape that has all of two has each field of either.
func TestAtLeast(t *testing.T) {
	whole := reflect.ValueOf(Shape{Threads: 2, Sites: 3, Programs: 4, Keys: 5, Indirect: true, Same: true, Copies: 6, Mutators: 7, Nested: true, Deep: true, Maps: 8})
	for i := range whole.NumField() {
		name := whole.Type().Field(i).Name
		if whole.Field(i).IsZero() {
			t.Errorf("%s is not tested", name)
		}
		var one Shape
		reflect.ValueOf(&one).Elem().Field(i).Set(whole.Field(i))
		if one.AtLeast(Shape{}) != one || (Shape{}).AtLeast(one) != one {
			t.Errorf("%s is lost", name)
		}
	}
}
