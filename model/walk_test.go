package model_test

import (
	"testing"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// TestWalk: the steps of a witness can be walked, the last one breaks what the witness says, and what
// was walked is that witness.
func TestWalk(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Threads: 1}
	var err error
	if s.Grace, err = protocol.GraceByName("sleep"); err != nil {
		t.Fatal(err)
	}
	found, err := model.Check(s, model.Options{})
	if err != nil || found.Witness == nil {
		t.Fatalf("%+v, %v", found, err)
	}
	w, err := model.NewWalk(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	var last *model.Move
	for i, c := range found.Witness.Choices() {
		moves, at := w.Moves(), -1
		for n := range moves {
			if moves[n].Same(c) {
				at = n
			}
		}
		if at < 0 {
			t.Fatalf("step %d, %v, cannot be walked", i+1, c)
		}
		if last = &moves[at]; (last.Breaks != "") != (i == len(found.Witness.Steps)-1) {
			t.Fatalf("step %d breaks %q", i+1, last.Breaks)
		}
		w.Take(last)
	}
	if last.Breaks != found.Property || w.Steps() != len(found.Witness.Steps) {
		t.Errorf("%d steps break %s, want %d and %s", w.Steps(), last.Breaks, len(found.Witness.Steps), found.Property)
	}
	if got := w.Witness(last); got.String() != found.Witness.String() {
		t.Errorf("walked:\n%swant:\n%s", got, found.Witness)
	}
}

// TestWalkBegins: nothing is possible at first but operations, and an execution.
func TestWalkBegins(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1}
	w, err := model.NewWalk(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range w.Moves() {
		if m.Action.Do != witness.Call && m.Action.Do != witness.Enter || m.Breaks != "" {
			t.Errorf("%v", m.Choice)
		}
	}
	if len(w.Moves()) != 2 {
		t.Errorf("%d moves", len(w.Moves()))
	}
}
