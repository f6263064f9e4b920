package kernel

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
)

// The threads of a run with a sleepable caller.
const (
	readerThread = iota
	hogThread
	mutatorThread
	sleeperThreads
)

// stalled is how long a cycle may take: a kernel may need the CPU that the run keeps for itself.
const stalled = 20 * time.Second

// guard ends a run that makes no progress. It needs no real-time priority: a kernel has other CPUs.
func (s *sleeper) guard(done <-chan struct{}) {
	for before := uint64(0); ; {
		select {
		case <-done:
			return
		case <-time.After(stalled):
		}
		if now := s.cycles.Load(); now != before {
			before = now
			continue
		}
		s.release()
	}
}

// release ends the run, and gives the CPU back.
func (s *sleeper) release() {
	s.stop.Store(true)
	for i := range s.threads {
		if id := s.threads[i].Load(); id != 0 {
			normal(int(id))
		}
	}
}

// enter notes a thread of the run, on its CPU.
func (s *sleeper) enter(i int) {
	pinTo(0)
	s.threads[i].Store(int64(thisThread()))
}

// aside runs f on a thread of its own with no more privileges than a run has.
func (s *sleeper) aside(f func() error) {
	if err := confined(f); err != nil {
		s.failed.CompareAndSwap(nil, &err)
		s.stop.Store(true)
	}
}

// read executes the caller until the run is over.
func (s *sleeper) read(ready func()) error {
	s.enter(readerThread)
	ready()
	for !s.stop.Load() {
		s.inside.Store(true)
		value, err := s.caller.Run(&ebpf.RunOptions{Context: sleepableContext()})
		s.inside.Store(false)
		if err != nil {
			return fmt.Errorf("execute the caller: %w", err)
		}
		s.executions.Add(1)
		if value == sleepableLost {
			s.lost.Add(1)
			s.first.CompareAndSwap(0, max(1, int64(time.Since(s.start))))
		}
	}
	return nil
}

// hog keeps the CPU busy whenever the reader has no priority and the mutator waits.
func (s *sleeper) hog(last time.Time) error {
	s.enter(hogThread)
	if err := fifo(0, hogPriority); err != nil {
		return fmt.Errorf("real-time priority: %w", err)
	}
	for !s.stop.Load() && time.Now().Before(last) {
	}
	return nil
}
