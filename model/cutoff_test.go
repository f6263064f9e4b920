package model

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// answer is what the cutoff argument says is the same for every number of threads.
type answer struct {
	verdict  protocol.Verdict
	property protocol.Property
	length   int // of a shortest witness
}

func answerOf(r *Result) answer {
	a := answer{verdict: r.Verdict, property: r.Property}
	if r.Witness != nil {
		a.length = len(r.Witness.Steps)
	}
	return a
}

// A failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// sameAnswer explores a subject with every number of threads up to most, with symmetry
// and as plain says without, and wants one answer.
func sameAnswer(t failer, s protocol.Subject, most int, plain ...bool) {
	t.Helper()
	var want answer
	for threads := 1; threads <= most; threads++ {
		for _, plain := range append(plain, false) {
			r, err := Check(s, Options{Threads: threads, NoSymmetry: plain})
			if err != nil {
				t.Fatalf("%v", err)
			}
			got := answerOf(r)
			if want.verdict == "" {
				want = got
			}
			if got != want {
				t.Fatalf("%s %+v: %d threads (symmetry %t) answer %v, one answers %v\n%v",
					nameOf(s), s.Shape, threads, !plain, got, want, r.Witness)
			}
		}
	}
}

// allSubjects lists the built-in subjects and the mutants.
func allSubjects(t *testing.T) []protocol.Subject {
	out := builtin()
	for _, m := range protocol.Zoo() {
		out = append(out, mutant(t, m.Name))
	}
	return out
}

// everySubject lists all subjects; with -short, one of five.
func everySubject(t *testing.T) []protocol.Subject {
	out := allSubjects(t)
	if testing.Short() {
		n := 0
		out = slices.DeleteFunc(out, func(protocol.Subject) bool { n++; return n%5 != 1 })
	}
	return out
}

func TestCutoff(t *testing.T) {
	for _, s := range everySubject(t) {
		most := 2
		if s.Method.Name != "int3" || !testing.Short() && s.Grace.Kind != protocol.GraceEpoch {
			most = 3
		}
		sameAnswer(t, s, most, true)
	}
}

// TestCutoffShapes does the same for other shapes, with the short method so that two
// threads stay small.
func TestCutoffShapes(t *testing.T) {
	for _, shape := range few(1, []protocol.Shape{
		{Sites: 2, Programs: 2, Keys: 1},
		{Sites: 2, Programs: 2, Keys: 2},
		{Sites: 1, Programs: 3, Keys: 1},
		{Sites: 1, Programs: 1, Keys: 2}, // a key without a site
		{Sites: 1, Programs: 2, Keys: 2, Indirect: true, Same: true},
		{Sites: 2, Programs: 1, Keys: 2, Nested: true, Same: true},
		{Sites: 1, Programs: 2, Keys: 1, Deep: true},
		{Sites: 2, Programs: 1, Keys: 2, Deep: true, Nested: true, Indirect: true, Same: true},
	}) {
		t.Run(fmt.Sprintf("%+v", shape), func(t *testing.T) {
			for _, s := range everySubject(t) {
				s.Shape = shape
				if s.Method.String() == protocol.Methods()[0].String() {
					s.Method = protocol.Methods()[1]
				}
				sameAnswer(t, s, 2)
			}
		})
	}
}

// TestCutoffOfAnyProtocol draws protocols and methods at random, most of them wrong.
func TestCutoffOfAnyProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sameAnswer(t, drawAny(t), 2, true)
	})
}

// drawSubject draws steps as the grammar allows them, in any order.
func drawSubject(t *rapid.T) protocol.Subject {
	s := protocol.DefaultSubject()
	s.Grace = rapid.SampledFrom(protocol.Graces()).Draw(t, "grace")
	s.Protocol.Name = "drawn"
	s.Protocol.Readers = rapid.SampledFrom([][]protocol.Reader{
		nil, nil, {{Name: "a", Graces: drawGraces(t)}, {Name: "b", Graces: drawGraces(t)}},
	}).Draw(t, "readers")
	for op := range protocol.OpKinds {
		s.Protocol.Ops[op] = drawSteps(t, protocol.OpKind(op))
	}
	s.Method = protocol.Method{
		Name:  "drawn",
		Trap:  protocol.TrapAnswer(rapid.IntRange(0, int(protocol.TrapRetry)).Draw(t, "trap")),
		Steps: drawMicros(t),
	}
	s.Shape = protocol.Shape{
		Sites:    rapid.IntRange(1, 2).Draw(t, "sites"),
		Programs: rapid.IntRange(1, 2).Draw(t, "programs"),
		Keys:     rapid.IntRange(1, 2).Draw(t, "keys"),
		Indirect: rapid.Bool().Draw(t, "indirect"),
		Same:     rapid.Bool().Draw(t, "same"),
	}
	return s
}

// drawAny draws what other engines and languages do not have, too.
func drawAny(t *rapid.T) protocol.Subject {
	s := drawSubject(t)
	s.Shape.Nested = rapid.Bool().Draw(t, "nested")
	return s
}

func drawSteps(t *rapid.T, op protocol.OpKind) []protocol.Step {
	body := []protocol.Step{
		{Kind: protocol.Wait, Grace: drawGrace(t)},
		{Kind: protocol.Poke, Slot: protocol.Bypass, To: protocol.Nop},
		{Kind: protocol.Poke, Slot: protocol.Bypass, To: protocol.Jump},
		{Kind: protocol.Poke, Slot: protocol.Target, To: protocol.Nop},
	}
	if op.Gives() {
		give := protocol.Step{Kind: protocol.Poke, Slot: protocol.Target, To: protocol.Jump}
		body = append(body, give)
	}
	steps := []protocol.Step{{Kind: protocol.Publish}, {Kind: protocol.Wait, Grace: drawGrace(t)}}
	if op.Replaces() {
		retire, free := protocol.Step{Kind: protocol.Retire, Grace: drawGrace(t)}, protocol.Step{Kind: protocol.Free}
		steps = append(steps, retire, free)
	}
	out := rapid.SliceOfN(rapid.SampledFrom(steps), 0, 2).Draw(t, "before")
	if rapid.Bool().Draw(t, "each") {
		body := rapid.SliceOfN(rapid.SampledFrom(body), 0, 3).Draw(t, "body")
		out = append(out, protocol.Step{Kind: protocol.Each, Body: body})
	}
	return append(out, rapid.SliceOfN(rapid.SampledFrom(steps), 0, 2).Draw(t, "after")...)
}

// drawGrace draws the grace period of a step: mostly the subject's own.
func drawGrace(t *rapid.T) protocol.Period {
	return rapid.SampledFrom([]protocol.Period{
		protocol.OwnPeriod, protocol.OwnPeriod, protocol.RCU, protocol.Epoch,
	}).Draw(t, "grace")
}

// drawGraces draws what waits for a kind of readers.
func drawGraces(t *rapid.T) []protocol.Period {
	return rapid.SampledFrom([][]protocol.Period{
		{protocol.Epoch}, {protocol.RCU}, {protocol.RCU, protocol.Epoch}, {protocol.SRCU},
	}).Draw(t, "graces")
}

func drawMicros(t *rapid.T) []protocol.MicroStep {
	micro := rapid.SampledFrom(microSteps("head=int3", "tail", "head=new", "all", "bytes", "sync"))
	return rapid.OneOf(
		rapid.SliceOfN(micro, 1, 4),
		rapid.Just(protocol.Methods()[0].Steps),
		rapid.Just(protocol.Methods()[1].Steps),
	).Draw(t, "micros")
}

// microSteps are the steps that the method grammar calls by these words.
func microSteps(words ...string) []protocol.MicroStep {
	out := make([]protocol.MicroStep, len(words))
	for i, w := range words {
		var ok bool
		if out[i], ok = protocol.MicroStepByWord(w); !ok {
			panic("no step " + w)
		}
	}
	return out
}
