package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// counted returns a subject with a flavour of the model's own.
func counted(t *testing.T, s protocol.Subject, name string) protocol.Subject {
	t.Helper()
	for _, g := range protocol.ModelGraces() {
		if g.Name == name {
			s.Grace = g
			return s
		}
	}
	t.Fatalf("no flavour %s", name)
	return s
}

// TestCounterKeepsItsPromise: what is proved, or broken, with grace periods by what they
// are to achieve, is so by how they are carried out, and every operation still ends.
func TestCounterKeepsItsPromise(t *testing.T) {
	for _, shape := range []protocol.Shape{
		protocol.DefaultSubject().Shape,
		{Sites: 1, Programs: 2, Keys: 2, Indirect: true, Same: true},
		{Sites: 1, Programs: 1, Keys: 1, Copies: 1},
	} {
		for _, s := range everySubject(t) {
			if s.Grace.Kind != protocol.GraceEpoch || s.Protocol.NamesGraces() {
				continue
			}
			s.Shape, s.Method = shape, shortened(s.Method)
			want := check(t, s, Options{})
			r := check(t, counted(t, s, "counter"), Options{Progress: true})
			if r.Verdict != want.Verdict || r.Property != want.Property {
				t.Errorf("%s %+v: found %s %s, want %s %s\n%v",
					nameOf(s), shape, r.Verdict, r.Property, want.Verdict, want.Property, r.Witness)
			}
			if r.Witness != nil {
				checkWitness(t, nameOf(s), r, 1)
			}
		}
	}
}

// TestNoBarrierGolden: without the barrier, whether anything is lost depends on whether a poke
// stands between what readers must not meet any more and the look at their slots.
func TestNoBarrierGolden(t *testing.T) {
	s := counted(t, protocol.DefaultSubject(), "no-barrier")
	if r := check(t, s, Options{}); r.Verdict != protocol.Proved {
		t.Errorf("direct callers: found %s\n%v", r.Verdict, r.Witness)
	}
	s.Shape.Indirect = true
	if r := check(t, s, Options{}); r.Verdict != protocol.Proved {
		t.Errorf("a site for every key: found %s\n%v", r.Verdict, r.Witness)
	}
	s.Shape.Keys = 2
	r := check(t, s, Options{})
	if r.Property != protocol.NoUseAfterFree {
		t.Fatalf("a key without a site: found %s %s", r.Verdict, r.Property)
	}
	golden(t, "no-barrier", r.Witness.String())
	checkWitness(t, "no-barrier", r, 1)
	// A late exchange leaves no sync after it, whatever was poked before.
	late := counted(t, needy(t, "late-publish"), "no-barrier")
	if r := check(t, late, Options{}); r.Property != protocol.NoUseAfterFree {
		t.Errorf("late-publish: found %s %s", r.Verdict, r.Property)
	}
	if r := check(t, counted(t, late, "counter"), Options{}); r.Verdict != protocol.Proved {
		t.Errorf("late-publish with the barrier: found %s\n%v", r.Verdict, r.Witness)
	}
}

// TestCutoffOfEpochs: one thread stands for two, and for three.
func TestCutoffOfEpochs(t *testing.T) {
	for _, name := range []string{"counter", "no-barrier"} {
		for _, shape := range few(1, []protocol.Shape{
			{Sites: 1, Programs: 2, Keys: 1},
			{Sites: 1, Programs: 1, Keys: 2, Indirect: true},
		}) {
			s := counted(t, protocol.DefaultSubject(), name)
			s.Shape, s.Method = shape, protocol.Methods()[1]
			sameAnswer(t, s, 2, true)
			s.Shape.Programs = 1
			sameAnswer(t, s, 3, true)
		}
	}
}

// TestEpochCounts pins small spaces: a reader that is only about to store may be waited
// for or not, and no verdict tells the difference.
func TestEpochCounts(t *testing.T) {
	for _, c := range []struct {
		grace               string
		threads             int
		states, transitions uint64
	}{
		{"counter", 1, 808, 2300},
		{"counter", 2, 6973, 29097},
		// The same: that a marked reader's store is still hidden happens with a barrier too,
		// to one that was about to store.
		{"no-barrier", 1, 808, 2300},
	} {
		s := counted(t, protocol.DefaultSubject(), c.grace)
		s.Method = protocol.Methods()[1]
		r := check(t, s, Options{Threads: c.threads})
		if r.Verdict != protocol.Proved || r.States != c.states || r.Transitions != c.transitions {
			t.Errorf("%s, %d threads: found %s, %d, %d; want proved, %d, %d",
				c.grace, c.threads, r.Verdict, r.States, r.Transitions, c.states, c.transitions)
		}
	}
}
