package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// nested returns a subject whose tail calls may be a subprogram's.
func nested(s protocol.Subject) protocol.Subject {
	s.Shape.Nested = true
	return s
}

// TestNestedZoo: that programs return into the caller absolves no mutant of the zoo, and
// convicts none: what comes back is held up like everybody, and meets what a new execution
// meets.
func TestNestedZoo(t *testing.T) {
	for _, shape := range []protocol.Shape{
		{Sites: 1, Programs: 2, Keys: 1, Nested: true}, // a subprogram that is called again
		{Sites: 2, Programs: 2, Keys: 1, Nested: true},
		{Sites: 2, Programs: 2, Keys: 2, Nested: true},
	} {
		for _, m := range protocol.Zoo() {
			s := mutant(t, m.Name)
			s.Shape, s.Method = shape, shortened(s.Method)
			r := check(t, s, Options{Progress: true})
			s.Shape.Nested = false
			if want := check(t, s, Options{}); answerOf(r) != answerOf(want) {
				t.Errorf("%s %+v: found %v, want %v\n%v", m.Name, shape, answerOf(r), answerOf(want), r.Witness)
			}
			if m.Safe() && r.Reached.Backs == 0 {
				t.Errorf("%s: no program returned", m.Name)
			}
		}
	}
}

// TestNestedReaches: as long as a key holds a program, only a thread that comes back from it gets
// to the sites after the first one.
func TestNestedReaches(t *testing.T) {
	for _, back := range []bool{false, true} {
		s := protocol.DefaultSubject()
		s.Method = protocol.Methods()[1]
		s.Shape = protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Nested: back}
		hit := false
		e := explored(t, s, 1)
		for i := range e.shards {
			for j := range e.shards[i].len() {
				var x state
				copy(x[:], e.shards[i].key(uint32(j)))
				word := x[e.sys.threads]
				// Site 0 was open when the thread entered, and is: key 0 held p0 all along.
				hit = hit || placeField.of(word) == atSlots && siteField.of(word) == 1 &&
					mustField.at(0).of(word) == 1
			}
		}
		if hit != back {
			t.Errorf("nested %t: after an open site: %t", back, hit)
		}
	}
}

// TestNestedDuties: what an execution may run, and must not miss, it keeps in a program,
// and operations change it there.
func TestNestedDuties(t *testing.T) {
	sys, err := newSystem(nested(protocol.DefaultSubject()), 1, true)
	if err != nil {
		t.Fatal(err)
	}
	g := expander{sys: sys, x: sys.initial()}
	in := mustField.at(0).put(freshField.at(0).put(0, programBit(1)), 1)
	in = progField.put(placeField.put(in, inProgram), 1)
	g.x[0] = withStatus(heldField.at(0).put(g.x[0], 1), 1, held)
	g.x[sys.threads] = in
	var given, back uint64
	g.found = func(m move, _ fault) {
		word := g.y[sys.threads]
		switch m.kind {
		case moveUpdate:
			given = freshField.at(0).of(word)
		case moveRemove:
			if mustField.at(0).of(word) != 0 {
				t.Error("a remove leaves the duty not to miss")
			}
		case moveBack:
			back = word
			if a := sys.threadAction(&g.x, &g.y, m); a.Prog != 0 || a.Site != 0 {
				t.Errorf("comes back from program %d to site %d", a.Prog, a.Site)
			}
		}
	}
	g.expand()
	if given != programBit(1)|programBit(2) {
		t.Errorf("after the call of an update the programs %b may be run", given)
	}
	if want := progField.put(placeField.put(in, atSlots), 0); back != want {
		t.Errorf("comes back as %#x, want %#x", back, want)
	}
}

// TestNestedEnds: an execution that comes back again and again ends some time, so that it
// holds up no operation for ever.
func TestNestedEnds(t *testing.T) {
	s := nested(protocol.DefaultSubject())
	s.Shape.Sites, s.Shape.Keys, s.Shape.Indirect = 2, 2, true
	for _, programs := range []int{1, 2} {
		s.Shape.Programs = programs
		if r := check(t, s, Options{Progress: true}); r.Verdict != protocol.Proved {
			t.Errorf("%d programs: found %s %s\n%v", programs, r.Verdict, r.Property, r.Witness)
		}
	}
	s.Grace.Kind = protocol.GraceSelf
	if r := check(t, s, Options{Progress: true}); r.Property != protocol.Progress {
		t.Errorf("a wait inside: found %s %s", r.Verdict, r.Property)
	}
}
