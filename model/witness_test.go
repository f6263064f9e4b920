package model

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestGolden pins what a person gets to read.
func TestGolden(t *testing.T) {
	word := protocol.Methods()[1]
	for _, c := range []struct {
		file, mutant string
		method       *protocol.Method
		shape        protocol.Shape
		threads      int
	}{
		{file: "no-grace.int3", mutant: "no-grace"},
		{file: "no-grace.word", mutant: "no-grace", method: &word},
		{file: "update-through-c.two-sites", mutant: "update-through-c", method: &word,
			shape: protocol.Shape{Sites: 2, Programs: 2, Keys: 2}},
		{file: "forget-reader.two-threads", mutant: "forget-reader", method: &word, threads: 2},
	} {
		s := mutant(t, c.mutant)
		if c.method != nil {
			s.Method = *c.method
		}
		if c.shape.Sites != 0 {
			s.Shape = c.shape
		}
		golden(t, c.file, check(t, s, Options{Threads: c.threads}).Witness.String())
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	name := "testdata/" + file + ".golden"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestMemoryNeverShowsA: without a grace period memory goes B, D, C, and the thread
// falls through all the same. Whoever watches bytes calls this protocol safe.
func TestMemoryNeverShowsA(t *testing.T) {
	s := mutant(t, "no-grace")
	s.Method = protocol.Methods()[1]
	r := check(t, s, Options{})
	states := r.Witness.Start.Sites[0].StateText()
	for _, step := range r.Witness.Steps {
		if s := step.Sites[0].StateText(); !strings.HasSuffix(states, s) {
			states += s
		}
	}
	if states != "CDBDC" || r.Property != protocol.NeverA || r.Reached.A != 0 {
		t.Errorf("memory shows %s, the exploration shows A %d times, violates %s",
			states, r.Reached.A, r.Property)
	}
}

// TestWitnesses: every witness can be read from its first step to its last.
func TestWitnesses(t *testing.T) {
	for _, s := range everySubject(t) {
		for threads := 1; threads <= 2; threads++ {
			r := check(t, s, Options{Threads: threads})
			if (r.Witness != nil) != (r.Verdict == protocol.Violated) {
				t.Fatalf("%s: %s, witness %v", nameOf(s), r.Verdict, r.Witness)
			}
			if r.Witness != nil {
				checkWitness(t, nameOf(s), r, threads)
				checkEvents(t, s, r.Witness)
			}
		}
	}
}

func checkWitness(t *testing.T, name string, r *Result, threads int) {
	t.Helper()
	if len(r.Witness.Steps) != r.Depth || r.Witness.Property != r.Property {
		t.Errorf("%s: witness of %d steps, depth %d", name, len(r.Witness.Steps), r.Depth)
	}
	before := r.Witness.Start
	for j, at := range before.Threads {
		if want := standing(witness.Idle); at != want {
			t.Errorf("%s: thread %d begins %s", name, j, r.Witness.Where(at))
		}
	}
	for i, s := range r.Witness.Steps {
		thread := s.Actor.Kind == witness.Thread
		known := slices.Contains(r.Witness.Agents, s.Actor) || thread && s.Actor.Index < threads
		if text := r.Witness.Words(&s); !known || text == "" || strings.Contains(text, "\n") {
			t.Errorf("%s: step %d: %v, text %q", name, i+1, s.Actor, text)
		}
		for j := range threads {
			if !(thread && j == s.Actor.Index) && s.Threads[j] != before.Threads[j] {
				t.Errorf("%s: step %d of %v moves thread %d", name, i+1, s.Actor, j)
			}
		}
		if ends := i == len(r.Witness.Steps)-1; thread && !leads(&s.Action, before.Threads[s.Actor.Index], s.Threads[s.Actor.Index], ends) {
			t.Errorf("%s: step %d: %s leads from %s to %s", name, i+1, r.Witness.Words(&s),
				r.Witness.Where(before.Threads[s.Actor.Index]), r.Witness.Where(s.Threads[s.Actor.Index]))
		}
		if thread && cmp.Diff(before.Sites, s.Sites) != "" {
			t.Errorf("%s: step %d: a thread writes a slot", name, i+1)
		}
		if a := &s.Action; thread && a.Do != witness.Fetch && a.Do != witness.Handle && a.Text != witness.Act(a.Do).Text {
			t.Errorf("%s: step %d executes a slot's text: %s", name, i+1, r.Witness.Words(&s))
		}
		before = s.View
	}
}

// standing is a position that is no slot's and no program's.
func standing(at witness.Place) witness.Position {
	return witness.Position{Place: at, Program: witness.None, Off: witness.None}
}

// leads says whether a thread may come from one position to another by an action. A step that breaks
// something leaves it anywhere, unless the thread ends its execution with it.
func leads(a *witness.Action, from, to witness.Position, ends bool) bool {
	at := standing(witness.AtSlot)
	at.Site, at.Slot = a.Site, a.Slot
	in := standing(witness.InProgram)
	in.Program = a.Prog
	onward := to == standing(witness.PastSites) || to.Place == witness.InProgram || to.Place == witness.AtSlot && to.Slot == 0
	switch a.Do {
	case witness.Run, witness.Leave:
		return to == standing(witness.Idle)
	case witness.Epoch:
		return to == standing(witness.Entering)
	case witness.Enter:
		at = standing(witness.AtSlot)
		at.Site = to.Site
		return to == at && from.Place != witness.AtSlot
	case witness.Drain:
		return to == from
	case witness.Back:
		at.Slot = 0
		return to == at && from == in
	case witness.Read:
		return a.Prog != witness.None && to == in || a.Prog == witness.None && to == standing(witness.PastSites) || ends
	case witness.Trap:
		at.Trapped = true
		return to == at || ends
	case witness.Retry, witness.Late:
		return to == at || to.Place == witness.InProgram || ends
	case witness.Fetch, witness.Handle:
		switch c, _ := a.Text.Content(); {
		case a.Slot == protocol.Target && c == protocol.Jump:
			in.Program = a.Text.Tail
			return to == in || ends
		case a.Slot == protocol.Bypass && c == protocol.Nop:
			at.Slot = protocol.Target
			return to == at || ends
		}
		return onward || ends
	}
	return ends
}

// checkEvents holds the events of a witness against the definition: between Called and
// Returned stand the actions of the unrolled operation, in their order.
func checkEvents(t *testing.T, s protocol.Subject, w *witness.Witness) {
	t.Helper()
	var rest []protocol.Action
	for i, step := range w.Steps {
		e := step.Event
		switch {
		case e == nil:
		case e.Kind == protocol.Called:
			rest = s.Protocol.Unroll(e.Op, s.Shape.Sites) // one key, so all sites are its own
		case e.Kind == protocol.Returned && len(rest) == 0:
		case e.Kind != protocol.Returned && len(rest) > 0 && fits(*e, rest[0]):
			rest = rest[1:]
		default:
			t.Errorf("%s: step %d: event %v, but %v is left to do", nameOf(s), i+1, e, rest)
		}
	}
}

func fits(e protocol.Event, a protocol.Action) bool {
	kinds := map[protocol.EventKind]protocol.StepKind{
		protocol.Published: protocol.Publish, protocol.Poked: protocol.Poke,
		protocol.Waited: protocol.Wait, protocol.WaitSkipped: protocol.Wait,
		protocol.Retired: protocol.Retire, protocol.Freed: protocol.Free,
	}
	return kinds[e.Kind] == a.Kind && e.Desc == a.Desc && e.Slot == a.Slot && e.To == a.To
}
