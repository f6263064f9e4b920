package kernel

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// helpers starts threads, watcher, loader and reporter, which all have few privileges.
func (r *run) helpers(ctx context.Context, cancel func(error)) *live.Helpers {
	h := live.NewHelpers(cancel)
	start := func(f func(<-chan struct{}) error) {
		h.Start(func(done <-chan struct{}) error { return confined(func() error { return f(done) }) })
	}
	// All begin together: those that executed already would leave the others no time to come.
	ready, all := make(chan struct{}, r.Config.Threads), make(chan struct{})
	for i := range r.Config.Threads {
		t := r.newThread(i, r.callers)
		r.threads = append(r.threads, t)
		if r.idle != "" { // it has a place for findings all the same
			ready <- struct{}{}
			continue
		}
		t.begun = make(chan struct{})
		start(func(done <-chan struct{}) error {
			pinTo(i)
			takeTurns()
			ready <- struct{}{}
			<-all
			return t.execute(done)
		})
	}
	for range r.threads {
		select {
		case <-ready:
		case <-ctx.Done(): // one of them could not
		}
	}
	close(all)
	if r.watcher != nil {
		start(func(done <-chan struct{}) error {
			r.watcher.run(done)
			return nil
		})
	}
	if len(r.Script) == 0 {
		start(func(done <-chan struct{}) error {
			prefer() // or the run's end waits for its turn among all threads
			return r.loader(done)
		})
	}
	if r.faults.intrude != nil {
		start(r.intrude)
	}
	start(func(done <-chan struct{}) error { return r.report(done, cancel) })
	return h
}

// readyWithin is how long the mutator waits for the helpers. Whoever has not begun by then begins
// later.
const readyWithin = time.Second

// awaitHelpers waits until every thread has executed every caller, and the watcher has read every
// image: before that there is nothing to change under, nor to be seen.
func (r *run) awaitHelpers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for _, t := range r.threads {
		if t.begun == nil {
			continue
		}
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
		if n%int(time.Second/lookEvery) == 0 {
			r.Tell(&res.Result, res.Verdict, func(*report.Progress) {})
		}
	}
	return nil
}

// lookEvery is how often it looks.
const lookEvery = 20 * time.Millisecond

// faults are what tests do wrong on purpose, to see it found.
type faults struct {
	site    int                                       // to the watcher, sites lie that much further on
	checker func(asm.Instructions) asm.Instructions   // edits the checker
	intrude func(set func(key, prog int) error) error // changes a map without the mutator's knowledge
}

// intrude changes a key without the mutator's knowledge, as a test wants it.
func (r *run) intrude(done <-chan struct{}) error {
	for !live.Pause(done, 10*time.Millisecond) {
		err := r.faults.intrude(func(k, prog int) error {
			return r.arrays[r.Keys[k].Map].Put(uint32(r.Keys[k].Index), r.pinned[prog].Program)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// faulty is a caller's image as the watcher is told it.
func (r *run) faulty(c caller) *identity.Image {
	if r.faults.site == 0 {
		return c.img
	}
	img := *c.img
	img.Sites = slices.Clone(img.Sites)
	for i := range img.Sites {
		for n := range img.Sites[i].Slots {
			img.Sites[i].Slots[n].Off += r.faults.site
		}
	}
	return &img
}
