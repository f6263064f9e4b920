package child

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// works are what the children of this test do.
var works = map[string]Work{
	"double": func(in io.Reader) any {
		n := 0
		if err := json.NewDecoder(in).Decode(&n); err != nil {
			return err.Error()
		}
		return 2 * n
	},
	"fault": func(io.Reader) any {
		_ = syscall.Kill(os.Getpid(), syscall.SIGILL)
		time.Sleep(time.Minute)
		return nil
	},
	"panic": func(io.Reader) any { panic("the harness is at fault") },
	"starve": func(io.Reader) any {
		_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20})
		return len(make([]byte, 1<<30))
	},
	"wait": func(in io.Reader) any {
		_, _ = io.Copy(io.Discard, in)
		return nil
	},
}

// TestMain serves children, and leaves this process without the right to have some.
func TestMain(m *testing.M) {
	if os.Getenv(env) != "" {
		Serve(works)
	}
	os.Exit(m.Run())
}

func TestAsk(t *testing.T) {
	var got int
	if crashed, err := Ask(t.Context(), "double", 21, time.Minute, &got); got != 42 || crashed != "" || err != nil {
		t.Errorf("%d, %q, %v", got, crashed, err)
	}
	if crashed, err := Ask(t.Context(), "fault", 0, time.Minute, &got); !strings.Contains(crashed, "ill") || err != nil {
		t.Errorf("%q, %v", crashed, err)
	}
	// Faults of the harness are errors, and crashes of nothing.
	faults := []string{"panic", "none"}
	if !testing.Short() { // the race detector says in words of its own what it lacks
		faults = append(faults, "starve")
	}
	for _, work := range faults {
		if crashed, err := Ask(t.Context(), work, 0, time.Minute, &got); crashed != "" || err == nil {
			t.Errorf("%s: %q, %v", work, crashed, err)
		}
	}
}

// TestCrash: what the Go runtime says when it is killed by a torn instruction, and when it lacks something.
func TestCrash(t *testing.T) {
	for log, want := range map[string]string{
		"fatal error: unexpected signal during runtime execution\n[signal SIGSEGV]\n\nruntime.newosproc(0x1)\n": "exit status 0: fatal error: unexpected signal during runtime execution",
		"SIGILL: illegal instruction\nPC=0x1\n": "exit status 0: SIGILL: illegal instruction",
		"runtime: failed to create new OS thread (have 9 already; errno=11)\nruntime: may need to increase max user processes (ulimit -u)\nfatal error: newosproc\n": "",
		"fatal error: runtime: out of memory\n":                                                                                             "",
		"runtime: out of memory: cannot allocate 4194304-byte block\nfatal error: out of memory\n":                                          "",
		"fatal error: runtime: cannot allocate memory\n":                                                                                    "",
		"runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7f5 m=0 sigcode=18446744073709551610\n": "",
	} {
		if got := crash(new(os.ProcessState), log); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
}

// TestLimit: a child that goes on for ever is ended.
func TestLimit(t *testing.T) {
	start := time.Now()
	if crashed, err := Ask(t.Context(), "wait", 0, time.Second-Grace, nil); crashed != "" || err == nil {
		t.Errorf("%q, %v", crashed, err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("after %v", d)
	}
}
