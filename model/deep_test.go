package model

import (
	"errors"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// deep returns the subject with programs that have sites.
func deep(s protocol.Subject) protocol.Subject {
	s.Shape.Deep = true
	return s
}

// TestDeep: the built-in protocols are proved, and not for want of anything; the operations
// of the kernel's end.
func TestDeep(t *testing.T) {
	for _, p := range few(1, protocol.Protocols()) {
		for _, shape := range []protocol.Shape{
			{Sites: 1, Programs: 2, Keys: 1, Deep: true},
			{Sites: 1, Programs: 3, Keys: 1, Deep: true, Same: true},
			{Sites: 2, Programs: 2, Keys: 2, Deep: true, Nested: true, Indirect: true},
			{Sites: 1, Programs: 2, Keys: 1, Deep: true, Nested: true, Copies: 1},
			{Sites: 1, Programs: 2, Keys: 1, Deep: true, Mutators: 2},
		} {
			s := protocol.DefaultSubject()
			s.Protocol, s.Method, s.Shape = p, protocol.Methods()[1], shape
			r := check(t, s, Options{Progress: true})
			if r.Verdict != protocol.Proved {
				t.Errorf("%s %+v: found %s %s\n%v", p.Name, shape, r.Verdict, r.Property, r.Witness)
			}
			if r.Reached.Arrivals == 0 || r.Reached.Passed == 0 || r.Reached.A != 0 {
				t.Errorf("%s %+v: %+v", p.Name, shape, r.Reached)
			}
		}
	}
}

// TestDeepZoo: that programs have sites absolves no mutant of the zoo, and convicts none.
func TestDeepZoo(t *testing.T) {
	for _, m := range protocol.Zoo() {
		s := deep(mutant(t, m.Name))
		r := check(t, s, Options{})
		want := m.Property
		if m.Name == "forget-reader" || m.Name == "sleep-grace" {
			want = protocol.NeverA // a way to what is freed is longer, for there are more pokes
		}
		if r.Property != want {
			t.Errorf("%s: found %s %q, want %q\n%v", m.Name, r.Verdict, r.Property, want, r.Witness)
		}
	}
	for _, name := range []string{"free-without-wait", "no-barrier", "counter", "wait-inside", "quiet-grace"} {
		s := needy(t, name)
		want := check(t, s, Options{Progress: true}).Property
		if r := check(t, deep(s), Options{Progress: true}); r.Property != want {
			t.Errorf("%s: found %s %q, want %q\n%v", name, r.Verdict, r.Property, want, r.Witness)
		}
	}
}

// TestDeepExecutions: a thread takes a tail call in a program that it has tail-called,
// into another one and into the same, meets a trap there, and has its duties all along.
func TestDeepExecutions(t *testing.T) {
	s := deep(protocol.DefaultSubject())
	e := explored(t, s, 1)
	own := 0
	met := map[string]bool{}
	for _, x := range allStates(e) {
		word := x[e.sys.threads]
		if site := int(siteField.of(word)); e.sys.programOf(e.sys.imageOf(site)) > 0 {
			own++
			for s := range protocol.Slots {
				met["trapped "+protocol.Slot(s).String()] = met["trapped "+protocol.Slot(s).String()] || placeField.of(word) == trappedAt(protocol.Slot(s))
			}
			if placeField.of(word) == atSlots {
				t.Fatal("a thread has decided for a site of a program")
			}
		}
		g := expander{sys: e.sys, x: x}
		g.found = func(m move, _ fault) {
			after := g.y[e.sys.threads]
			if m.kind == moveFetch || m.kind == moveTrap {
				a := witness.Act(witness.Fetch)
				if e.sys.slotAction(&a, word, after, m); a.Site != int(m.arg) {
					t.Fatalf("at site %d, and the witness says %d", m.arg, a.Site)
				}
			}
			if m.kind != moveFetch || e.sys.programOf(e.sys.imageOf(int(m.arg))) == 0 || placeField.of(after) != inProgram {
				return
			}
			from, to := e.sys.programOf(e.sys.imageOf(int(m.arg))), progField.of(after)
			switch {
			case placeField.of(word) == inProgram:
				met["skips"] = true
			case from == to:
				met["itself"] = true
			default:
				met["another"] = true
			}
			if freshField.at(0).of(after) == 0 {
				t.Fatal("a thread has lost its duties")
			}
		}
		g.expand()
	}
	for _, what := range []string{"trapped bypass", "trapped target", "skips", "itself", "another"} {
		if !met[what] {
			t.Errorf("%s: never, in %d states at a site of a program", what, own)
		}
	}
}

// TestDeepStrayed: a thread at a site of a program that was freed is found.
func TestDeepStrayed(t *testing.T) {
	sys, err := newSystem(deep(protocol.DefaultSubject()), 1, true)
	if err != nil {
		t.Fatal(err)
	}
	x := sys.initial()
	x[0] = withStatus(x[0], 2, freed)
	for p := uint64(1); p <= 2; p++ {
		word := siteField.put(placeField.put(0, standingAt(protocol.Target)), uint64(sys.firstOf(sys.imageOfProgram(p))))
		if got := sys.strayed(&x, word); got != (p == 2) {
			t.Errorf("p%d: strayed: %t", p-1, got)
		}
	}
}

// TestDeepUnsupported: what is not taken whole is refused, and not judged as if it were.
func TestDeepUnsupported(t *testing.T) {
	for _, name := range []string{"late-stable", "no-fixup", "early-untrack", "no-mutex", "key-mutex", "two-maps"} {
		if _, err := Check(deep(needy(t, name)), Options{}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	s := deep(protocol.DefaultSubject())
	s.Shape.Sites, s.Shape.Keys, s.Shape.Programs = 3, 3, 2
	if _, err := Check(s, Options{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("nine sites: error %v", err)
	}
}

// TestDeepGolden pins what a person gets to read of sites in programs.
func TestDeepGolden(t *testing.T) {
	s := needy(t, "late-forget")
	s.Method = protocol.Methods()[1]
	golden(t, "late-forget.word", check(t, s, Options{}).Witness.String())
}
