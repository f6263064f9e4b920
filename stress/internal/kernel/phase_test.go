package kernel

import (
	"testing"
	"time"
)

// TestPhasesComeRound: thousands of phases that allow what is returned, and forbid all else, never
// lead to an accusation, however long an execution stood still among them; a phase that forbids it
// does.
func TestPhasesComeRound(t *testing.T) {
	c := rig(t).withDefaults()
	c.Callers = 1
	l, err := open(&c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.executor = newExecutor(l.entry)
	r := &run{Config: c, loaded: l, values: distinctValues(c.outcomes())}
	if err := l.clock.begin(kindNone, 1); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	errs := make(chan error, 2)
	for i := range 2 {
		th := r.newThread(i, l.callers)
		go func() { errs <- th.execute(done) }()
	}
	begun := 0
	for ; begun < 20_000; begun++ {
		if err := l.clock.begin(1+begun%3, 1|uint64(begun)<<1); err != nil {
			t.Fatal(err)
		}
	}
	var before, after tally
	if err := readRows(l.rows, &before); err != nil {
		t.Fatal(err)
	}
	if err := l.clock.begin(kindNone, 6); err != nil { // falling through is not legal any more
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); after.bad == 0 && time.Now().Before(end); {
		if err := readRows(l.rows, &after); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d phases, %d executions, %d unchecked", begun, before.counts[0], before.unchecked)
	if before.bad != 0 || before.counts[0] == 0 {
		t.Errorf("%d of %d executions were accused in %d phases", before.bad, before.counts[0], begun)
	}
	if before.unchecked > before.counts[0]/2 {
		t.Errorf("%d of %d executions went unchecked", before.unchecked, before.counts[0])
	}
	if after.bad == 0 {
		t.Error("a forbidden value was not found")
	}
}

// TestBetween: a caller that does not check itself looks back at the phases that a call spanned.
func TestBetween(t *testing.T) {
	c := &clock{}
	c.prepared.Store(3)
	for seq, p := range []struct {
		legal uint64
		kind  int64
	}{1: {1, kindNone}, 2: {2, 2}, 3: {4, kindNone}} {
		c.past[seq].legal.Store(p.legal)
		c.past[seq].kind.Store(p.kind)
	}
	for _, tc := range []struct {
		from, to, legal uint64
		kind            int
	}{{1, 1, 1, kindNone}, {1, 2, 3, 2}, {2, 3, 6, 2}, {1, 3, 7, 2}} {
		if legal, kind, known := c.between(tc.from, tc.to); legal != tc.legal || kind != tc.kind || !known {
			t.Errorf("between %d and %d: %b, %d, %v", tc.from, tc.to, legal, kind, known)
		}
	}
	// The entry of phase 1 is written again for phase 1+remembered, and while the one before that is
	// the last that was prepared, that may be half done.
	for back, want := range map[uint64]bool{2: true, 1: false, 0: false} {
		c.prepared.Store(1 + remembered - back)
		if _, _, known := c.between(1, 2); known != want {
			t.Errorf("%d phases before its entry is another's, phase 1 is known: %v", back, known)
		}
	}
	c.prepared.Store(1 << 40)
	if _, _, known := c.between(1, 1<<40); known {
		t.Error("all phases of a day are known")
	}
}
