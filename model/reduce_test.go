package model

import (
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// sameReduced explores a subject with and without the reduction and wants one answer; of
// a violation, from the reduced exploration alone, only that there is one.
func sameReduced(t failer, s protocol.Subject, threads int) (full, reduced uint64) {
	t.Helper()
	want, err := Check(s, Options{Threads: threads})
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, err := Check(s, Options{Threads: threads, Reduce: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	if answerOf(got) != answerOf(want) || got.States > want.States {
		t.Fatalf("%s %+v: %v, %d states; not reduced %v, %d",
			nameOf(s), s.Shape, answerOf(got), got.States, answerOf(want), want.States)
	}
	sys, err := newSystem(s, threads, true)
	if err != nil {
		t.Fatalf("%v", err)
	}
	sys.reduce = true
	out := newExplorer(sys, noFault, 1, DefaultMaxStates).run()
	if (out.broken != noFault) != (want.Verdict == protocol.Violated) {
		t.Fatalf("%s %+v: reduced, %d is broken; not reduced, found %s %s\n%v%v",
			nameOf(s), s.Shape, out.broken, want.Verdict, want.Property, s.Protocol, s.Method)
	}
	return want.States, got.States
}

// TestReduce: the reduction changes no answer, and saves something.
func TestReduce(t *testing.T) {
	for _, shape := range few(2, []protocol.Shape{
		{Sites: 1, Programs: 2, Keys: 1},
		{Sites: 1, Programs: 1, Keys: 2, Indirect: true, Same: true},
		{Sites: 1, Programs: 1, Keys: 1, Copies: 1},
		{Sites: 1, Programs: 1, Keys: 1, Mutators: 2},
	}) {
		full, reduced := uint64(0), uint64(0)
		for _, s := range everySubject(t) {
			s.Shape, s.Method = shape, shortened(s.Method)
			for threads := 1; threads <= 2-shape.Copies; threads++ {
				f, r := sameReduced(t, s, threads)
				full, reduced = full+f, reduced+r
			}
			s.Protocol.Mutex = protocol.MutexNone
			sameReduced(t, s, 1)
		}
		if reduced >= full {
			t.Errorf("%+v: %d states, reduced %d", shape, full, reduced)
		}
		t.Logf("%+v: %d states, reduced %d", shape, full, reduced)
	}
	for _, m := range few(4, protocol.ModelZoo()) {
		if s := needy(t, m.Name); s.Grace.Kind != protocol.GraceSelf && s.Grace.Kind != protocol.GraceQuiet {
			s.Method = protocol.Methods()[1]
			sameReduced(t, s, 1)
		}
	}
}

func TestReduceAnyProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawAny(t)
		if rapid.Bool().Draw(t, "copy") {
			s.Shape.Sites, s.Shape.Keys, s.Shape.Programs, s.Shape.Copies = 1, 1, 1, 1
			s.Method = protocol.Methods()[1]
			s.Protocol.Load, s.Protocol.Unload = drawLife(t)
		}
		sameReduced(t, s, rapid.IntRange(1, 2).Draw(t, "threads"))
	})
}

// TestReduceSkippedWaits pins what is left where a wait has nothing to wait for: it is the one move
// of its state.
func TestReduceSkippedWaits(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Method = protocol.Methods()[1]
	s.Protocol = parsedProtocol(t, `protocol p
  install  publish; each { target=jump; bypass=nop }
  update   publish; wait if changed; each { target=jump }; retire
  remove   publish; wait if changed; each { bypass=jump; wait; target=nop }; retire`)
	const states, transitions = 286, 516
	if r := check(t, s, Options{Reduce: true}); r.States != states || r.Transitions != transitions {
		t.Errorf("%d states, %d transitions, want %d and %d", r.States, r.Transitions, states, transitions)
	}
}
