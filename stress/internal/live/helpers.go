package live

import (
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Helpers are what works beside the mutator: each a goroutine that ends when it is told that the
// run is done. What goes wrong in one of them ends the run.
type Helpers struct {
	cancel func(error)
	done   chan struct{}
	wg     sync.WaitGroup
	mu     sync.Mutex // guards errs
	errs   []error
}

// NewHelpers makes room for helpers. cancel ends the run.
func NewHelpers(cancel func(error)) *Helpers {
	return &Helpers{cancel: cancel, done: make(chan struct{})}
}

// Start starts a helper.
func (h *Helpers) Start(f func(done <-chan struct{}) error) {
	h.wg.Go(func() {
		if err := f(h.done); err != nil {
			h.cancel(err)
			h.mu.Lock()
			h.errs = append(h.errs, err)
			h.mu.Unlock()
		}
	})
}

// Stop ends all helpers and waits for them.
func (h *Helpers) Stop() error {
	close(h.done)
	h.wg.Wait()
	return errors.Join(h.errs...)
}

// IsDone reports whether done was closed.
func IsDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Pause waits and reports whether done was closed meanwhile.
func Pause(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// Procs lets at least so many threads run Go code at once, and the garbage collector seldom: it stops
// all of them, which took seconds with 256 threads on 2 CPUs, each of which must have its turn to stop.
// restore puts both back.
func Procs(least int) (restore func()) {
	const percent = 1000 // of the memory in use; a run uses some 10 MiB
	runtime.GC()
	collects := debug.SetGCPercent(percent)
	before := runtime.GOMAXPROCS(0)
	if least > before {
		runtime.GOMAXPROCS(least)
	}
	return func() {
		runtime.GOMAXPROCS(before)
		debug.SetGCPercent(collects)
	}
}
