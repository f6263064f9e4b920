package kernel

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// TestResultEndsEvent: where the first program that returns something else than 0 is the last that is
// executed, no execution is counted that the kernel does not count.
func TestResultEndsEvent(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see")
	}
	for name, checker := range map[string]func(asm.Instructions) asm.Instructions{
		"some check themselves": nil,
		"none does": func(asm.Instructions) asm.Instructions {
			return asm.Instructions{asm.Return().WithSymbol(checkerName)} // what it returns is nothing
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := blindRig(t, ebpf.Tracing, ebpf.AttachModifyReturn, "bpf_modify_return_test")
			entry := c.Spec.Programs["entry"].Instructions
			entry[len(entry)-2].Constant = 7
			f, err := Survey(t.Context(), c)
			if errors.Is(err, ErrUnsupported) {
				t.Skipf("this kernel does not take it: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.Spec, c.Programs, c.Keys = f.Spec, f.Programs, f.Keys
			c.Callers, c.faults.checker = 6, checker
			c = c.withDefaults()
			l, err := open(&c)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			if l.startExecuting(&c); l.idle != "" {
				t.Skipf("nothing executes it here: %s", l.idle)
			}
			stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
			if err != nil {
				t.Skipf("the kernel does not count executions: %v", err)
			}
			defer stats.Close()
			r := &run{Config: c, loaded: l}
			one := r.newThread(0, l.callers)
			if err := one.fire(); err != nil {
				t.Fatal(err)
			}
			executed, idle := uint64(0), 0
			for i, caller := range l.callers {
				s, err := caller.Stats()
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("caller %d: %d executions, checks: %v", i, s.RunCount, caller.checks)
				if s.RunCount == 0 {
					idle++
				}
				if !caller.checks {
					executed += s.RunCount
				}
			}
			if counted := one.executions.Load(); counted == 0 || counted != executed {
				t.Errorf("%d executions are counted, the kernel made %d", counted, executed)
			}
			if checker == nil && idle > 0 {
				t.Errorf("%d callers were not executed", idle)
			}
		})
	}
}

// TestDefinite: what the process lacks at the moment is asked again, also where its text alone is left; an
// answer is not.
func TestDefinite(t *testing.T) {
	no := errors.New("no")
	answers := []error{fmt.Errorf("it cannot be traced: %s", reasonOf(syscall.EMFILE)), syscall.ENOMEM, no, nil}
	asked := 0
	ask := definite(func() error {
		asked++
		return answers[asked-1]
	})
	for i, want := range append(answers[:3:3], no, no) {
		if got := ask(); got != want {
			t.Errorf("answer %d: %v, want %v", i, got, want)
		}
	}
}
