package exec

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetScheduler gives the thread tid (0: the caller's) a scheduling policy; priority is
// that of PolicyFIFO, 0 elsewhere.
func SetScheduler(tid int, policy Policy, priority int) error {
	param := int32(priority)
	_, _, e := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), uintptr(policy),
		uintptr(unsafe.Pointer(&param)))
	if e != 0 {
		return fmt.Errorf("sched_setscheduler(%d, %d, %d): %w", tid, policy, priority, e)
	}
	return nil
}

// Yield gives up the CPU, without telling the Go scheduler.
func Yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// Sleep puts the thread to sleep, without telling the Go scheduler: the caller keeps
// its priority and its place.
func Sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// ThreadID returns the kernel's number of the calling thread.
func ThreadID() int { return unix.Gettid() }
