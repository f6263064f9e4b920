package kernel

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// TestSleepableVerdict: what a run with a sleepable caller comes to, by what it counted.
func TestSleepableVerdict(t *testing.T) {
	whole := func(edit func(*Result)) *Result {
		r := &Result{}
		r.MinCycles, r.Cycles, r.Removes, r.Overlaps.Remove = 30, 40, 40, 32
		r.Windows = &report.Windows{Sites: 1, Across: 1}
		if edit != nil {
			edit(r)
		}
		return r
	}
	for name, c := range map[string]struct {
		edit   func(*Result)
		want   protocol.Verdict
		reason string
	}{
		"nothing seen":         {nil, protocol.NotObserved, ""},
		"on hardware":          {func(r *Result) { r.Windows = nil }, protocol.NotObserved, ""},
		"updates alone":        {func(r *Result) { r.Removes, r.Overlaps = 0, report.Overlaps{Update: 33} }, protocol.NotObserved, ""},
		"too few cycles":       {func(r *Result) { r.Cycles = 29 }, protocol.Vacuous, "29 of at least 30 cycles"},
		"never held":           {func(r *Result) { r.Overlaps = report.Overlaps{} }, protocol.Vacuous, "held in an execution in 0 of at least 30"},
		"hardly held":          {func(r *Result) { r.Overlaps.Remove = 1 }, protocol.Vacuous, "in 1 of at least 30"},
		"it waits":             {func(r *Result) { r.WaitedForReader = 9 }, protocol.NotObserved, "in 9 cycles the operation waited"},
		"no window to stop in": {func(r *Result) { r.Windows.Across = 0 }, protocol.Vacuous, "no site's window"},
		"a lost canary": {func(r *Result) {
			r.Bad, r.Cycles, r.Findings = 1, 3, []live.Finding{{Class: live.ClassA, Thread: live.None, Count: 1}}
		}, protocol.Violated, ""},
	} {
		v := whole(c.edit).SleepableVerdict()
		if v.Verdict != c.want || !strings.Contains(v.Reason, c.reason) || c.reason == "" && v.Reason != "" {
			t.Errorf("%s: %s, %q", name, v.Verdict, v.Reason)
		}
		if (v.Property == protocol.NeverA) != (c.want == protocol.Violated) || len(v.Properties) != 1 {
			t.Errorf("%s: %q of %q", name, v.Property, v.Properties)
		}
	}
}

// TestSleepableCounts: a loss is a finding, which says when it came.
func TestSleepableCounts(t *testing.T) {
	s := &sleeper{start: time.Now(), latencies: newLatencies()}
	s.executions.Store(50)
	if s.conclude(); s.res.Findings != nil || s.res.Skips != 50 {
		t.Errorf("%+v", s.res.Result)
	}
	s.lost.Store(2)
	s.first.Store(int64(3 * time.Second))
	s.held, s.Updates = 7, true
	s.conclude()
	r := &s.res
	if len(r.Findings) != 1 || r.Findings[0].Class != live.ClassA || r.Bad != 2 || r.Skips != 48 || r.FirstSeconds != 3 || r.Overlaps.Update != 7 {
		t.Errorf("%+v", r.Result)
	}
}

// TestSleepableCaller: the kernel takes the caller, if it lets sleepable programs tail call at all; in
// nothing else it differs from one that is not sleepable, which every kernel takes.
func TestSleepableCaller(t *testing.T) {
	needKernel(t)
	s := &sleeper{Sleepable: Sleepable{Updates: true}, latencies: newLatencies()}
	err := s.open(t.Context())
	defer s.close()
	if err != nil {
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "since Linux 7.0") {
			t.Fatal(err)
		}
		t.Logf("this kernel lets none: %v", err)
	}
	for _, pad := range []int{0, 5} {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: sleepableInsns(s.array, pad)})
		if err != nil {
			t.Fatalf("%d instructions in front: %v", pad, err)
		}
		defer p.Close()
		value, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
		if err != nil || value != sleepableKept {
			t.Errorf("%d instructions in front: returned %d, %v", pad, value, err)
		}
	}
}
