package judge

import (
	"slices"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// TestTailCallsAreKnown: where programs return what falling through returns, markers tell whether the
// tail call was taken, or traps do.
func TestTailCallsAreKnown(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
	w, err := workload.LoadObject("../workload/testdata/events.o", "entered") // all of its programs return 0
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Shape.Threads = 2
	j, err := NewJob(s, w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, oracle, err := j.foretold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if tells := func(o live.Outcome) bool { return o.Tail && !o.Skip }; len(j.Workload.Markers()) == 0 || !slices.ContainsFunc(oracle.Outcomes(), tells) {
		t.Errorf("nothing tells whether a tail call was taken: %+v", oracle.Outcomes())
	}
	for name, tc := range map[string]struct {
		tails, traps uint64
		want         protocol.Verdict
	}{
		"none": {0, 0, protocol.Vacuous}, "few": {3, 3, protocol.Vacuous},
		"by results": {50, 0, protocol.NotObserved}, "by traps": {0, 50, protocol.NotObserved},
	} {
		v := cpuHonest(report.Verdict{Verdict: protocol.NotObserved, CPUCounts: &report.CPUCounts{
			Executions: 100, Cycles: 40, RateMax: 0.1, Outcomes: report.Outcomes{Tail: tc.tails, Unknown: 100 - tc.tails},
			PatcherCounts: &report.PatcherCounts{Traps: tc.traps},
		}, Properties: cpuEngine{}.Properties()}, j, oracle)
		if judged := slices.Contains(v.Properties, protocol.NoMiss); tc.want == protocol.NotObserved && judged != (tc.tails > 0) {
			t.Errorf("%s: judges %v", name, v.Properties)
		}
		if v.Verdict != tc.want || (v.RateMax > 0) != (tc.want == protocol.NotObserved) {
			t.Errorf("%s: %s: %s", name, v.Verdict, v.Reason)
		}
	}
}

// TestScriptAlone: the calls of a script bound nothing; random calls after them do.
func TestScriptAlone(t *testing.T) {
	const says = "a script alone: no bound on how often a violation could happen"
	for _, tc := range []struct {
		duration time.Duration
		verdict  protocol.Verdict
		was, is  string
	}{
		{0, protocol.NotObserved, "", says}, {0, protocol.NotObserved, "x", says + "; x"},
		{0, protocol.Vacuous, "x", "x"}, {time.Second, protocol.NotObserved, "x", "x"},
	} {
		j := &Job{Options: Options{Script: protocol.Script{{Kind: protocol.Put}}, Duration: tc.duration}}
		v := j.unbounded(report.Verdict{Verdict: tc.verdict, Reason: tc.was, CPUCounts: &report.CPUCounts{RateMax: 0.5, Confidence: 0.95}})
		if v.Verdict != tc.verdict || v.Reason != tc.is || (v.RateMax == 0) != (tc.was != tc.is) || (v.Confidence == 0) != (tc.was != tc.is) {
			t.Errorf("%+v: %q, bound %v, %v", tc, v.Reason, v.RateMax, v.Confidence)
		}
	}
}
