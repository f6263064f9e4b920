package model

import (
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestHandCount counts a space small enough for a person. The protocol does nothing at
// all, so the mutator is idle (I) or has called an install that is about to return (C);
// key and slots stay empty. The thread is idle (i), at the bypass with no program that
// it may run (b) or, having met the install, with p0 (b0), or past the site (p).
//
//	states         I: i b b0 p   C: i b0 p     b is never seen with C, for the call
//	                                           allows p0 to every thread inside    7
//	calls          I -> C from i, b, b0, p                                         4
//	returns        C -> I from i, b0, p                                            3
//	enters         i -> b with I, i -> b0 with C                                   2
//	skips          b, b0 -> p with I, b0 -> p with C                               3
//	exits          p -> i with I and with C                                        2
//
// The state farthest away is p with C: call, enter, skip.
func TestHandCount(t *testing.T) {
	p, err := protocol.ParseProtocol("protocol nothing\ninstall\nupdate\nremove")
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Protocol = p
	s.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1}
	r := check(t, s, Options{})
	if r.Verdict != protocol.Proved || r.States != 7 || r.Transitions != 14 || r.Depth != 3 {
		t.Errorf("found %s, %d states, %d transitions, depth %d; want proved, 7, 14, 3",
			r.Verdict, r.States, r.Transitions, r.Depth)
	}
	want := Reached{C: 7, Installs: 4, Enters: 2, Fetches: 3}
	if r.Reached != want {
		t.Errorf("reached %+v, want %+v", r.Reached, want)
	}
}

// TestCounts pins the spaces of small shapes. A change here is a change of what the
// model means: it needs a reason, and the pages that quote these figures need it too.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name                string
		protocol, method    int
		threads, sites      int
		programs, keys      int
		plain               bool
		states, transitions uint64
		depth               int
	}{
		{"kernel/word", 0, 1, 1, 1, 1, 1, false, 86, 171, 20},
		{"kernel/word", 0, 1, 1, 1, 2, 1, false, 763, 1803, 29},
		{"kernel/word", 0, 1, 2, 1, 2, 1, false, 3322, 10151, 32},
		{"kernel/int3", 0, 0, 1, 1, 2, 1, false, 1639, 3807, 53},
		{"kernel/int3", 0, 0, 2, 1, 2, 1, false, 8790, 27077, 56},
		{"kernel/int3", 0, 0, 2, 1, 2, 1, true, 15941, 52042, 56},
		{"kernel/int3", 0, 0, 3, 1, 2, 1, false, 40090, 151636, 59},
		{"kernel/int3", 0, 0, 3, 1, 2, 1, true, 189439, 799209, 59},
		{"kernel/int3", 0, 0, 1, 2, 2, 1, false, 4028, 9282, 99},
		{"kernel/int3", 0, 0, 1, 2, 2, 2, false, 9540, 21430, 76},
		{"kernel/int3", 0, 0, 1, 1, 3, 1, false, 12405, 32424, 64},
		{"batched/int3", 1, 0, 1, 2, 2, 1, false, 4244, 9814, 96},
		{"lazy/int3", 2, 0, 1, 1, 2, 1, false, 1671, 3889, 45},
		{"lazy/int3", 2, 0, 1, 2, 2, 1, false, 4554, 10532, 82},
	} {
		s := protocol.DefaultSubject()
		s.Protocol, s.Method = protocol.Protocols()[c.protocol], protocol.Methods()[c.method]
		s.Shape = protocol.Shape{Sites: c.sites, Programs: c.programs, Keys: c.keys}
		r := check(t, s, Options{Threads: c.threads, NoSymmetry: c.plain})
		if r.Verdict != protocol.Proved ||
			r.States != c.states || r.Transitions != c.transitions || r.Depth != c.depth {
			t.Errorf("%s: found %s, %d, %d, %d; want proved, %d, %d, %d", c.name,
				r.Verdict, r.States, r.Transitions, r.Depth, c.states, c.transitions, c.depth)
		}
	}
}

// TestCountsBeyond pins the spaces of what a shape may ask for beyond, and those that the
// reduction leaves. The short method keeps them small.
func TestCountsBeyond(t *testing.T) {
	for _, c := range []struct {
		shape               protocol.Shape
		mutex               protocol.Mutex
		reduce              bool
		states, transitions uint64
	}{
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, protocol.MutexMap, true, 526, 978},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Indirect: true}, protocol.MutexMap, false, 789, 2110},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Same: true}, protocol.MutexMap, false, 114, 234},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Copies: 1}, protocol.MutexMap, false, 22172, 70142},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Copies: 1}, protocol.MutexMap, true, 14878, 38456},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 2}, protocol.MutexMap, false, 12794, 36925},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2}, protocol.MutexMap, false, 4144, 9554},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2}, protocol.MutexKey, false, 28339, 82961},
	} {
		s := protocol.DefaultSubject()
		s.Shape, s.Method, s.Protocol.Mutex = c.shape, protocol.Methods()[1], c.mutex
		r := check(t, s, Options{Reduce: c.reduce})
		if r.Verdict != protocol.Proved || r.States != c.states || r.Transitions != c.transitions {
			t.Errorf("%+v, mutex %v, reduced %t: found %s, %d, %d; want proved, %d, %d",
				c.shape, c.mutex, c.reduce, r.Verdict, r.States, r.Transitions, c.states, c.transitions)
		}
	}
}

// TestSymmetryIsExact: the states without symmetry are exactly the permutations of
// those with it. A multiset of thread words stands for as many states as it has orders.
func TestSymmetryIsExact(t *testing.T) {
	for _, s := range everySubject(t) {
		if s.Grace.Kind != protocol.GraceEpoch {
			continue
		}
		if r := check(t, s, Options{}); r.Verdict != protocol.Proved {
			continue
		}
		threads := 2
		if s.Method.Name == "word" {
			threads = 3
		}
		e := explored(t, s, threads)
		sum := uint64(0)
		for i := range e.shards {
			for j := range e.shards[i].len() {
				sum += orders(e.shards[i].key(uint32(j))[e.sys.threads:])
			}
		}
		if n := check(t, s, Options{Threads: threads, NoSymmetry: true}).States; n != sum {
			t.Errorf("%s: %d states without symmetry, %d permutations with it", nameOf(s), n, sum)
		}
	}
}

// explored returns an explorer that is through.
func explored(t *testing.T, s protocol.Subject, threads int) *explorer {
	t.Helper()
	sys, err := newSystem(s, threads, true)
	if err != nil {
		t.Fatal(err)
	}
	e := newExplorer(sys, noFault, 2, DefaultMaxStates)
	if out := e.run(); out.bounded || out.broken != noFault {
		t.Fatalf("%s: exploration is not complete", nameOf(s))
	}
	return e
}

// orders returns how many orders a sorted list of words has.
func orders(words []uint64) uint64 {
	if !slices.IsSorted(words) {
		panic("not canonical")
	}
	n, run := uint64(1), uint64(0)
	for i, w := range words {
		if run++; i == 0 || w != words[i-1] {
			run = 1
		}
		n = n * uint64(i+1) / run // exact: a binomial coefficient grows by this factor
	}
	return n
}

// TestReached: the proof of the kernel's protocol is not vacuous.
func TestReached(t *testing.T) {
	r := check(t, protocol.DefaultSubject(), Options{Threads: 2}).Reached
	for what, n := range map[string]uint64{
		"B": r.B, "C": r.C, "D": r.D, "Between": r.Between,
		"Installs": r.Installs, "Updates": r.Updates, "Removes": r.Removes,
		"Pokes": r.Pokes, "Waits": r.Waits, "Blocked": r.Blocked, "Frees": r.Frees,
		"Enters": r.Enters, "Fetches": r.Fetches, "Traps": r.Traps, "LateTraps": r.LateTraps,
		"Runs": r.Runs,
	} {
		if n == 0 {
			t.Errorf("%s is never reached", what)
		}
	}
	if r.A != 0 || r.NothingToDo != 0 || r.WaitsSkipped != 0 {
		t.Errorf("the kernel's protocol shows A %d times, pokes in vain %d times, skips %d waits",
			r.A, r.NothingToDo, r.WaitsSkipped)
	}
	lazy := protocol.DefaultSubject()
	lazy.Protocol = protocol.Protocols()[2]
	lr := check(t, lazy, Options{}).Reached
	if lr.NothingToDo == 0 {
		t.Error("lazy: an install never finds its own old target")
	}
	if lr.Waits != 0 {
		t.Error("lazy: waits")
	}
}

// TestSkippedWait: a wait behind pokes that changed nothing is skipped, and only then.
func TestSkippedWait(t *testing.T) {
	p, err := protocol.ParseProtocol(`protocol twice
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump }; wait; each { bypass=jump; wait };
           each { target=nop }; retire
`)
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Protocol = p
	r := check(t, s, Options{})
	if r.Verdict != protocol.Proved || r.Reached.Waits == 0 || r.Reached.WaitsSkipped == 0 {
		t.Errorf("found %s, %d waits, %d skipped", r.Verdict, r.Reached.Waits, r.Reached.WaitsSkipped)
	}
}
