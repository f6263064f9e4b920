package kernel

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAttend: the thread is afterwards as it was.
func TestAttend(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	state := func() string {
		slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		nice, err2 := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
		var cpus unix.CPUSet
		err3 := unix.SchedGetaffinity(0, &cpus)
		return fmt.Sprint(slack, err, nice, err2, cpus.Count(), err3)
	}
	before := state()
	thread, err := attend()
	if err != nil {
		t.Fatal(err)
	}
	thread.keepOff(0)
	during := state()
	thread.leave()
	if after := state(); after != before || during == before {
		t.Errorf("slack, priority and CPUs are %s, then %s, then %s", before, during, after)
	}
}
