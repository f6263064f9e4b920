package model

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// TestProgress: every operation of the built-in subjects ends, and those of the zoo that
// break nothing else.
func TestProgress(t *testing.T) {
	for _, s := range everySubject(t) {
		plain := check(t, s, Options{})
		r := check(t, s, Options{Progress: true})
		if answerOf(r) != answerOf(plain) || r.States != plain.States || r.Transitions != plain.Transitions {
			t.Errorf("%s: found %v, %d states; without progress %v, %d\n%v",
				nameOf(s), answerOf(r), r.States, answerOf(plain), plain.States, r.Witness)
		}
		if s.Method.Name == "word" {
			if r := check(t, s, Options{Only: protocol.Progress, Threads: 2}); r.Verdict != protocol.Proved {
				t.Errorf("%s: two threads: found %s\n%v", nameOf(s), r.Verdict, r.Witness)
			}
		}
	}
}

// TestProgressGoldens pins what a person gets to read of an operation that never ends.
func TestProgressGoldens(t *testing.T) {
	for _, name := range []string{"wait-inside", "quiet-grace"} {
		s := needy(t, name)
		s.Method = protocol.Methods()[1]
		r := check(t, s, Options{Progress: true})
		if r.Property != protocol.Progress {
			t.Fatalf("%s: found %s %s", name, r.Verdict, r.Property)
		}
		golden(t, name+".word", r.Witness.String())
	}
}

// TestFairness: what would go round for ever under a scheduler, a mutex or a CPU that is
// unfair, ends under the ones that are assumed.
func TestFairness(t *testing.T) {
	retry, err := protocol.ParseMethod("method retry\ntrap=retry; head=int3; sync; tail; sync; head=new; sync")
	if err != nil {
		t.Fatal(err)
	}
	unsynced, err := protocol.ParseMethod("method unsynced\ntrap=retry; head=int3; sync; tail; sync; head=new")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why string
		s   func(*protocol.Subject)
	}{
		{"a thread that traps again and again, while the mutator could move", func(s *protocol.Subject) { s.Method = retry }},
		{"a thread that fetches a stale int3 again and again, while a wait waits for it",
			func(s *protocol.Subject) { s.Method = unsynced }},
		{"a loader that waits for the mutex while operation follows operation",
			func(s *protocol.Subject) { s.Shape.Copies = 1 }},
		{"mutators that wait for each other's pokes",
			func(s *protocol.Subject) { s.Shape.Mutators, s.Protocol.Mutex = 2, protocol.MutexNone }},
		{"a loader that waits for the mutex of a key",
			func(s *protocol.Subject) { s.Shape.Copies, s.Protocol.Mutex = 1, protocol.MutexKey }},
	} {
		s := protocol.DefaultSubject()
		s.Shape.Programs, s.Shape.Same = 1, true
		c.s(&s)
		r := check(t, s, Options{Only: protocol.Progress})
		if r.Verdict != protocol.Proved {
			t.Errorf("%s: found %s\n%v", c.why, r.Verdict, r.Witness)
		}
	}
}

// TestLasso: the cycle of a witness leads back to where it begins, and no actor stands
// still in it but the operation.
func TestLasso(t *testing.T) {
	for _, name := range []string{"wait-inside", "quiet-grace"} {
		for threads := 1; threads <= 3; threads++ {
			s := needy(t, name)
			s.Method = protocol.Methods()[1]
			s.Shape.Programs = 1
			r := check(t, s, Options{Progress: true, Threads: threads})
			if name == "quiet-grace" && threads == 1 {
				// Alone, a thread that has left is not inside: one is not enough here.
				if r.Verdict != protocol.Proved {
					t.Errorf("%s: one thread: found %s", name, r.Verdict)
				}
				continue
			}
			if r.Property != protocol.Progress || r.Witness.Cycle == 0 {
				t.Fatalf("%s: %d threads: found %s %s", name, threads, r.Verdict, r.Property)
			}
			w := r.Witness
			from := len(w.Steps) - w.Cycle
			begin := w.Start
			if from > 0 {
				begin = w.Steps[from-1].View
			}
			if diff := cmp.Diff(begin, w.Steps[len(w.Steps)-1].View); diff != "" {
				t.Errorf("%s: the cycle is not closed:\n%s", name, diff)
			}
			moved := map[witness.Actor]bool{}
			for _, st := range w.Steps[from:] {
				moved[st.Actor] = true
			}
			if len(moved) != threads || moved[witness.Actor{}] {
				t.Errorf("%s: %d threads: in the cycle move %v", name, threads, moved)
			}
		}
	}
}

// TestLassoOfTheFirstHold: a set of one hold is gone round, even if it is the first one.
func TestLassoOfTheFirstHold(t *testing.T) {
	e := explored(t, protocol.DefaultSubject(), 1)
	x := e.sys.initial()
	start := idOf(shardOf(hash(x[:e.sys.words])), 0)
	l := e.lasso([]hold{{id: start, could: moves(0), out: []step{{to: 0, does: moves(0)}}}})
	if l == nil || len(l.stem) != 1 || l.stem[0] != start {
		t.Errorf("%+v", l)
	}
}

// TestLoaderMayHold: a loader may wait for a mutex where it begins, and where it comes to the list.
func TestLoaderMayHold(t *testing.T) {
	sys, err := newSystem(copies(1), 1, true)
	if err != nil {
		t.Fatal(err)
	}
	a := &sys.agents[slices.IndexFunc(sys.agents, func(a agent) bool { return a.loads })]
	e := expander{sys: sys, x: sys.initial()}
	if e.mayHold(a) {
		t.Error("an idle loader waits")
	}
	held := 0
	for action := uint64(0); ; action++ {
		e.x[a.word] = actionField.put(opField.put(0, 1), action)
		act := sys.current(&e.x, a)
		if act == nil {
			break
		}
		may := act.First || act.Kind == protocol.Track || act.Kind == protocol.Untrack || act.Kind == protocol.Poke
		if got := e.mayHold(a); got != may {
			t.Errorf("action %d, %v: waits %v", action, act.Kind, got)
		}
		if may {
			held++
		}
	}
	if held < 2 {
		t.Errorf("%d actions may be held up", held)
	}
}
