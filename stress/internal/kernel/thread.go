package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tailpoke/stress/internal/live"

	"github.com/cilium/ebpf"
)

// How many executions a call of bpf(2) makes. Of a caller that does not check itself only the last
// one is checked, so its calls are short.
const (
	manyAtOnce = 4096
	fewAtOnce  = 32
)

// options are those of a call of a thread. If an execution leaves something to the next, and the
// kernel does not put it back, there is one to a call.
func (r *run) options(checks bool) *ebpf.RunOptions {
	lo, hi := r.written()
	n := uint32(fewAtOnce)
	switch {
	case checks:
		n = manyAtOnce
	case hi > lo:
		n = 1
	}
	return r.Input.options(r.entry.Type, max(1, min(n, uint32(longest/r.one))))
}

// longest is about the time that a call may take: the run ends when all are over.
const longest = 200 * time.Millisecond

// A thread executes callers in turn.
type thread struct {
	run     *run
	number  int
	callers []caller
	turn    int
	begun   chan struct{} // closed when it has executed each once; nil: no one waits for that

	many, few *ebpf.RunOptions // of callers that check themselves, and of others
	*seen
}

// seen is what callers that do not check themselves have shown.
type seen struct {
	executions atomic.Uint64
	checked    atomic.Uint64
	unchecked  atomic.Uint64
	overlaps   [overlapKinds]atomic.Uint64 // by what was in progress
	skips      atomic.Uint64
	tails      atomic.Uint64
	unknown    atomic.Uint64 // that may have taken a tail call or not
	bad        atomic.Uint64

	mu       sync.Mutex
	findings []live.Finding
}

// newThread makes a thread that begins with another caller than the one before it.
func (r *run) newThread(number int, callers []caller) *thread {
	return &thread{
		run: r, number: number, callers: callers, turn: max(number, 0),
		many: r.options(true), few: r.options(false), seen: &seen{},
	}
}

// execute calls the kernel until the run is over.
func (t *thread) execute(done <-chan struct{}) error {
	for n := 1; !live.IsDone(done); n++ {
		if err := t.once(); err != nil {
			return fmt.Errorf("thread %d: %w", t.number, err)
		}
		if n == len(t.callers) && t.begun != nil {
			close(t.begun)
		}
	}
	return nil
}

// callsATurn makes the turns of both kinds of callers about as long.
const callsATurn = 8

// once executes the caller whose turn it is.
func (t *thread) once() error {
	c := &t.callers[t.turn%len(t.callers)]
	t.turn++
	switch {
	case t.run.event != nil:
		return t.fire()
	case c.checks:
		return t.checkItself(c)
	}
	for range callsATurn {
		if err := t.checkLast(c); err != nil {
			return err
		}
	}
	return nil
}

// checkItself executes a caller that checks itself.
func (t *thread) checkItself(c *caller) error {
	calls := 1
	if t.run.way.once {
		calls = fewAtOnce
	}
	for range calls {
		if _, err := c.Run(t.many); err != nil {
			return err
		}
	}
	return nil
}

// checkLast executes a caller that does not check itself, and judges the last execution of the
// call.
func (t *thread) checkLast(c *caller) error {
	clock := t.run.clock
	from := clock.now()
	value, err := c.Run(t.few)
	if err != nil {
		return err
	}
	t.executions.Add(uint64(max(1, t.few.Repeat)))
	to := clock.now()
	legal, kind, known := clock.between(from, to)
	t.overlaps[kind].Add(1)
	if !known || t.run.Oracle == nil || t.run.way.hides {
		t.unchecked.Add(1)
		return nil
	}
	t.checked.Add(1)
	t.check(record{value: value, from: from, to: to, legal: legal})
	return nil
}

// eventsATurn is how many events a thread makes in a turn.
const eventsATurn = 32

// fire executes all callers that are attached, or where a result ends that at least one. Those that do
// not check themselves show nothing.
func (t *thread) fire() error {
	clock := t.run.clock
	for range eventsATurn {
		from := clock.now()
		if err := t.run.event.fire(); err != nil {
			return err
		}
		_, kind, _ := clock.between(from, clock.now())
		for i := range t.callers {
			if !t.callers[i].checks {
				t.executions.Add(1)
				t.unchecked.Add(1)
				t.overlaps[kind].Add(1)
				if endsEvent(t.run.entry) {
					break
				}
			}
		}
	}
	return nil
}

// check judges the last execution of a call.
func (t *thread) check(e record) {
	bits := t.run.bits[e.value]
	switch o := t.run.outcomeOf(bits); {
	case o.Tail && o.Skip:
		t.unknown.Add(1)
	case o.Tail:
		t.tails.Add(1)
	case o.Skip:
		t.skips.Add(1)
	}
	if bits&e.legal != 0 {
		return
	}
	if t.bad.Add(1) > records {
		return
	}
	t.run.driver.NoteFinding()
	f := t.run.classify(e)
	f.Thread, f.Who = t.number, ""
	if t.number == live.None {
		f.Who = "loader"
	}
	t.keep(f)
}

func (s *seen) keep(f live.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, f)
}
