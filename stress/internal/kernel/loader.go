package kernel

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
)

// The loader brings copies of the entry in, executes them, and takes them out again, while the
// mutator works on the same keys: descriptors come and go under its pokes. In between it lets a
// prog array go while a caller's sites jump to its programs.
const (
	loadedFor   = 5 * time.Millisecond
	unloadedFor = 20 * time.Millisecond
)

// releaseWithin is how long the kernel has to empty an array that nobody holds any more. It waits for
// a grace period for each site; with many threads on few CPUs one takes some 200 ms.
const releaseWithin = 60 * time.Second

func (r *run) loader(done <-chan struct{}) error {
	for n := 0; ; n++ {
		if err := r.comeAndGo(done, n%2 == 0 && r.checkable()); err != nil {
			return err
		}
		if n%8 == 7 && r.Legal != nil {
			if err := r.release(done); err != nil {
				return err
			}
		}
		if pause(done, unloadedFor) {
			return nil
		}
	}
}

// comeAndGo loads a copy of the entry, executes it for a while, and lets it go. Its image is not
// looked at: the sites may be in any state.
func (r *run) comeAndGo(done <-chan struct{}, checks bool) error {
	p, err := r.copyOf(checks)
	if err != nil {
		return err
	}
	t := r.newThread(None, []caller{{Program: p, checks: checks}})
	for end := time.Now().Add(loadedFor); err == nil && time.Now().Before(end) && !isDone(done); {
		err = t.once()
	}
	r.takeOver(t)
	r.loads.Add(1)
	return errors.Join(err, p.Close())
}

// checkable says whether callers can check themselves.
func (r *run) checkable() bool { return r.Legal != nil && r.uncheckable == "" }

// takeOver adds what a thread of the loader saw to the first thread's.
func (r *run) takeOver(t *thread) {
	to := r.threads[0]
	to.executions.Add(t.executions.Load())
	to.checked.Add(t.checked.Load())
	to.unchecked.Add(t.unchecked.Load())
	to.skips.Add(t.skips.Load())
	to.tails.Add(t.tails.Load())
	to.bad.Add(t.bad.Load())
	for k := range t.overlaps {
		to.overlaps[k].Add(t.overlaps[k].Load())
	}
	to.mu.Lock()
	to.findings = append(to.findings, t.findings...)
	to.mu.Unlock()
}

// release makes a set of maps of its own with a caller, gives every key a program, and lets go of
// the prog arrays: the kernel then empties them, while the caller is executed.
func (r *run) release(done <-chan struct{}) error {
	own, err := ebpf.NewCollection(r.spec)
	if err != nil {
		return err
	}
	defer own.Close()
	p, err := loadProgram(r.spec, own.Maps, r.entry)
	if err != nil {
		return err
	}
	defer p.Close()
	for i, k := range r.Keys {
		if err := own.Maps[k.Map].Put(uint32(k.Index), r.pinned[i%len(r.pinned)].Program); err != nil {
			return err
		}
	}
	opts := r.Input.options(r.entry.Type, 1)
	value, err := p.Run(opts)
	if err != nil {
		return err
	}
	full, err := r.allHold(func(i int) []int { return []int{i % len(r.pinned)} })
	if err != nil {
		return err
	}
	if r.bits[value]&full == 0 {
		r.found(Finding{Class: ClassMiss, Text: fmt.Sprintf("returned %#x while every key held a program", value)})
	}
	own.Close()
	return r.emptied(done, p, opts)
}

// emptied executes a caller until its keys are seen to be empty. Meanwhile each may hold what it held,
// or nothing.
func (r *run) emptied(done <-chan struct{}, p *ebpf.Program, opts *ebpf.RunOptions) error {
	some, err := r.allHold(func(i int) []int { return []int{i % len(r.pinned), None} })
	if err != nil {
		return err
	}
	none, err := r.allHold(func(int) []int { return []int{None} })
	if err != nil {
		return err
	}
	for end := time.Now().Add(releaseWithin); ; {
		value, err := p.Run(opts)
		if err != nil {
			return err
		}
		switch {
		case r.bits[value]&some == 0:
			f := r.classify(record{value: value, legal: some})
			r.found(Finding{Class: f.Class, Text: fmt.Sprintf("returned %#x while a prog array was emptied", value)})
			return nil
		case r.bits[value]&none != 0:
			r.releases.Add(1)
			return nil
		case isDone(done):
			return nil
		case time.Now().After(end):
			r.found(Finding{Class: ClassEndless, Text: fmt.Sprintf("returned %#x still, %v after its prog array was let go", value, releaseWithin)})
			return nil
		}
	}
}

// allHold is what may be returned while key i holds one of the programs which(i).
func (r *run) allHold(which func(i int) []int) (uint64, error) {
	held := make([][]int, len(r.Keys))
	for i := range held {
		held[i] = which(i)
	}
	return r.ask(held)
}

// found books a finding of the loader.
func (r *run) found(f Finding) {
	f.Thread, f.Who, f.Count = None, "loader", 1
	r.noteFirst(time.Now())
	t := r.threads[0]
	t.bad.Add(1)
	t.mu.Lock()
	t.findings = append(t.findings, f)
	t.mu.Unlock()
}

func isDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// pause waits and reports whether done was closed meanwhile.
func pause(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
