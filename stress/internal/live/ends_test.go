package live

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
)

// TestStops: a run ends with its context, and with the first finding if it is to; a script does too.
func TestStops(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tc := range []struct {
		name      string
		ctx       context.Context
		bad, stop bool
		want      int
	}{
		{"done", done, false, false, 0},
		{"found", context.Background(), true, true, 0},
		{"found, and goes on", context.Background(), true, false, 2},
		{"nothing found", context.Background(), false, true, 2},
	} {
		f := newFake(Config{Script: script(t, "put 0 0\ndelete 0"), StopAtFirst: tc.stop}, 1, 1)
		f.bad = tc.bad
		if err := f.driver.Run(tc.ctx); err != nil || len(f.ops) != tc.want {
			t.Errorf("%s: %d operations, %v", tc.name, len(f.ops), err)
		}
		f = newFake(Config{Duration: time.Hour, StopAtFirst: tc.stop}, 1, 1)
		f.bad = tc.bad
		f.after = func(context.Context, protocol.Call) error { return errors.New("enough") }
		if err := f.driver.Run(tc.ctx); (err != nil) != (tc.want > 0) {
			t.Errorf("%s, random calls: %d operations, %v", tc.name, len(f.ops), err)
		}
	}
}

// TestPatience: a run whose time is over goes on until it has counted enough cycles, or has found
// something.
func TestPatience(t *testing.T) {
	for _, tc := range []struct {
		name         string
		least        uint64
		over, bad    bool
		wants        uint64 // cycles, for reasons of the engine
		fewest, most uint64
	}{
		{"its time is over", 5, true, false, 0, 5, 5},
		{"enough, and its time is over", 0, true, false, 0, 0, 0},
		{"its time is not over", 5, false, false, 0, 50, 50},
		{"its time is over, and it has found something", 5, true, true, 0, 0, 0},
		{"enough cycles, and not enough of something else", 5, true, false, 9, 9, 9},
	} {
		f := newFake(Config{Duration: time.Hour, Patience: time.Hour, MinCycles: tc.least}, 1, 2)
		f.driver.c.Enough = func() bool { return f.driver.cycles.Load() >= tc.wants }
		f.bad = tc.bad
		if tc.over {
			f.driver.start = time.Now().Add(-time.Hour)
		}
		f.after = func(context.Context, protocol.Call) error {
			if f.driver.cycles.Load() == 50 {
				return errors.New("enough")
			}
			return nil
		}
		_ = f.driver.Run(t.Context())
		if n := f.driver.Counts().Cycles; n < tc.fewest || n > tc.most {
			t.Errorf("%s: %d cycles, want %d", tc.name, n, tc.most)
		}
	}
}

// TestLimit: patience comes after the time, and there is no limit without a time.
func TestLimit(t *testing.T) {
	for _, tc := range []struct {
		long, patience time.Duration
	}{{0, 0}, {time.Hour, 0}, {time.Hour, 2 * time.Hour}} {
		f := newFake(Config{Duration: tc.long, Patience: tc.patience}, 1, 1)
		ctx, cancel := f.driver.Limit(context.Background())
		end, ok := ctx.Deadline()
		cancel()
		if left := time.Until(end); ok != (tc.long > 0) || ok && (left > tc.long+tc.patience || left < tc.long+tc.patience-time.Minute) {
			t.Errorf("%v and %v: ends in %v, %t", tc.long, tc.patience, left, ok)
		}
	}
}

// TestFirstFinding: the first finding is when it was noted first, at the end if it never was.
func TestFirstFinding(t *testing.T) {
	f := newFake(Config{}, 1, 1)
	var r Result
	if f.driver.Conclude(&r); r.FirstSeconds != 0 {
		t.Errorf("no finding after %v s", r.FirstSeconds)
	}
	f.driver.NoteFinding()
	first := f.driver.first.Load()
	time.Sleep(time.Millisecond)
	f.driver.NoteFinding()
	r.Findings = []Finding{{Class: ClassA, Count: 1}}
	if f.driver.Conclude(&r); first == 0 || r.FirstSeconds != time.Duration(first).Seconds() {
		t.Errorf("noted at %d ns, found after %v s", first, r.FirstSeconds)
	}
	f = newFake(Config{}, 1, 1)
	if f.driver.Conclude(&r); r.FirstSeconds <= 0 {
		t.Errorf("found at the end, after %v s", r.FirstSeconds)
	}
}

// TestHelpers: helpers work until they are told that the run is done. One that fails ends the run,
// and its error is not lost.
func TestHelpers(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	h := NewHelpers(cancel)
	paused := make(chan bool, 1)
	h.Start(func(done <-chan struct{}) error {
		if IsDone(done) || Pause(done, 0) {
			t.Error("the run is done before it began")
		}
		paused <- true
		if !Pause(done, time.Hour) || !IsDone(done) {
			t.Error("nobody says that the run is done")
		}
		return nil
	})
	<-paused
	one, two := errors.New("one"), errors.New("two")
	h.Start(func(<-chan struct{}) error { return one })
	<-ctx.Done()
	if err := context.Cause(ctx); err != one {
		t.Errorf("the run was ended by %v", err)
	}
	h.Start(func(<-chan struct{}) error { return two })
	if err := h.Stop(); !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("errors of helpers: %v", err)
	}
	if err := NewHelpers(cancel).Stop(); err != nil {
		t.Errorf("no helpers: %v", err)
	}
}

// TestProcs: the number of threads that run Go code grows where it is too small, and is put back.
func TestProcs(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	for _, tt := range []struct{ least, want int }{{0, before}, {before, before}, {before + 3, before + 3}} {
		restore := Procs(tt.least)
		during := runtime.GOMAXPROCS(0)
		restore()
		if after := runtime.GOMAXPROCS(0); during != tt.want || after != before {
			t.Errorf("at least %d: %d during, %d after", tt.least, during, after)
		}
	}
}
