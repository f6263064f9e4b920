package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// TestSameProgram: an update to the program that the key holds pokes nothing and frees
// nothing, so that a single program makes updates.
func TestSameProgram(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape.Programs = 1
	if r := check(t, s, Options{}); r.Reached.Updates != 0 {
		t.Errorf("without Same: %d updates", r.Reached.Updates)
	}
	s.Shape.Same = true
	r := check(t, s, Options{})
	if r.Verdict != protocol.Proved || r.Reached.Updates == 0 || r.Reached.NothingToDo == 0 {
		t.Errorf("found %s, %d updates, %d pokes in vain\n%v",
			r.Verdict, r.Reached.Updates, r.Reached.NothingToDo, r.Witness)
	}
}

// TestSameProgramZoo: of the mutants, those whose fault is not the update's alone are
// found with one program, and the update that goes through C too.
func TestSameProgramZoo(t *testing.T) {
	for _, m := range protocol.Zoo() {
		s := mutant(t, m.Name)
		s.Shape.Programs, s.Shape.Same = 1, true
		want := m.Property
		switch m.Name {
		case "free-on-update", "sleepable-freed":
			want = "" // the reference that is put is not the last one
		case "forget-reader", "sleep-grace":
			want = protocol.NeverA // what was nearer, an update that frees, is gone
		}
		if r := check(t, s, Options{}); r.Property != want {
			t.Errorf("%s: found %s %q, want %q\n%v", m.Name, r.Verdict, r.Property, want, r.Witness)
		}
	}
}
