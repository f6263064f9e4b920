package kernel

import (
	"errors"
	"fmt"
	"time"

	"tailpoke/stress/internal/live"

	"github.com/cilium/ebpf"
)

// The loader brings copies of the entry in, executes them, and takes them out again, while the
// mutator works on the same keys: descriptors come and go under its pokes. In between it lets a
// prog array go while a caller's sites jump to its programs.
const (
	loadedFor   = 5 * time.Millisecond
	unloadedFor = 20 * time.Millisecond
)

// releaseWithin is how long the kernel has to empty an array that was let go. It waits for a grace
// period for each site; with many threads on few CPUs one takes some 200 ms.
const releaseWithin = 60 * time.Second

func (r *run) loader(done <-chan struct{}) error {
	for n := 0; ; n++ {
		took, err := r.comeAndGo(done, r.checksItself(DefaultCallers+n))
		if err != nil {
			return err
		}
		if n%8 == 7 && r.shows() && !r.slow {
			if err := r.release(done); err != nil {
				return err
			}
		}
		pause := unloadedFor
		if took > slowLoad {
			pause = 4 * took
		}
		if live.Pause(done, pause) {
			return nil
		}
	}
}

// comeAndGo loads a copy of the entry, executes it for a while, and lets it go. Its image is not
// looked at: the sites may be in any state. took is how long loading it took.
func (r *run) comeAndGo(done <-chan struct{}, checks bool) (took time.Duration, err error) {
	begun := time.Now()
	p, err := r.copyOf(checks)
	if err != nil {
		return 0, err
	}
	took = time.Since(begun)
	if r.idle != "" || endsEvent(r.entry) && !checks { // it might keep the others from being executed
		live.Pause(done, loadedFor)
	} else {
		err = r.executeFor(done, caller{Program: p, checks: checks})
	}
	r.driver.Loaded()
	return took, errors.Join(err, p.Close())
}

// executeFor executes a copy of the entry for a while.
func (r *run) executeFor(done <-chan struct{}, c caller) error {
	at, err := r.attached(c.Program)
	if err != nil {
		return err
	}
	t := r.newThread(live.None, []caller{c})
	t.seen = r.threads[0].seen
	for end := time.Now().Add(loadedFor); err == nil && time.Now().Before(end) && !live.IsDone(done); {
		err = t.once()
	}
	return errors.Join(err, at.Close())
}

// shows says whether an execution shows what it returned, and it is known what that may be.
func (r *run) shows() bool { return r.Oracle != nil && r.idle == "" && r.event == nil && !r.way.hides }

// checkable says whether callers can check themselves.
func (r *run) checkable() bool { return r.uncheckable == "" }

// release makes a set of maps of its own with a caller, gives every key a program, and lets go of
// the prog arrays: the kernel then empties them, while the caller is executed. The programs are over
// these maps too, as they may have tail calls themselves.
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
	var given []*ebpf.Program
	defer func() {
		for _, p := range given {
			p.Close()
		}
	}()
	for i, k := range r.Keys {
		if i < len(r.programs) {
			one, err := loadProgram(r.spec, own.Maps, r.programs[i])
			if err != nil {
				return err
			}
			given = append(given, one)
		}
		if err := own.Maps[k.Map].Put(uint32(k.Index), given[i%len(given)]); err != nil {
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
		r.found(r.classify(record{value: value}).Class, "returned %#x while every key held a program", value)
	}
	own.Close()
	return r.emptied(done, p, opts)
}

// emptied executes a caller until its keys are seen to be empty. Meanwhile each may hold what it
// held, or nothing.
func (r *run) emptied(done <-chan struct{}, p *ebpf.Program, opts *ebpf.RunOptions) error {
	some, err := r.allHold(func(i int) []int { return []int{i % len(r.pinned), live.None} })
	if err != nil {
		return err
	}
	none, err := r.allHold(func(int) []int { return []int{live.None} })
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
			r.found(r.classify(record{value: value}).Class, "returned %#x while a prog array was emptied", value)
			return nil
		case r.bits[value]&none != 0:
			r.releases.Add(1)
			return nil
		case live.IsDone(done):
			return nil
		case time.Now().After(end):
			r.found(live.ClassEndless, "returned %#x still, %v after its prog array was let go", value, releaseWithin)
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
	return r.Oracle.Legal(held)
}

// found books a finding of the loader.
func (r *run) found(class live.Class, format string, args ...any) {
	r.driver.NoteFinding()
	t := r.threads[0]
	t.bad.Add(1)
	t.keep(live.Finding{Class: class, Thread: live.None, Who: "loader", Text: fmt.Sprintf(format, args...), Count: 1})
}
