//go:build linux

package kernel

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
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

// TestTakeTurns: a thread that takes short turns stays as nice as it is.
func TestTakeTurns(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 15); err != nil {
			t.Error(err)
		}
		takeTurns()
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil || attr.Nice != 15 {
			t.Errorf("nice 15 becomes %+v, %v", attr, err)
		}
		if attr.Runtime != uint64(turn) {
			t.Logf("this scheduler does not let a thread choose its turns: they take %d ns", attr.Runtime)
		}
	}()
	<-done
}

// asUser names the variable that makes this test a child without privileges but some.
const asUser = "TAILPOKE_TEST_AS_USER"

// TestAsUser: a user with the required capabilities can run the engine, and one without is told
// which are missing. Those of a user namespace are none, and the reason says so.
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
		{"runs", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN, unix.CAP_PERFMON}},
		{"runs", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN, unix.CAP_PERFMON, unix.CAP_SYSLOG}},
		{"needs CAP_PERFMON", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}},
		{"needs CAP_NET_ADMIN", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}},
		{"needs CAP_BPF", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_PERFMON}},
		{"needs CAP_BPF and CAP_NET_ADMIN and CAP_PERFMON", nil},
	} {
		attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: tc.caps}
		t.Logf("capabilities %v: %s", tc.caps, asUserRun(t, tc.want, attr))
	}
	if !namespaces() {
		t.Log("not tried: this process may make no user namespace")
		return
	}
	const want = "the kernel does not load a program of two instructions (its capabilities are those of a user namespace): operation not permitted"
	root := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: root}
	t.Logf("in a user namespace: %s", asUserRun(t, want, attr))
}

// namespaces says whether a user namespace can be made.
func namespaces() bool {
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	return cmd.Run() == nil
}

// asUserRun runs TestAsUser as another process, and returns what it says.
func asUserRun(t *testing.T, want string, attr *syscall.SysProcAttr) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestAsUser$", "-test.v")
	cmd.Env = append(os.Environ(), asUser+"="+want)
	cmd.Dir = "/"
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	_, line, ok := strings.Cut(string(out), "as expected: ")
	if err != nil || !ok {
		t.Errorf("%v: %v\n%s", want, err, out)
	}
	line, _, _ = strings.Cut(line, "\n")
	return line
}

// TestJudgeProbe: a kernel that does not compile, or compiles something else, makes no site.
func TestJudgeProbe(t *testing.T) {
	for _, tc := range []struct {
		jited, translated int
		want              string
	}{
		{20, probeSize, ""},
		{20, 0, ""}, // the kernel does not say
		{0, probeSize, "bpf_jit_enable"},
		{40, 2 * probeSize, "bpf_jit_harden"},
	} {
		err := judgeProbe(tc.jited, tc.translated)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: got %v", tc, err)
		}
	}
	needKernel(t)
	if jited, translated, err := loadProbe(); err != nil || jited < 5 || translated != probeSize {
		t.Errorf("probe: %d bytes of machine code, %d of instructions, %v", jited, translated, err)
	}
}

// TestCountsLocked: memory is locked before 5.11.
func TestCountsLocked(t *testing.T) {
	for release, want := range map[string]bool{
		"4.19.0-27-amd64": true, "5.10.230": true, "5.11.0": false, "5.4.0-150-generic": true, "6.1.0": false, "": false, "unknown": false,
	} {
		if got := countsLocked(release); got != want {
			t.Errorf("%q: %t", release, got)
		}
	}
}

// TestPinTo: threads are spread over the CPUs that they may run on, and no others.
func TestPinTo(t *testing.T) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	if all.Count() < 2 {
		t.Skip("one CPU: there is nothing to choose")
	}
	first := 0
	for !all.IsSet(first) {
		first++
	}
	but := all
	but.Clear(first)
	// Of all CPUs but the first, numbers go round.
	for i := range 2*but.Count() + 1 {
		if got := pinnedFrom(t, but, i); got.IsSet(first) || got.Count() != 1 || got != pinnedFrom(t, but, i+but.Count()) {
			t.Errorf("thread %d of %v runs on %v", i, but, got)
		}
	}
	if pinnedFrom(t, all, 0) == pinnedFrom(t, all, 1) {
		t.Error("two threads are on one CPU")
	}
}

// pinnedFrom is where thread i may run once it is pinned, having been allowed some CPUs before.
func pinnedFrom(t *testing.T, may unix.CPUSet, i int) (got unix.CPUSet) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and its thread ends with it, unless it is the first
		var before unix.CPUSet
		err := errors.Join(unix.SchedGetaffinity(0, &before), unix.SchedSetaffinity(0, &may))
		pinTo(i)
		done <- errors.Join(err, unix.SchedGetaffinity(0, &got), unix.SchedSetaffinity(0, &before))
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return got
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
	res := runUntil(t, c, func(res *Result) bool { return res.Executions > 0 && res.Removes > 0 })
	if len(res.Findings) > 0 {
		t.Fatalf("%+v", res)
	}
	t.Logf("as expected: %d executions, %d removes; unwatched %q", res.Executions, res.Removes, res.Unwatched)
}
