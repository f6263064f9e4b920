//go:build linux

package kernel

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestConfined: what runs confined has the listed capabilities alone, and nothing else changes.
func TestConfined(t *testing.T) {
	needKernel(t)
	before, err := held()
	if err != nil {
		t.Fatal(err)
	}
	allowed := uint64(0)
	for _, c := range capabilities {
		allowed |= 1 << c.bit
	}
	failed := errors.New("failed")
	err = confined(func() error {
		inside, err := held()
		if err != nil {
			return err
		}
		if inside == 0 || inside&^allowed != 0 {
			t.Errorf("inside: %#x, allowed are %#x", inside, allowed)
		}
		var limit unix.Rlimit
		if err := unix.Setrlimit(unix.RLIMIT_NICE, &unix.Rlimit{Cur: 40, Max: 40}); err == nil && unix.Getrlimit(unix.RLIMIT_NICE, &limit) == nil && before>>unix.CAP_SYS_RESOURCE&1 != 0 {
			t.Error("inside, a limit could be raised")
		}
		return failed
	})
	if err != failed {
		t.Errorf("error %v", err)
	}
	if after, err := held(); after != before || err != nil {
		t.Errorf("before %#x, after %#x, %v", before, after, err)
	}
}

// asUser names the variable that makes this test a child without privileges but some.
const asUser = "TAILPOKE_TEST_AS_USER"

// TestAsUser: a user with CAP_BPF and CAP_NET_ADMIN can run the engine, and one with either alone is
// told which is missing.
func TestAsUser(t *testing.T) {
	if want := os.Getenv(asUser); want != "" {
		asUserInside(t, want)
		return
	}
	needKernel(t)
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot become another user")
	}
	for _, tc := range []struct {
		want string
		caps []uintptr
	}{
		{"runs", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}},
		{"runs", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN, unix.CAP_PERFMON, unix.CAP_SYSLOG}},
		{"needs CAP_NET_ADMIN", []uintptr{unix.CAP_BPF}},
		{"needs CAP_BPF", []uintptr{unix.CAP_NET_ADMIN}},
		{"needs CAP_BPF and CAP_NET_ADMIN", nil},
	} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestAsUser$", "-test.v")
		cmd.Env = append(os.Environ(), asUser+"="+tc.want)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: tc.caps}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "as expected") {
			t.Errorf("%v: %v\n%s", tc.caps, err, out)
		}
		if _, line, ok := strings.Cut(string(out), "as expected: "); ok {
			line, _, _ = strings.Cut(line, "\n")
			t.Logf("capabilities %v: %s", tc.caps, line)
		}
	}
}

func asUserInside(t *testing.T, want string) {
	if want != "runs" {
		if err := Supported(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
		t.Log("as expected: ", want)
		return
	}
	c := rig(t)
	c.Duration = time.Second
	res, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if res.Executions == 0 || res.Removes == 0 || len(res.Findings) > 0 {
		t.Fatalf("%+v", res)
	}
	t.Logf("as expected: %d executions, %d removes; unwatched %q", res.Executions, res.Removes, res.Unwatched)
}
