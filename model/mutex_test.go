package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// mutators returns a subject with two mutators and a mutex.
func mutators(s protocol.Subject, m protocol.Mutex) protocol.Subject {
	s.Shape.Mutators, s.Protocol.Mutex = 2, m
	return s
}

// TestMutexOfMap: with the mutex two mutators are one, to the last state: whose turn it
// is does not matter.
func TestMutexOfMap(t *testing.T) {
	for _, s := range everySubject(t) {
		one, two := check(t, s, Options{}), check(t, mutators(s, protocol.MutexMap), Options{})
		if answerOf(one) != answerOf(two) || one.States != two.States || one.Transitions != two.Transitions {
			t.Errorf("%s: one mutator %v, %d states; two %v, %d",
				nameOf(s), answerOf(one), one.States, answerOf(two), two.States)
		}
	}
}

// TestNoMutexGolden: without it everything goes wrong that the mutex is there for.
func TestNoMutexGolden(t *testing.T) {
	s := mutators(protocol.DefaultSubject(), protocol.MutexNone)
	for _, p := range []protocol.Property{
		protocol.NeverA, protocol.ExpectedBytes, protocol.Fresh, protocol.NoMiss, protocol.NoUseAfterFree,
	} {
		r := check(t, s, Options{Only: p})
		if r.Property != p {
			t.Errorf("%s: found %s, %d states", p, r.Verdict, r.States)
			continue
		}
		checkWitness(t, "no-mutex", r, 1)
	}
	// Single pokes exclude each other all the same.
	if r := check(t, s, Options{Only: protocol.NoTorn}); r.Verdict != protocol.Proved {
		t.Errorf("no-torn: found %s\n%v", r.Verdict, r.Witness)
	}
	s.Method = protocol.Methods()[1]
	golden(t, "no-mutex.word", check(t, s, Options{Only: protocol.NeverA}).Witness.String())
}

// TestMutexOfKey: operations on different keys meet nowhere, so that each key may have a
// mutex of its own; the mutants are found under it as they are under the map's.
func TestMutexOfKey(t *testing.T) {
	for _, s := range everySubject(t) {
		s.Shape = protocol.Shape{Sites: 2, Programs: 1, Keys: 2}
		s.Method = shortened(s.Method)
		want := check(t, s, Options{})
		r := check(t, mutators(s, protocol.MutexKey), Options{})
		if answerOf(r) != answerOf(want) {
			t.Errorf("%s: found %v, want %v\n%v", nameOf(s), answerOf(r), answerOf(want), r.Witness)
		}
		if r.Verdict == protocol.Proved && r.States <= want.States {
			t.Errorf("%s: nothing interleaved", nameOf(s))
		}
	}
}

// shortened exchanges the kernel's method for the short one, so that spaces stay small.
func shortened(m protocol.Method) protocol.Method {
	if m.String() == protocol.Methods()[0].String() {
		return protocol.Methods()[1]
	}
	return m
}

// TestCutoffOfMutators: one thread stands for two, symmetry or none.
func TestCutoffOfMutators(t *testing.T) {
	for _, m := range []protocol.Mutex{protocol.MutexMap, protocol.MutexNone} {
		for _, s := range everySubject(t) {
			s.Method = shortened(s.Method)
			s.Shape.Programs = 1
			s.Shape.Same = true
			sameAnswer(t, mutators(s, m), 2, true)
		}
	}
}
