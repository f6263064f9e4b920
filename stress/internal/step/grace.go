package step

import (
	"bytes"
	"slices"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol/witness"
)

// awaited are the threads that are inside their sections after a step in which a wait begins, of the
// kinds of readers that it waits for.
func (r *replay) awaited(s *witness.Step) map[int]bool {
	in, p := map[int]bool{}, r.c.Subject.Protocol
	for i, at := range s.View.Threads {
		if at.Place != witness.Idle && p.Awaits(s.Action.Grace, i%p.Kinds()) {
			in[i] = true
		}
	}
	return in
}

// endWait is for a witness that goes on after a wait: so must the patcher.
func (m *mutator) endWait() error {
	if m.waiting == nil {
		return nil
	}
	h, ok := m.await()
	if !ok {
		return differs("the grace period does not end within %v, the witness's has ended", m.limit)
	}
	m.waiting = nil
	return m.stopped(h, m.wait, false)
}

// waitsStill is for a witness in which the mutator waits: so must the patcher.
func (m *mutator) waitsStill(r *replay) error {
	if m.waiting == nil {
		return nil
	}
	for i, t := range r.threads {
		if !t.inside {
			delete(m.waiting, i)
		}
	}
	if len(m.waiting) <= r.allowed(m.wait.Action.Grace) {
		return nil // it may end, and the witness does not need that yet
	}
	select {
	case h := <-m.stood:
		return differs("the patcher goes on with %v, the witness waits for a grace period", h)
	default:
		return nil
	}
}

// sameFreed frees what may be freed, and compares with what the step has freed.
func (r *replay) sameFreed(s *witness.Step) error {
	for n, t := range r.texts {
		if !t.freed && slices.Contains(s.Frees, n) {
			if err := r.free(t); err != nil {
				return err
			}
			t.freed = true
		}
	}
	if r.mayReap() {
		r.Patcher.Reap()
	}
	for _, t := range r.texts {
		if !t.freed && r.erased(t) {
			return differs("%s is freed, the witness's is not", t.name)
		}
	}
	return nil
}

// free waits until a program is freed.
func (r *replay) free(t *loaded) error {
	for end := time.Now().Add(r.limit); !r.erased(t); time.Sleep(50 * time.Microsecond) {
		if !r.mayReap() {
			return cannotForce("frees %s in the midst of an operation, whose mutex package patcher "+
				"takes to untrack a program's sites", t.name)
		}
		r.Patcher.Reap()
		if time.Now().After(end) {
			return differs("%s is not freed within %v, the witness's is", t.name, r.limit)
		}
	}
	return nil
}

// mayReap reports whether the mutator does not hold the mutex that untracking sites takes, or there
// are no sites but the entry's.
func (r *replay) mayReap() bool {
	if !r.mutator.inside {
		return true
	}
	for _, t := range r.texts[1:] {
		if len(t.Slots()) > 0 {
			return false
		}
	}
	return true
}

// erased says whether a program's text is gone.
func (r *replay) erased(t *loaded) bool {
	code := r.Arena.Read(t.off, len(t.Image.Code))
	return bytes.Count(code, []byte{exec.Int3}) == len(code)
}
