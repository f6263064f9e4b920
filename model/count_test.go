package model

import (
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
		{"kernel/word", 0, 1, 1, 1, 2, 1, false, 386, 915, 29},
		{"kernel/word", 0, 1, 2, 1, 2, 1, false, 1670, 5107, 32},
		{"kernel/int3", 0, 0, 1, 1, 2, 1, false, 824, 1917, 53},
		{"kernel/int3", 0, 0, 1, 1, 2, 1, true, 1639, 3807, 53},
		{"kernel/int3", 0, 0, 2, 1, 2, 1, false, 4404, 13570, 56},
		{"kernel/int3", 0, 0, 2, 1, 2, 1, true, 15941, 52042, 56},
		{"kernel/int3", 0, 0, 3, 1, 2, 1, false, 20060, 75875, 59},
		{"kernel/int3", 0, 0, 3, 1, 2, 1, true, 189439, 799209, 59},
		{"kernel/int3", 0, 0, 1, 2, 2, 1, false, 2020, 4659, 99},
		{"kernel/int3", 0, 0, 1, 2, 2, 2, false, 4776, 10741, 76},
		{"kernel/int3", 0, 0, 1, 1, 3, 1, false, 2351, 6183, 64},
		{"kernel/int3", 0, 0, 1, 1, 3, 1, true, 12405, 32424, 64},
		{"batched/int3", 1, 0, 1, 2, 2, 1, false, 2128, 4925, 96},
		{"lazy/int3", 2, 0, 1, 1, 2, 1, false, 837, 1949, 45},
		{"lazy/int3", 2, 0, 1, 2, 2, 1, false, 2279, 5272, 82},
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

// TestCountsBeyond pins the spaces of what a shape may ask for beyond. The short method keeps them
// small.
func TestCountsBeyond(t *testing.T) {
	for _, c := range []struct {
		shape               protocol.Shape
		mutex               protocol.Mutex
		states, transitions uint64
	}{
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Indirect: true}, protocol.MutexMap, 399, 1070},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Same: true}, protocol.MutexMap, 114, 234},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Copies: 1}, protocol.MutexMap, 11164, 35362},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 2}, protocol.MutexMap, 12794, 36925},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2}, protocol.MutexMap, 2078, 4803},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2}, protocol.MutexKey, 14176, 41507},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2, Maps: 2}, protocol.MutexMap, 14176, 41507},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Nested: true}, protocol.MutexMap, 2580, 7028},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Deep: true}, protocol.MutexMap, 1781, 3987},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 4, Indirect: true}, protocol.MutexMap, 1445, 6453},
	} {
		s := protocol.DefaultSubject()
		s.Shape, s.Method, s.Protocol.Mutex = c.shape, protocol.Methods()[1], c.mutex
		r := check(t, s, Options{})
		if r.Verdict != protocol.Proved || r.States != c.states || r.Transitions != c.transitions {
			t.Errorf("%+v, mutex %v: found %s, %d, %d; want proved, %d, %d",
				c.shape, c.mutex, r.Verdict, r.States, r.Transitions, c.states, c.transitions)
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
	sys.alike, sys.alikeKeys = programsAlike(s.Shape), sys.firstAlike()
	e := newExplorer(sys, noFault, 2, DefaultMaxStates)
	if out := e.run(); out.bounded || out.broken != noFault {
		t.Fatalf("%s: exploration is not complete", nameOf(s))
	}
	return e
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

// TestSkippedWait: a wait "if changed" is skipped after pokes that changed nothing, and only then.
func TestSkippedWait(t *testing.T) {
	p, err := protocol.ParseProtocol(`protocol twice
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump }; wait; each { bypass=jump; wait if changed };
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
