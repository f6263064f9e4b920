package live

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

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
