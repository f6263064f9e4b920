//go:build linux && amd64

package rcu

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"tailpoke/jit/exec"
)

// policyOf returns the scheduling policy of a thread; 0 is the caller's.
func policyOf(t testing.TB, tid int) exec.Policy {
	t.Helper()
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return exec.Policy(attr.Policy)
}

func TestElevateRestores(t *testing.T) {
	before := policyOf(t, 0)
	restore := elevated(t)
	tid := exec.ThreadID()
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		t.Fatal(err)
	}
	if attr.Policy != uint32(exec.PolicyFIFO) || attr.Priority != waiterFIFO {
		t.Errorf("elevated to policy %d, priority %d", attr.Policy, attr.Priority)
	}
	if attr.Priority <= readerFIFO {
		t.Error("a waiter must come before the reader that it waits for")
	}
	restore()
	if p := policyOf(t, tid); p != before {
		t.Errorf("policy %d before, %d after", before, p)
	}
}

// TestElevateRefused takes the right to a real-time priority from one thread, which ends with the
// test.
func TestElevateRefused(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if err := unix.Capget(&hdr, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		caps[0].Effective &^= 1 << unix.CAP_SYS_NICE
		if err := unix.Capset(&hdr, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		var none, was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_RTPRIO, &was); err != nil {
			t.Error(err)
			return
		}
		none.Max = was.Max
		if err := unix.Setrlimit(unix.RLIMIT_RTPRIO, &none); err != nil {
			t.Error(err)
			return
		}
		restore, err := Elevate()
		if err == nil || restore != nil || !errors.Is(err, unix.EPERM) {
			t.Errorf("elevated without the right to: %v", err)
		}
		if p := policyOf(t, 0); p != exec.PolicyOther {
			t.Errorf("policy %d", p)
		}
		if err := unix.Setrlimit(unix.RLIMIT_RTPRIO, &was); err != nil {
			t.Error(err)
		}
	}()
	<-done
}
