//go:build linux && amd64

package rcu

import (
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
