package kernel

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// Since Linux 7.0 (0f0c332992b8) a sleepable program may tail call. It is executed under
// rcu_read_lock_trace(), and a removal waits by synchronize_rcu() alone, which waits for no such
// reader. Its threads are preempted like any other, so a reader that is held in the window of its
// site, between the open bypass and the target, for longer than the removal takes, goes on at a
// cleared target: state A.
//
// Chance would need long for that. So one CPU executes all: a reader; a mutator before which it must
// give way, and which wakes up while the reader is somewhere; and a hog that keeps the CPU while the
// mutator waits in its removal. A removal that waits for the reader too would wait for ever: after a
// second the hog gives way.

// A Sleepable says what is asked of sleepable callers.
type Sleepable struct {
	Duration  time.Duration
	Patience  time.Duration // more, for MinCycles
	MinCycles uint64
	// Updates: the mutator replaces what the key holds, and removes nothing. No reader can then be
	// hurt: it is the control.
	Updates bool
	// AcrossPages is that of [Config].
	AcrossPages bool
	// Alone says that the machine is there for this run alone: real-time threads may have all of a CPU.
	Alone    bool
	Began    func(protocol.OpKind)
	Ended    func()
	Progress func(report.Progress)
}

// sleeper is a run.
type sleeper struct {
	Sleepable
	array   *ebpf.Map
	caller  *ebpf.Program
	targets [2]*ebpf.Program
	windows *report.Windows

	stop       atomic.Bool
	inside     atomic.Bool // the reader executes
	executions atomic.Uint64
	lost       atomic.Uint64
	first      atomic.Int64 // nanoseconds from the start to the first loss
	cycles     atomic.Uint64
	waited     atomic.Uint64 // cycles that did not end before the reader could go on
	threads    [sleeperThreads]atomic.Int64
	start      time.Time
	failed     atomic.Pointer[error]
	held       uint64 // operations beside which the reader was in an execution, and made no progress

	latencies latencies
	res       Result
}

// RunSleepable executes a sleepable caller and changes its key. The error says that the machine or the
// kernel does not allow it; a finding is no error. A result beside an error is what was seen before it.
func RunSleepable(ctx context.Context, c Sleepable) (*Result, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	s := &sleeper{Sleepable: c, latencies: newLatencies()}
	err := confined(func() error {
		if err := s.open(ctx); err != nil {
			return err
		}
		return s.run(ctx)
	})
	if bad := s.close(); err == nil {
		err = bad
	}
	return &s.res, err
}

// run lets the reader and the hog go, and changes the key.
func (s *sleeper) run(ctx context.Context) error {
	if s.Alone {
		defer unthrottled()()
	}
	defer live.Procs(3 + 1)() // those that execute, and who reports
	var others sync.WaitGroup
	ready := make(chan struct{})
	tell := sync.OnceFunc(func() { close(ready) })
	others.Go(func() {
		defer tell() // also where it could not begin
		s.aside(func() error { return s.read(tell) })
	})
	<-ready
	last := time.Now().Add(s.Duration + s.Patience + time.Minute)
	others.Go(func() { s.aside(func() error { return s.hog(last) }) })
	s.start = time.Now()
	done := make(chan struct{})
	others.Go(func() { s.guard(done) })
	err := s.mutate(ctx)
	close(done)
	s.release()
	others.Wait()
	if failed := s.failed.Load(); failed != nil { // what the mutator met comes of it
		err = *failed
	}
	s.conclude()
	return err
}

// How long the reader has, from its start to when it is held: an execution takes less, so that it is
// held anywhere.
const (
	holdAfter = 3 * time.Millisecond
	holdStep  = time.Microsecond
	holdSteps = 3001
	holdPrime = 7919
)

// mutate holds the reader somewhere, changes the key, and lets it go on, again and again.
func (s *sleeper) mutate(ctx context.Context) error {
	s.enter(mutatorThread)
	if err := fifo(0, mutatorPriority); err != nil {
		return fmt.Errorf("real-time priority: %w", err)
	}
	defer normal(0)
	told := time.Now()
	for n := 0; !s.over(ctx); n++ {
		if err := s.cycle(n); err != nil {
			return err
		}
		if s.Progress != nil && time.Since(told) > time.Second {
			told = time.Now()
			s.count()
			s.Progress(s.res.Progress())
		}
	}
	return nil
}

func (s *sleeper) over(ctx context.Context) bool {
	spent := time.Since(s.start)
	enough := s.res.Cycles >= s.MinCycles || spent >= s.Duration+s.Patience
	return ctx.Err() != nil || s.stop.Load() || s.lost.Load() > 0 || spent >= s.Duration && enough
}

// cycle gives the key a program, holds the reader, and takes the program or gives another one.
func (s *sleeper) cycle(n int) error {
	kind := protocol.Update
	if n == 0 || !s.Updates {
		kind = protocol.Install
	}
	if err := s.operate(kind, func() error { return s.array.Put(uint32(0), s.targets[0]) }); err != nil {
		return err
	}
	if err := fifo(int(s.threads[readerThread].Load()), readerPriority); err != nil {
		return fmt.Errorf("the reader's priority: %w", err)
	}
	rest(holdAfter + time.Duration(n*holdPrime%holdSteps)*holdStep)
	normal(int(s.threads[readerThread].Load())) // it is held where it is: the hog has the CPU
	before, inside := s.executions.Load(), s.inside.Load()
	var err error
	if s.Updates {
		err = s.operate(protocol.Update, func() error { return s.array.Put(uint32(0), s.targets[1]) })
	} else {
		err = s.operate(protocol.Remove, func() error { return s.array.Delete(uint32(0)) })
	}
	if inside && s.executions.Load() == before {
		s.held++
	}
	if err != nil {
		return err
	}
	s.res.Cycles++
	s.cycles.Store(s.res.Cycles)
	if err := fifo(int(s.threads[readerThread].Load()), readerPriority); err != nil {
		return fmt.Errorf("the reader's priority: %w", err)
	}
	rest(holdAfter)
	return nil
}

// operate carries one operation out.
func (s *sleeper) operate(kind protocol.OpKind, do func() error) error {
	if s.Began != nil {
		s.Began(kind)
		defer s.Ended()
	}
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	s.latencies.add(kind, time.Since(start))
	switch kind {
	case protocol.Install:
		s.res.Installs++
	case protocol.Update:
		s.res.Updates++
	default:
		s.res.Removes++
	}
	return nil
}

// count brings the result up to date.
func (s *sleeper) count() {
	r := &s.res
	r.Seconds, r.Executions, r.MinCycles = time.Since(s.start).Seconds(), s.executions.Load(), s.MinCycles
	r.Checked, r.Callers, r.Bad = r.Executions, 1, s.lost.Load()
	if s.Updates {
		r.Overlaps.Update = s.held
	} else {
		r.Overlaps.Remove = s.held
	}
	if r.Findings = nil; r.Bad > 0 {
		r.Findings = []live.Finding{{
			Class: live.ClassA, Thread: live.None, Who: "sleepable caller", Count: int(r.Bad),
			Text: fmt.Sprintf("returned without its canary, after %d cycles and %d executions", r.Cycles, r.Executions),
		}}
	}
}

// conclude makes the result of a run that is over.
func (s *sleeper) conclude() {
	s.count()
	r := &s.res
	r.Skips, r.FirstSeconds = r.Executions-r.Bad, time.Duration(s.first.Load()).Seconds()
	r.WaitedForReader = s.waited.Load()
	r.Latencies, r.Windows, r.Overlapped = s.latencies.sum(), s.windows, map[string]uint64{}
	r.Unwatched = "the slots of a sleepable caller are not watched"
}

// SleepableVerdict is what such a run comes to: it judges one property, by one kind of operation.
func (r *Result) SleepableVerdict() report.Verdict {
	v := r.Verdict()
	v.Properties = []protocol.Property{protocol.NeverA}
	if v.Verdict == protocol.Violated {
		return v
	}
	v.Verdict, v.Reason = protocol.NotObserved, ""
	switch {
	case r.Cycles < r.MinCycles:
		v.Verdict, v.Reason = protocol.Vacuous, fmt.Sprintf("%d of at least %d cycles: run longer", r.Cycles, r.MinCycles)
	case r.Overlaps.Sum() < r.MinCycles:
		v.Verdict, v.Reason = protocol.Vacuous, fmt.Sprintf("the reader was held in an execution in %d of at least %d cycles: run longer", r.Overlaps.Sum(), r.MinCycles)
	case r.Windows != nil && r.Windows.Across == 0:
		v.Verdict, v.Reason = protocol.Vacuous, "no site's window lies across a page, and an emulator stops threads nowhere else in one"
		if r.Windows.Error != "" {
			v.Reason += ": " + r.Windows.Error
		}
	case r.WaitedForReader > 0:
		v.Reason = fmt.Sprintf("in %d cycles the operation waited until the held reader could go on", r.WaitedForReader)
	}
	return v
}
