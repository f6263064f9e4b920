//go:build linux && amd64

package exec

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBeNice: a thread of an ordinary process becomes nice, and none becomes less so, which a process
// with the right to it could do.
func TestBeNice(t *testing.T) {
	nice := func() int {
		inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		if err != nil {
			t.Error(err)
		}
		return 20 - inverse
	}
	for _, n := range []int{0, threadNice - 1, threadNice, 15, 19} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // it ends with the goroutine
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, n)
			before := nice() // n, if that was allowed
			beNice()
			if got := nice(); got != max(before, threadNice) {
				t.Errorf("nice %d becomes %d", before, got)
			}
		}()
		<-done
	}
}
