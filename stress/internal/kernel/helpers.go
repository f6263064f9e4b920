package kernel

import (
	"context"
	"errors"
	"time"

	"tailpoke/stress/internal/live"
)

// helpers starts threads, watcher, loader and reporter, which all have few privileges.
func (r *run) helpers(cancel func(error)) *live.Helpers {
	h := live.NewHelpers(cancel)
	start := func(f func(<-chan struct{}) error) {
		h.Start(func(done <-chan struct{}) error { return confined(func() error { return f(done) }) })
	}
	for i := range r.Config.Threads {
		t := r.newThread(i, r.callers)
		t.begun = make(chan struct{})
		r.threads = append(r.threads, t)
		start(func(done <-chan struct{}) error {
			pinTo(i)
			takeTurns()
			return t.execute(done)
		})
	}
	if r.watcher != nil {
		start(func(done <-chan struct{}) error {
			r.watcher.run(done)
			return nil
		})
	}
	if len(r.Script) == 0 {
		start(r.loader)
	}
	if r.faults.intrude != nil {
		start(r.intrude)
	}
	start(func(done <-chan struct{}) error { return r.report(done, cancel) })
	return h
}

// readyWithin is how long the mutator waits for the helpers.
const readyWithin = 10 * time.Second

// awaitHelpers waits until every thread has executed every caller, and the watcher has read every
// image: before that there is nothing to change under, nor to be seen.
func (r *run) awaitHelpers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for _, t := range r.threads {
		select {
		case <-t.begun:
		case <-ctx.Done():
			return
		}
	}
	for ctx.Err() == nil {
		if reads, _, ended := r.watcher.sofar(); ended || reads >= uint64(len(r.callers)) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// errFound ends a run at its first finding.
var errFound = errors.New("there is a finding")

// report looks for findings, and says how far the run is.
func (r *run) report(done <-chan struct{}, cancel func(error)) error {
	for n := 1; !live.Pause(done, lookEvery); n++ {
		res, err := r.counts()
		if err != nil {
			return err
		}
		if _, findings, _ := r.watcher.sofar(); res.Bad > 0 || findings > 0 {
			r.driver.NoteFinding()
			if r.StopAtFirst {
				cancel(errFound)
			}
		}
		if r.Progress != nil && n%int(time.Second/lookEvery) == 0 {
			r.Progress(res.Progress())
		}
	}
	return nil
}

// lookEvery is how often it looks.
const lookEvery = 20 * time.Millisecond
