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

// Bounds of a cycle that makes no progress.
const (
	stalled    = time.Second // then the hog gives way, as the removal may wait for the reader
	stalledFor = 20          // and after so many times the run ends: a kernel may need the CPU
)

// guard lets cycles go on that wait for the reader, and ends a run that makes no progress at all. It
// needs no real-time priority: a kernel has other CPUs.
func (s *sleeper) guard(done <-chan struct{}) {
	still, before := 0, uint64(0)
	for {
		select {
		case <-done:
			return
		case <-time.After(stalled):
		}
		hog := int(s.threads[hogThread].Load())
		switch now := s.cycles.Load(); {
		case now != before:
			if before = now; still > 0 {
				still = 0
				_ = fifo(hog, hogPriority) // it has ended, or is as before
			}
		case still == stalledFor:
			s.release()
		default:
			if still++; still == 1 {
				s.waited.Add(1)
			}
			normal(hog)
		}
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
