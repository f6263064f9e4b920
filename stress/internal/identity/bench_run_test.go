//go:build linux && amd64

package identity

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tailpoke/jit/exec"
)

const (
	roundTime = 5 * time.Millisecond
	warmTime  = time.Millisecond // predictors and caches learn; not timed
)

// runOurs executes the entry for a round, and gives the nanoseconds of a call.
func (m *match) runOurs() (ns float64, err error) {
	pool, err := exec.NewPool(exec.PoolConfig{Threads: 1, Outcomes: []uint64{m.want}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetEntries([]uint64{m.entry})
	if err := pool.Start(); err != nil {
		return 0, err
	}
	tid := pool.Readers()[0].ThreadID()
	if err := pin(tid, m.cpu); err != nil {
		return 0, err
	}
	// The executor is nice, a thread in the kernel is not. Where that cannot be undone, the
	// clock still does not run while others do.
	_ = unix.Setpriority(unix.PRIO_PROCESS, tid, 0)
	time.Sleep(warmTime)
	n0, t0, err0 := edge(pool, tid)
	time.Sleep(roundTime)
	n1, t1, err1 := edge(pool, tid)
	pool.Stop()
	if bad := pool.Anomalies(); len(bad) > 0 {
		return 0, fmt.Errorf("%s: our image was to return %d: %+v", m.name, m.want, bad[0])
	}
	return float64(t1-t0) / float64(n1-n0), errors.Join(err0, err1)
}

// edge waits for the end of an execution, and gives how many there were and what CPU time the
// thread has used.
func edge(pool *exec.Pool, tid int) (executions uint64, used int64, err error) {
	first := pool.Counters().Executions
	for deadline := time.Now().Add(time.Second); executions <= first; {
		if time.Now().After(deadline) {
			return 0, 0, errors.New("the image does not return")
		}
		executions = pool.Counters().Executions
	}
	used, err = cpuTime(tid)
	return executions, used, err
}

// runKernel executes the entry in the kernel for a round, and gives the nanoseconds of a call.
func (m *match) runKernel() (ns float64, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and so does its affinity
		if err = pin(0, m.cpu); err == nil {
			ns, err = m.testRuns()
		}
	}()
	<-done
	return ns, err
}

// testRuns times a round, less what a test run costs that runs the program once. It finds out,
// the first time, how many repetitions take a round.
func (m *match) testRuns() (float64, error) {
	for repeat := uint32(16); m.repeat == 0; repeat *= 2 {
		used, err := m.testRun(repeat)
		if err != nil {
			return 0, err
		}
		if used >= float64(warmTime) || repeat >= 1<<30 {
			m.repeat = max(2, uint32(float64(roundTime)/used*float64(repeat)))
		}
	}
	_, err := m.testRun(max(1, m.repeat/uint32(roundTime/warmTime)))
	once, err1 := m.testRun(1)
	all, err2 := m.testRun(m.repeat)
	return (all - once) / float64(m.repeat-1), errors.Join(err, err1, err2)
}

// testRun gives the nanoseconds of CPU time that all repetitions take.
func (m *match) testRun(repeat uint32) (float64, error) {
	start, err := cpuTime(unix.Gettid())
	if err != nil {
		return 0, err
	}
	got, err := m.coll.Programs[progName(0)].Run(&ebpf.RunOptions{Data: make([]byte, 64), Repeat: repeat})
	if err != nil {
		return 0, err
	}
	if got != uint32(m.want) {
		return 0, fmt.Errorf("%s: the kernel returns %d, want %d", m.name, got, m.want)
	}
	end, err := cpuTime(unix.Gettid())
	return float64(end - start), err
}

// pin has a thread run on one CPU; 0 is the caller's.
func pin(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(tid, &set)
}

// cpuTime is the CPU time that a thread of this process has used, in nanoseconds.
func cpuTime(tid int) (int64, error) {
	const perThread, sched = 4, 2 // how a clock's number is made from a thread's
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^tid<<3|perThread|sched), &ts); err != nil {
		return 0, fmt.Errorf("CPU time of thread %d: %w", tid, err)
	}
	return ts.Nano(), nil
}
