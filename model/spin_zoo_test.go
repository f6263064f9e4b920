package model

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

var spin = flag.Bool("spin", false, "hold every subject of scripts/spin against Spin")

// TestSpinZoo prints what both sides find: of the built-in subjects and the zoo with
// every method, in small shapes, and of subjects drawn at random.
func TestSpinZoo(t *testing.T) {
	if !*spin {
		t.Skip("scripts/spin runs this: it takes a minute")
	}
	needSpin(t)
	all := supported(comparisons(t))
	out := inTurn(all, comparison.answers)
	fmt.Printf("%-29s %7s  %5s  %8s  %4s  %-36s %8s  %11s  %5s  breaks\n",
		"subject", "threads", "sites", "programs", "keys", "also", "states", "transitions", "depth")
	different := 0
	for i, c := range all {
		a := <-out[i]
		fmt.Printf("%v  %v\n", c, a)
		if a.err != nil || !a.agree() {
			different++
		}
	}
	fmt.Printf("%d of %d explorations are the same, state for state\n\n", len(all)-different, len(all))
	if different > 0 {
		t.Errorf("Spin and the explorer differ in %d of %d explorations", different, len(all))
	}
}

// inTurn answers each of a list, as many at a time as there are processors.
func inTurn[Q, A any](list []Q, answer func(Q) A) []chan A {
	out := make([]chan A, len(list))
	for i := range out {
		out[i] = make(chan A, 1)
	}
	turn := make(chan bool, runtime.GOMAXPROCS(0))
	go func() {
		for i, q := range list {
			turn <- true
			go func() {
				out[i] <- answer(q)
				<-turn
			}()
		}
	}()
	return out
}

// comparisons lists what TestSpinZoo explores.
func comparisons(t *testing.T) []comparison {
	var out []comparison
	add := func(s protocol.Subject, threads, sites, programs, keys int) {
		s.Shape = protocol.Shape{Sites: sites, Programs: programs, Keys: keys}
		out = append(out, comparison{s, threads})
	}
	for _, s := range append(builtin(), spinCorners(t)...) {
		add(s, 1, 2, 2, 2)
		if s.Grace.Kind == protocol.GraceEpoch && s.Method.Name == "word" {
			add(s, 3, 1, 2, 1)
		}
	}
	for _, s := range append(append(builtin(), zooOfMethods(t)...), spinCorners(t)...) {
		add(s, 1, 2, 2, 1)
		add(s, 2, 1, 2, 1)
	}
	drawn := rapid.Custom(drawSubject) // with indirect callers and updates to the same program
	for i := range 20 {
		s := drawn.Example(i)
		s.Protocol.Name = fmt.Sprintf("drawn-%d", i)
		out = append(out, comparison{s, 1 + i%2})
	}
	return append(append(out, shapedComparisons(t)...), deepComparisons(t)...)
}

// zooOfMethods lists the mutants of the subjects of every method. A mutant that brings a
// method of its own is the same with all of them.
func zooOfMethods(t *testing.T) []protocol.Subject {
	t.Helper()
	var out []protocol.Subject
	for _, m := range protocol.Zoo() {
		var own []protocol.MicroStep
		for _, method := range protocol.Methods() {
			s := protocol.DefaultSubject()
			s.Method = method
			s, err := m.Apply(s)
			switch {
			case err != nil:
				fmt.Printf("skipped: %s with method %s: %v\n", m.Name, method.Name, err)
			case slices.Equal(s.Method.Steps, own):
				fmt.Printf("skipped: %s with method %s: it brings a method of its own\n", m.Name, method.Name)
			default:
				out = append(out, s)
			}
			own = s.Method.Steps
		}
	}
	return out
}
