//go:build linux && amd64

package rcu

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

// waiting says whether a waiter is elevated and boosts.
var waiting = []struct {
	name  string
	boost bool
}{{"boost", true}, {"no boost", false}}

// TestSynchronizeWaits holds a reader inside and lets it go later: the wait must end,
// and not before.
func TestSynchronizeWaits(t *testing.T) {
	for _, w := range waiting {
		t.Run(w.name, func(t *testing.T) {
			if w.boost {
				elevated(t)()
			}
			g := newGate(t, 2)
			g.start(t)
			g.holdAny(t)
			d := New(g.pool, flavour(t, "epoch"), w.boost)
			var released atomic.Bool
			var wg sync.WaitGroup
			wg.Go(func() {
				if w.boost {
					defer elevated(t)()
				}
				if err := d.Synchronize(); err != nil {
					t.Error(err)
				}
				if !released.Load() {
					t.Error("the wait ended while a reader was inside")
				}
			})
			time.Sleep(20 * time.Millisecond)
			if w.boost {
				waitFor(t, func() bool { return d.Boosts() > 0 })
			}
			released.Store(true)
			g.release()
			wg.Wait()
			if n := d.Boosts(); n > 0 && !w.boost {
				t.Errorf("%d boosts", n)
			}
		})
	}
}

// TestBoostIsLent wants the reader that is waited for at real-time priority, and back
// at its own when the wait is over.
func TestBoostIsLent(t *testing.T) {
	elevated(t)()
	g := newGate(t, 1)
	g.start(t)
	g.holdAny(t)
	d := New(g.pool, flavour(t, "epoch"), true)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer elevated(t)()
		if err := d.Synchronize(); err != nil {
			t.Error(err)
		}
	})
	tid := g.pool.Readers()[0].ThreadID()
	waitFor(t, func() bool { return policyOf(t, tid) == exec.PolicyFIFO })
	g.release()
	wg.Wait()
	if p := policyOf(t, tid); p != exec.PolicyOther {
		t.Errorf("after the wait the reader has policy %d", p)
	}
}

func TestBeginAndDone(t *testing.T) {
	g := newGate(t, 3)
	g.learn(t)
	d := New(g.pool, flavour(t, "epoch"), false)
	g.hold(t, 1)
	c := d.Begin()
	if d.Done(c) {
		t.Error("done while a reader is inside")
	}
	// The others come and go; that one stays.
	r := g.pool.Readers()
	waitFor(t, func() bool { return !inside(r[0], c.epoch) && !inside(r[2], c.epoch) })
	if d.Done(c) {
		t.Error("done while a reader is inside")
	}
	g.release()
	waitFor(t, func() bool { return d.Done(c) })
}

// TestLaterReadersAreNotWaitedFor begins a grace period before any reader has entered.
func TestLaterReadersAreNotWaitedFor(t *testing.T) {
	for _, w := range waiting {
		g := newGate(t, 1)
		d := New(g.pool, flavour(t, "epoch"), w.boost)
		c := d.Begin()
		g.data.Store8(heldAll, 1)
		g.start(t)
		waitFor(t, func() bool { return g.hanging(t) != 0 })
		if !d.Done(c) {
			t.Error("a reader is waited for that entered after the beginning")
		}
		if err := d.waitFor(0, c.epoch); err != nil || d.Boosts() != 0 {
			t.Errorf("%v, %d boosts", err, d.Boosts())
		}
		if later := d.Begin(); d.Done(later) {
			t.Error("the same reader is not waited for though it entered before")
		}
	}
}

func TestForgetOne(t *testing.T) {
	g := newGate(t, 3)
	g.learn(t)
	d := New(g.pool, flavour(t, "forget-one"), false)
	g.hold(t, 0)
	if err := d.Synchronize(); err != nil { // would not return if reader 0 were waited for
		t.Fatal(err)
	}
	c := d.Begin()
	waitFor(t, func() bool { return d.Done(c) })
	for reader := 1; reader < 3; reader++ {
		g.hold(t, reader)
		c := d.Begin()
		d.stall = 10 * time.Millisecond
		checkStall(t, d, reader)
		if d.Done(c) {
			t.Errorf("done while reader %d is inside", reader)
		}
	}
	g.release()
	d.stall = StallTime
	if err := d.Synchronize(); err != nil {
		t.Error(err)
	}
}

// TestForgetOneOfOne: the only reader is the one that is forgotten.
func TestForgetOneOfOne(t *testing.T) {
	g := newGate(t, 1)
	g.start(t)
	g.holdAny(t)
	d := New(g.pool, flavour(t, "forget-one"), false)
	if err := d.Synchronize(); err != nil || !d.Done(d.Begin()) {
		t.Errorf("the only reader was waited for: %v", err)
	}
}

func TestSleepFlavour(t *testing.T) {
	g := newGate(t, 1)
	g.start(t)
	g.holdAny(t)
	d := New(g.pool, flavour(t, "sleep"), false)
	if err := d.Synchronize(); err != nil {
		t.Fatal(err)
	}
	c := d.Begin()
	waitFor(t, func() bool { return d.Done(c) })
	if e := time.Since(c.at); e < SleepTime {
		t.Errorf("done after %v, before %v", e, SleepTime)
	}
	if !inside(g.pool.Readers()[0], c.epoch) {
		t.Error("the reader was not inside, so nothing was tested")
	}
}

func TestStall(t *testing.T) {
	for _, w := range waiting {
		t.Run(w.name, func(t *testing.T) {
			if w.boost {
				defer elevated(t)()
			}
			g := newGate(t, 3)
			g.learn(t)
			for reader := range 3 {
				g.hold(t, reader)
				d := New(g.pool, flavour(t, "epoch"), w.boost)
				d.stall = 10 * time.Millisecond
				checkStall(t, d, reader)
				if p := policyOf(t, g.pool.Readers()[reader].ThreadID()); p != exec.PolicyOther {
					t.Errorf("the wait was given up, and reader %d kept policy %d", reader, p)
				}
				g.release()
				d.stall = StallTime
				if err := d.Synchronize(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	const want = "grace period: thread 7 has not left the image for 10s"
	if got := (&StallError{7}).Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// checkStall expects waits to be given up, in the end because of this reader. The time is so
// short that another reader, descheduled inside, may be named first.
func checkStall(t *testing.T, d *Domain, reader int) {
	t.Helper()
	waitFor(t, func() bool {
		err := d.Synchronize()
		var se *StallError
		if !errors.As(err, &se) {
			t.Fatalf("error %v, want a stall of thread %d", err, reader)
		}
		return se.Reader == reader
	})
}

// TestPoolThatNeverRan: there is no reader to wait for.
func TestPoolThatNeverRan(t *testing.T) {
	g := newGate(t, 4)
	for _, gr := range protocol.Graces() {
		d := New(g.pool, gr, false)
		if err := d.Synchronize(); err != nil {
			t.Errorf("%s: %v", gr.Name, err)
		}
	}
}

// TestConcurrentWaiters: waiters take back priorities that others have lent, and all must end.
func TestConcurrentWaiters(t *testing.T) {
	for _, w := range waiting {
		t.Run(w.name, func(t *testing.T) {
			if w.boost {
				elevated(t)()
			}
			g := newGate(t, 4)
			g.start(t)
			d := New(g.pool, flavour(t, "epoch"), w.boost)
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if w.boost {
						defer elevated(t)()
					}
					for range 50 {
						if err := d.Synchronize(); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			for i, r := range g.pool.Readers() {
				if p := policyOf(t, r.ThreadID()); p != exec.PolicyOther {
					t.Errorf("reader %d kept policy %d", i, p)
				}
			}
			if n := g.pool.Bad(); n != 0 {
				t.Errorf("%d anomalies", n)
			}
		})
	}
}

// TestDomainsKnowTheirOwn: of two domains of a pool each waits for its own readers alone, and a reader
// may be one of both.
func TestDomainsKnowTheirOwn(t *testing.T) {
	g := newGate(t, 3)
	g.learn(t)
	domain := func(flavourName string, threads ...int) *Domain {
		return NewOf(g.pool, flavour(t, flavourName), false, func(i int) bool { return slices.Contains(threads, i) })
	}
	outer, inner, none := domain("epoch", 0, 2), domain("epoch", 1, 2), domain("epoch")
	forgets := domain("forget-one", 1, 2)
	for thread, waits := range map[int][3]bool{0: {true, false, false}, 1: {false, true, false}, 2: {true, true, true}} {
		g.hold(t, thread)
		for i, d := range []*Domain{outer, inner, forgets} {
			c := d.Begin()
			switch {
			case !waits[i]:
				if err := d.Synchronize(); err != nil {
					t.Errorf("thread %d, domain %d: %v", thread, i, err)
				}
				waitFor(t, func() bool { return d.Done(c) })
			case d.Done(c):
				t.Errorf("thread %d, domain %d: done while its reader is inside", thread, i)
			default:
				d.stall = 10 * time.Millisecond
				checkStall(t, d, thread)
				d.stall = StallTime
			}
		}
		if err := none.Synchronize(); err != nil || !none.Done(none.Begin()) {
			t.Errorf("a domain without readers waits: %v", err)
		}
		g.release()
	}
	if outer.Idle() {
		t.Error("idle while threads run")
	}
}
