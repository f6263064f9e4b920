package kernel

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// objectInfo is BPF_OBJ_GET_INFO_BY_FD with the attributes at an address. It does not wait, so the
// Go scheduler need not be told.
func objectInfo(attr uint64, size int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(attr), uintptr(size))
	if errno != 0 {
		return fmt.Errorf("BPF_OBJ_GET_INFO_BY_FD: %w", errno)
	}
	return nil
}

// storeCPU stores the number of the CPU that the caller is on, of four bytes.
func storeCPU(addr uint64) { unix.RawSyscall(unix.SYS_GETCPU, uintptr(addr), 0, 0) }

// nap pauses for a time that is too short for time.Sleep, which makes a millisecond of it.
func nap(d time.Duration) {
	ts := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&ts, nil) // a signal may cut it short
}

// watchNice is the reader's priority: it runs for short times and is to be there when something
// happens, and no thread is to keep it from its CPU while the mutator waits for its lock.
const watchNice = -20

// A watchThread is the reader's thread, and what it was before.
type watchThread struct {
	id, slack, nice int
	cpus            unix.CPUSet
	off             int // the CPU that it keeps off, or -1
}

// attend makes naps of the calling thread end when they should, and not up to 50 us later, and lets
// it run before others if it may. The thread must be locked to its goroutine.
func attend() (*watchThread, error) {
	t := &watchThread{id: unix.Gettid(), off: -1}
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("timer slack: %w", err)
	}
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, t.id)
	if err != nil {
		return nil, fmt.Errorf("priority: %w", err)
	}
	if err := unix.SchedGetaffinity(t.id, &t.cpus); err != nil {
		return nil, fmt.Errorf("affinity: %w", err)
	}
	t.slack, t.nice = slack, 20-inverse
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("timer slack: %w", err)
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, t.id, watchNice) // without CAP_SYS_NICE less is seen
	return t, nil
}

// keepOff leaves a CPU to the mutator, which calls bpf(2) there: a thread in its place
// sees nothing of what it does.
func (t *watchThread) keepOff(cpu int) {
	if cpu == t.off {
		return
	}
	t.off = cpu
	if set := t.cpus; set.Count() > 1 {
		set.Clear(cpu)
		_ = unix.SchedSetaffinity(t.id, &set)
	}
}

// leave makes the thread what it was.
func (t *watchThread) leave() {
	_ = unix.SchedSetaffinity(t.id, &t.cpus)
	_ = unix.Setpriority(unix.PRIO_PROCESS, t.id, t.nice)
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(t.slack), 0, 0, 0)
}
