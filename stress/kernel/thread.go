package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
)

// How many executions a call of bpf(2) makes. Of a caller that does not check itself only the last
// one is checked, so its calls are short.
const (
	manyAtOnce = 4096
	fewAtOnce  = 32
)

// options are those of a call of a thread. Where executions leave something to the next, and nobody
// puts it back, there is one to a call.
func (r *run) options(checks bool) *ebpf.RunOptions {
	n := uint32(fewAtOnce)
	switch {
	case checks:
		n = manyAtOnce
	case r.WrittenHi > r.WrittenLo:
		n = 1
	}
	return r.Input.options(r.entry.Type, n)
}

// A thread executes one caller over and over.
type thread struct {
	run    *run
	number int
	caller *caller
	opts   *ebpf.RunOptions

	// Of a caller that does not check itself:
	executions atomic.Uint64
	checked    atomic.Uint64
	unchecked  atomic.Uint64
	overlaps   [kinds8]atomic.Uint64
	skips      atomic.Uint64
	tails      atomic.Uint64
	bad        atomic.Uint64

	mu       sync.Mutex
	findings []Finding
}

// execute calls the kernel until the run is over.
func (t *thread) execute(done <-chan struct{}) error {
	for {
		select {
		case <-done:
			return nil
		default:
		}
		if err := t.once(); err != nil {
			return fmt.Errorf("thread %d: %w", t.number, err)
		}
	}
}

func (t *thread) once() error {
	if t.caller.checks {
		_, err := t.caller.Run(t.opts)
		return err
	}
	clock := t.run.clock
	from := clock.now()
	value, err := t.caller.Run(t.opts)
	if err != nil {
		return err
	}
	t.executions.Add(uint64(t.opts.Repeat))
	legal, kind, known := clock.between(from, clock.now())
	t.overlaps[kind].Add(1)
	if !known || t.run.Legal == nil {
		t.unchecked.Add(1)
		return nil
	}
	t.checked.Add(1)
	t.check(value, legal, from)
	return nil
}

// check judges the last execution of a call.
func (t *thread) check(value uint32, legal, from uint64) {
	bits := t.run.bits[value]
	switch o := t.run.outcomeOf(bits); {
	case o == nil:
	case o.Tail:
		t.tails.Add(1)
	default:
		t.skips.Add(1)
	}
	if bits&legal != 0 {
		return
	}
	if t.bad.Add(1) > records {
		return
	}
	t.run.noteFirst(time.Now())
	f := t.run.classify(record{value: value, from: from, to: from, legal: legal})
	f.Thread = t.number
	t.mu.Lock()
	t.findings = append(t.findings, f)
	t.mu.Unlock()
}
