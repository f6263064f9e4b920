package judge

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// needCPU skips a test where images cannot be executed.
func needCPU(t *testing.T) {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
}

// sites is a generated workload.
func sites(t *testing.T, n int) *workload.Workload {
	t.Helper()
	w, err := workload.Generate(protocol.Shape{Sites: n, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestPatcherGoneWrong: a patcher that carries out another protocol than the one that is
// judged is found, though no execution goes wrong. It is the first finding, and ends a run
// that ends with the first one.
func TestPatcherGoneWrong(t *testing.T) {
	needCPU(t)
	j := jobOf(t, sites(t, 2), Options{Duration: time.Minute, Seed: 1, StopAtFirst: true})
	oracle, err := j.Workload.Oracle(t.Context(), j.Layout, j.Workload.Context)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cpuConfig(j, oracle)
	if err != nil {
		t.Fatal(err)
	}
	judged := j.Subject
	if judged.Protocol, err = protocol.ProtocolByName("batched"); err != nil {
		t.Fatal(err)
	}
	res, err := runWatched(t.Context(), c, newWatch(judged, nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	if res.Seconds > 40 {
		t.Errorf("the run went on for %.1f s", res.Seconds)
	}
	v := res.Verdict()
	const want = "the model allows key 0 remove poked site 1 bypass=jump"
	if v.Verdict != protocol.Violated || v.Property != protocol.Conformance || len(v.Findings) != 1 ||
		v.Findings[0].Place != (report.Place{}) || v.Findings[0].Property != protocol.Conformance ||
		!strings.HasPrefix(v.Findings[0].Text, "item ") || !strings.HasSuffix(v.Findings[0].Text, want) {
		t.Errorf("%s %s: %+v", v.Verdict, v.Property, v.Findings)
	}
	if v.Trace.Conforms || v.Trace.Consumed == 0 || v.Outcomes.Other != 1 || v.FirstSeconds == 0 {
		t.Errorf("%+v, %+v", v.Trace, v.CPUCounts)
	}
}

// TestChildIsNeeded: a poke method that tears instructions is not run in this process, which
// cannot have children.
func TestChildIsNeeded(t *testing.T) {
	needCPU(t)
	j := jobOf(t, sites(t, 1), Options{Duration: time.Second})
	var err error
	if j.Subject.Method, err = protocol.ParseMethod("method torn\n bytes"); err != nil {
		t.Fatal(err)
	}
	if a, err := Ask(t.Context(), cpuEngine{}, j); !errors.Is(err, errNeedsChild) {
		t.Errorf("%s: %s, %v", a.Verdict.Verdict, a.Reason, err)
	}
}

// TestParcel: a job comes out of a parcel as it went in.
func TestParcel(t *testing.T) {
	j := jobOf(t, sites(t, 2), Options{
		Script: protocol.Script{{Kind: protocol.Put, Prog: 1}, {Kind: protocol.Load}}, Duration: time.Second,
		Seed: 7, StopAtFirst: true, NoBoost: true,
	})
	p := newParcel(j)
	again, err := p.job()
	if err != nil {
		t.Fatal(err)
	}
	if q := newParcel(again); !strings.EqualFold(p.Script, q.Script) || again.Subject.Shape != j.Subject.Shape ||
		!again.Subject.Protocol.Same(j.Subject.Protocol) || !again.Subject.Method.Same(j.Subject.Method) ||
		again.Seed != 7 || !again.StopAtFirst || !again.NoBoost || again.Duration != time.Second || again.Layout != j.Layout {
		t.Errorf("%+v, then %+v", p, q)
	}
	p.Method = "nonsense"
	if _, err := p.job(); err == nil {
		t.Error("nonsense is a method")
	}
}

// TestMethodWithoutText: a method that a child cannot be told of is not judged.
func TestMethodWithoutText(t *testing.T) {
	needCPU(t)
	j := jobOf(t, sites(t, 1), Options{Duration: time.Second})
	j.Subject.Method.Steps = append([]protocol.MicroStep{{Off: 1, Single: true}}, j.Subject.Method.Steps...)
	if v := asked(t, cpuEngine{}, j).Verdict; v.Verdict != protocol.Unsupported || !strings.Contains(v.Reason, "no word") {
		t.Errorf("%s: %s", v.Verdict, v.Reason)
	}
}

func exampleResult() *cpu.Result {
	return &cpu.Result{
		Result: live.Result{
			Executions: 7, Installs: 1, Updates: 2, Removes: 3, Skips: 1, Tails: 2,
			Overlaps: report.Overlaps{Install: 1, Update: 2, Remove: 3},
		},
		PatcherCounts: report.PatcherCounts{Pokes: 4, Traps: 5},
	}
}

// TestCountsJSON pins the names that other programs read.
func TestCountsJSON(t *testing.T) {
	raw, err := json.Marshal(exampleResult().Verdict())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"executions":7`, `"installs":1`, `"updates":2`, `"removes":3`, `"pokes":4`, `"traps":5`, `"overlaps":6`,
		`"outcomes":{"skip":1,"tail":2,"a":0,"torn":0,"crash":0,"other":0}`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}
