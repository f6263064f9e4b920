package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// needy returns the subject of a mutant of the model's own zoo.
func needy(t *testing.T, name string) protocol.Subject {
	t.Helper()
	for _, m := range protocol.ModelZoo() {
		if m.Name != name {
			continue
		}
		s, err := m.Apply(protocol.DefaultSubject())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatalf("no mutant %s", name)
	return protocol.Subject{}
}

// TestModelZoo holds every mutant of the model's own against what is said of it, and
// wants the fault to need the shape that it asks for.
func TestModelZoo(t *testing.T) {
	for _, m := range few(8, protocol.ModelZoo()) {
		t.Run(m.Name, func(t *testing.T) {
			s := needy(t, m.Name)
			r := check(t, s, Options{Progress: true})
			if r.Verdict != m.Expect[protocol.Model] || r.Property != m.Property {
				t.Errorf("found %s %s, want %s %s\n%v",
					r.Verdict, r.Property, m.Expect[protocol.Model], m.Property, r.Witness)
			}
			if r.Witness != nil {
				checkWitness(t, m.Name, r, r.Threads)
			}
			d := protocol.DefaultSubject().Shape
			s.Shape.Indirect, s.Shape.Copies, s.Shape.Mutators = false, 0, 0
			s.Shape.Nested, s.Shape.Deep, s.Shape.Maps = false, false, 0
			if r := check(t, s, Options{}); s.Shape == d && m.Needs != (protocol.Shape{}) && r.Verdict != protocol.Proved {
				t.Errorf("without what it needs: found %s %s", r.Verdict, r.Property)
			}
		})
	}
}

// copies returns the kernel's protocol with copies that come and go.
func copies(n int) protocol.Subject {
	s := protocol.DefaultSubject()
	s.Shape.Copies = n
	return s
}

// TestLoads: the kernel's loads and unloads are proved, and not for want of any.
func TestLoads(t *testing.T) {
	for _, c := range []struct {
		shape  protocol.Shape
		method int
	}{
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Copies: 1}, 0},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1, Same: true, Indirect: true}, 0},
		{protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Copies: 1}, 1},
		{protocol.Shape{Sites: 2, Programs: 1, Keys: 1, Copies: 1}, 1},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 2}, 1},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1, Mutators: 2}, 1},
	} {
		s := protocol.DefaultSubject()
		s.Shape, s.Method = c.shape, protocol.Methods()[c.method]
		r := check(t, s, Options{})
		if r.Verdict != protocol.Proved {
			t.Errorf("%+v: found %s %s\n%v", c.shape, r.Verdict, r.Property, r.Witness)
		}
		if r.Reached.Loads == 0 || r.Reached.Unloads == 0 || r.Reached.Passed == 0 {
			t.Errorf("%+v: %+v", c.shape, r.Reached)
		}
	}
}

// TestFixupOrder: what a wrong order of the fixup does needs executions that begin before
// it; the nearest fault of these is that they miss the key.
func TestFixupOrder(t *testing.T) {
	s := copies(1)
	for _, e := range []protocol.Edit{
		{Of: protocol.OfLoad, Do: protocol.Swap, Step: "target=jump", With: "bypass=nop"},
		{Of: protocol.OfLoad, Do: protocol.Rewrite, With: "track; open; each { read; bypass=nop; target=jump; stable }"},
	} {
		var err error
		if s, err = e.Apply(s); err != nil {
			t.Fatal(err)
		}
		want := protocol.Property("")
		if e.Do == protocol.Rewrite {
			want = protocol.NeverA
		}
		r := check(t, s, Options{Only: protocol.NeverA})
		if r.Property != want {
			t.Errorf("%v: found %s %s\n%v", e, r.Verdict, r.Property, r.Witness)
		}
	}
	// In the right order the executions miss the key, and nothing worse.
	if r := check(t, needy(t, "early-open"), Options{Only: protocol.NeverA}); r.Verdict != protocol.Proved {
		t.Errorf("early-open: found %s %s\n%v", r.Verdict, r.Property, r.Witness)
	}
}

// TestStaleCopy: a copy that missed a change runs, in the end, what was freed.
func TestStaleCopy(t *testing.T) {
	for _, name := range []string{"late-stable", "stale-fixup", "late-track", "unlocked-fixup"} {
		s := needy(t, name)
		s.Method = protocol.Methods()[1]
		for _, p := range []protocol.Property{protocol.Fresh, protocol.NoMiss} {
			if r := check(t, s, Options{Only: p}); r.Property != p {
				t.Errorf("%s: %s: found %s", name, p, r.Verdict)
			}
		}
	}
}

// TestStrayed: a thread in a copy that was freed is found, wherever it is; one that has
// left it by a tail call stands elsewhere.
func TestStrayed(t *testing.T) {
	sys, err := newSystem(copies(1), 1, true)
	if err != nil {
		t.Fatal(err)
	}
	for place := uint64(idle); place <= afterSites; place++ {
		for image := range 2 {
			x := sys.initial() // no copy is there
			word := siteField.put(placeField.put(0, place), uint64(sys.firstOf(image)))
			want := image == 1 && place != idle && place != inProgram
			if got := sys.strayed(&x, word); got != want {
				t.Errorf("image %d, place %d: strayed: %t", image, place, got)
			}
		}
	}
}

// TestLifeGoldens pins what a person gets to read of loads and unloads.
func TestLifeGoldens(t *testing.T) {
	for _, name := range []string{"late-stable", "late-untrack"} {
		s := needy(t, name)
		s.Method = protocol.Methods()[1]
		golden(t, name+".word", check(t, s, Options{}).Witness.String())
	}
}

// TestCutoffOfCopies: one copy stands for several, and one thread for two.
func TestCutoffOfCopies(t *testing.T) {
	list := []protocol.Subject{copies(1)}
	for _, m := range protocol.ModelZoo() {
		if s := needy(t, m.Name); s.Shape.Copies > 0 {
			list = append(list, s)
		}
	}
	for _, s := range few(3, list) {
		s.Method = protocol.Methods()[1]
		s.Shape.Programs = 1
		sameAnswer(t, s, 2, true)
		one := answerOf(check(t, s, Options{}))
		s.Shape.Copies = 2
		for _, plain := range []bool{false, true} {
			two := answerOf(check(t, s, Options{NoSymmetry: plain}))
			if two.verdict != one.verdict || two.property != one.property {
				t.Errorf("%s: two copies answer %v, one answers %v", nameOf(s), two, one)
			}
		}
	}
}
