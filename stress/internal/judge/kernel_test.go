package judge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/report"
)

func needKernel(t *testing.T) {
	t.Helper()
	if err := kernel.Supported(); err != nil {
		t.Skipf("no kernel to run in: %v", err)
	}
}

// inKernel judges a choice by the kernel engine.
func inKernel(t *testing.T, c stress.Choice, o stress.Options) *report.Verdict {
	t.Helper()
	o.Engines = []protocol.Engine{protocol.Kernel}
	return judged(t, c, o).Of(protocol.Kernel)
}

// TestKernelEngineIsInterrupted: what ends before the kernel has said what it takes, says so.
func TestKernelEngineIsInterrupted(t *testing.T) {
	needKernel(t)
	s, w, err := stress.Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := stress.Run(ctx, s, w, stress.Options{Engines: []protocol.Engine{protocol.Kernel}})
	if err != nil {
		t.Fatal(err)
	}
	if v := d.Of(protocol.Kernel); v.Verdict != protocol.Bounded || !strings.Contains(v.Reason, "context canceled") {
		t.Errorf("%s: %s", v.Verdict, v.Reason)
	}
}

// TestKernelEngine: the running kernel does what the model says it does, on the program of the main
// job, on generated ones, and on a regression case that nobody can foretell.
func TestKernelEngine(t *testing.T) {
	needKernel(t)
	for _, tc := range []struct {
		name     string
		choice   stress.Choice
		callers  int
		foretold bool
	}{
		{"main job", stress.Choice{}, 0, true},
		{"one site", stress.Choice{Sites: 1}, 1, true},
		{"sites of one key", stress.Choice{Sites: 4, Keys: 1, Threads: 4}, 3, true},
		{"case", stress.Choice{Case: "hierarchy_2"}, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if testing.Short() && tc.callers == 1 {
				t.Skip("short: more sites do more at once")
			}
			o := stress.Options{Duration: time.Second, MinCycles: 5, Patience: time.Minute, Callers: tc.callers}
			v := inKernel(t, tc.choice, o)
			for v.Verdict == protocol.Vacuous && o.Duration < time.Minute { // the machine has other work
				o.Duration *= 4
				v = inKernel(t, tc.choice, o)
			}
			if v.Verdict != protocol.NotObserved {
				t.Fatalf("%s: %s %v", v.Verdict, v.Reason, v.Findings)
			}
			if v.Executions == 0 || v.Installs == 0 || v.Removes == 0 || v.Overlaps == 0 {
				t.Errorf("%+v", v.CPUCounts)
			}
			if k := v.Kernel; (k.Checked > 0) != tc.foretold || k.Release == "" || len(k.Latencies) != 3 {
				t.Errorf("%+v", k)
			}
			if v.Kernel.Watch == nil {
				t.Skipf("nobody watched: %s", v.Kernel.Unwatched)
			}
			if len(v.Kernel.Foreign) > 0 {
				t.Errorf("pairs that no operation makes: %+v", v.Kernel.Foreign)
			}
			if tc.foretold && !v.Trace.Conforms {
				t.Errorf("trace: %+v", v.Trace)
			}
		})
	}
}

// TestKernelHasItsOwn: of other protocols than its own a kernel says nothing.
func TestKernelHasItsOwn(t *testing.T) {
	needKernel(t)
	for _, c := range []stress.Choice{{Protocol: "batched"}, {Method: "word", Sites: 1}, {Grace: "sleep"}} {
		if v := inKernel(t, c, stress.Options{}); v.Verdict != protocol.Unsupported || !strings.Contains(v.Reason, "of its own") {
			t.Errorf("%+v: %s %s", c, v.Verdict, v.Reason)
		}
	}
}

// TestKernelScript: a script is carried out as it is, and its trace can be kept.
func TestKernelScript(t *testing.T) {
	needKernel(t)
	script, err := protocol.ParseScript("put 0 0\nput 0 1\ndelete 0\n")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	v := inKernel(t, stress.Choice{Sites: 1}, stress.Options{Script: script, Trace: &text})
	if v.Installs != 1 || v.Updates != 1 || v.Removes != 1 {
		t.Errorf("%+v", v.CPUCounts)
	}
	if v.Kernel.Watch == nil {
		t.Skipf("nobody watched: %s", v.Kernel.Unwatched)
	}
	for _, line := range []string{"records called returned\n", "key 0 install called p0 at ", "key 0 remove returned at "} {
		if !strings.Contains(text.String(), "\n"+line) {
			t.Errorf("no line %q in\n%s", line, text.String())
		}
	}
	trace, err := protocol.ParseTrace(text.String())
	if err != nil || len(trace.Items) == 0 {
		t.Errorf("%d items, %v", len(trace.Items), err)
	}
}

// TestCasesUnderMutator: the regression cases run while their keys change. Some cannot be judged, and
// are said to be so; none is accused, and most are executed.
func TestCasesUnderMutator(t *testing.T) {
	slowUnderRace(t)
	needKernel(t)
	ran := 0
	for _, name := range regress.Names() {
		s, target, err := (stress.Choice{Case: name, Threads: 2}).Resolve()
		if err != nil {
			t.Fatal(err)
		}
		o := stress.Options{Engines: []protocol.Engine{protocol.Kernel}, Duration: 50 * time.Millisecond, MinCycles: 3}
		if err := stress.Validate(s, target, o); err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		r, err := stress.Run(context.Background(), s, target, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := r.Of(protocol.Kernel)
		switch {
		case v.Verdict == protocol.Violated:
			t.Errorf("%s: %s %v", name, v.Property, v.Findings)
		case v.CPUCounts == nil: // the kernel does not take it, or there is nothing to judge
			t.Logf("%s: %s: %s", name, v.Verdict, v.Reason)
		case v.Executions == 0:
			t.Errorf("%s: %s without an execution", name, v.Verdict)
		default:
			ran++
		}
	}
	if t.Logf("%d of %d cases", ran, len(regress.Names())); ran < len(regress.Names())/2 {
		t.Errorf("only %d of %d cases were executed", ran, len(regress.Names()))
	}
}
