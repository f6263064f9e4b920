package kernel

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The priorities of a run with a sleepable caller, on one CPU.
const (
	hogPriority     = 1
	readerPriority  = 5
	mutatorPriority = 10
)

func thisThread() int { return unix.Gettid() }

// fifo gives a thread, or with 0 the calling one, a real-time priority.
func fifo(thread int, priority uint32) error {
	return unix.SchedSetAttr(thread, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: priority}, 0)
}

// normal takes it back. A thread that has ended needs it no more.
func normal(thread int) {
	_ = unix.SchedSetAttr(thread, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
}

// rest sleeps in the kernel: the Go runtime's timers wake up other threads first.
func rest(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}

// unthrottled lets real-time threads have all of a CPU until the function that it returns is called:
// the reader would else go on in the twentieth of each second that is kept for others.
func unthrottled() (back func()) {
	const path = "/proc/sys/kernel/sched_rt_runtime_us"
	before, err := os.ReadFile(path)
	if err != nil || os.WriteFile(path, []byte("-1"), 0) != nil {
		return func() {}
	}
	return func() { _ = os.WriteFile(path, before, 0) }
}
