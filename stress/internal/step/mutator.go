package step

import (
	"errors"
	"sync"
	"time"

	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
)

// mutator carries operations out, on a goroutine that stops in the patcher's hooks.
type mutator struct {
	w     *witness.Witness
	calls chan protocol.Call
	stood chan halt     // where it has stopped
	turn  chan struct{} // it may go on
	quit  chan struct{}
	wg    sync.WaitGroup
	gated bool // it stops at all: not before start
	limit time.Duration

	inside  bool          // of an operation, whose mutex it holds
	waiting map[int]bool  // it waits for these threads, which were inside; nil: it does not wait
	wait    *witness.Step // in which it began to
	refused error         // what ended the last operation before its end
}

// halt is where the mutator has stopped: after a step of a poke, after an action, or after an
// operation.
type halt struct {
	micro, over bool
	event       protocol.Event
	err         error
}

func newMutator(w *witness.Witness, limit time.Duration) *mutator {
	return &mutator{
		w: w, limit: limit, calls: make(chan protocol.Call),
		stood: make(chan halt), turn: make(chan struct{}), quit: make(chan struct{}),
	}
}

// start begins to take calls, which put carries out, and to stop in hooks.
func (m *mutator) start(put func(protocol.Call) error) {
	m.gated = true
	m.wg.Go(func() {
		for {
			select {
			case call := <-m.calls:
				m.halt(halt{over: true, err: put(call)})
			case <-m.quit:
				return
			}
		}
	})
}

// stop lets the operation at hand go to its end, and waits for that.
func (m *mutator) stop() {
	close(m.quit)
	m.wg.Wait()
}

func (m *mutator) between() { m.pause(halt{micro: true}) }

func (m *mutator) observe(ev protocol.Event) {
	if ev.Kind != protocol.Called && ev.Kind != protocol.Returned {
		m.pause(halt{event: ev})
	}
}

// halt says where the mutator is.
func (m *mutator) halt(h halt) {
	select {
	case m.stood <- h:
	case <-m.quit:
	}
}

// pause does that, and waits for its turn.
func (m *mutator) pause(h halt) {
	if !m.gated {
		return
	}
	m.halt(h)
	select {
	case <-m.turn:
	case <-m.quit:
	}
}

// await waits until the mutator stops; ok is false if it does not.
func (m *mutator) await() (h halt, ok bool) {
	select {
	case h = <-m.stood:
		return h, true
	case <-time.After(m.limit):
		return h, false
	}
}

// mutatorStep takes a step of the mutator.
func (r *replay) mutatorStep(i int, s *witness.Step, last bool) error {
	m := r.mutator
	if err := m.endWait(); err != nil {
		return err
	}
	switch {
	case s.Call != nil:
		if err := m.toEnd(); err != nil { // the wait was the operation's last action
			return err
		}
		m.calls <- *s.Call
		m.inside = true
	case !m.inside:
		return differs("the operation is over, the witness goes on with %s", m.w.Words(s))
	default:
		m.turn <- struct{}{}
	}
	if s.Action.Do == witness.Wait {
		m.waiting, m.wait = r.awaited(s), s
		if len(m.waiting) > r.allowed(s.Action.Grace) {
			return nil // endWait and waitsStill look after it
		}
		if err := m.endWait(); err != nil {
			return err
		}
	} else if h, ok := m.await(); !ok {
		return differs("the mutator does not come to the end of %s", m.w.Words(s))
	} else if err := m.stopped(h, s, last); err != nil {
		return err
	}
	switch {
	case lastOfOperation(r.w, i):
		return m.toEnd()
	case last && r.w.Property == protocol.NoLeak:
		err := m.toEnd() // only its return shows what the operation has left undone
		if _, leaks := errors.AsType[*patcher.LifeError](err); leaks {
			m.refused, err = err, nil
		}
		return err
	}
	return nil
}

// stopped holds where the mutator has stopped against what it does in the witness.
func (m *mutator) stopped(h halt, s *witness.Step, last bool) error {
	if h.over {
		m.inside = false
		return m.over(h.err, s, last)
	}
	kind, ok := map[witness.Do]protocol.EventKind{ // of a poke, its last step completes that
		witness.Publish: protocol.Published, witness.Store: protocol.Poked,
		witness.NoPoke: protocol.Poked, witness.Mismatch: protocol.Poked, witness.PokeGone: protocol.Poked,
		witness.Wait: protocol.Waited, witness.NoWait: protocol.WaitSkipped,
		witness.Retire: protocol.Retired, witness.Free: protocol.Freed,
	}[s.Action.Do]
	switch {
	case ok && h.micro && kind == protocol.Poked:
	case ok && !h.micro && h.event.Kind == kind:
	default:
		return differs("the patcher has done %v, the witness %s", h, m.w.Words(s))
	}
	return nil
}

// String says what has been done.
func (h halt) String() string {
	if h.micro {
		return "a step of a poke"
	}
	return h.event.String()
}

// over is an operation that has ended, while the witness is in the midst of it; or that had
// nothing to do.
func (m *mutator) over(err error, s *witness.Step, last bool) error {
	_, mismatch := errors.AsType[*text.MismatchError](err)
	_, life := errors.AsType[*patcher.LifeError](err)
	_, misaligned := errors.AsType[*text.AlignmentError](err)
	_, stalled := errors.AsType[*rcu.StallError](err)
	switch {
	case err == nil && s.Action.Do == witness.Nothing:
		return nil
	case err == nil:
		return differs("the operation is over, the witness is at %s", m.w.Words(s))
	case misaligned:
		return cannotForce("writes a word across its bound, which package text refuses: %v", err)
	case stalled || !mismatch && !life:
		return err
	case last:
		m.refused = err
		return nil
	}
	return differs("the patcher refuses: %v; the witness goes on with %s", err, m.w.Words(s))
}

// toEnd lets the operation at hand return, all actions of which are done in the witness.
func (m *mutator) toEnd() error {
	if !m.inside {
		return nil
	}
	m.turn <- struct{}{}
	h, ok := m.await()
	switch {
	case !ok:
		return differs("the operation does not return, the witness's does")
	case !h.over:
		return differs("the operation goes on with %v, the witness's is over", h)
	}
	m.inside = false
	return h.err
}

// lastOfOperation says whether the mutator begins another operation with its next step.
func lastOfOperation(w *witness.Witness, i int) bool {
	for _, s := range w.Steps[i+1:] {
		if s.Actor.Kind == witness.Mutator {
			return s.Call != nil
		}
	}
	return false
}
