package replay

import (
	"slices"
	"testing"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// carriedOut has the machine engine judge a subject and carries its witness out on real CPUs; nil, if
// there is none.
func carriedOut(t *testing.T, s protocol.Subject, w *workload.Workload) *report.Replay {
	t.Helper()
	kept, _ := kept(t, protocol.Machine, s, w, judge.Options{})
	if len(kept) == 0 {
		return nil
	}
	r, err := replayed(t, kept)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func needsCPU(t *testing.T) {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip("no real CPU to carry witnesses out on: ", err)
	}
}

// mixed are the mutants that no CPU can be made to show: a thread fetches old bytes and new ones
// of one instruction, which memory never holds together.
var mixed = []string{"int3-nosync", "bytes", "no-first-sync", "no-second-sync"}

// TestMutantsOnRealCPUs carries out the machine engine's witness of every mutant that it finds guilty:
// none may differ, and whatever can be forced is.
func TestMutantsOnRealCPUs(t *testing.T) {
	if raceBuild {
		t.Skip("many times slower under the race detector: scripts/test runs it without")
	}
	needsCPU(t)
	count := map[report.StepOutcome]int{}
	for _, m := range catalogue.Mutants() {
		if m.Expect[protocol.Machine] != protocol.Violated {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			if testing.Short() && m.Program == protocol.Hierarchy {
				t.Skip("short: what its program may return takes a second to compute")
			}
			s, err := m.Apply(protocol.DefaultSubject())
			if err != nil {
				t.Fatal(err)
			}
			w, err := workload.Generate(s.Shape, false)
			if m.Program == protocol.Hierarchy {
				w, err = workload.Hierarchy(), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			r := carriedOut(t, s, w)
			if r == nil {
				t.Fatal("no witness")
			}
			count[r.CPU.Outcome]++
			t.Logf("%-18s %+v", r.Property, r.CPU)
			want := report.Taken
			if slices.Contains(mixed, m.Name) {
				want = report.NotForced
			}
			if r.CPU.Outcome != want {
				t.Errorf("%+v, want %s\n%v", r.CPU, want, r.Witness)
			}
		})
	}
	t.Log(count)
}

// TestSingleEditsOnRealCPUs does the same for every mechanical edit of every built-in protocol.
func TestSingleEditsOnRealCPUs(t *testing.T) {
	if testing.Short() {
		t.Skip("short: TestMutantsOnRealCPUs has the same kinds of faults")
	}
	needsCPU(t)
	count := map[report.StepOutcome]int{}
	for _, p := range protocol.Protocols() {
		s, w := protocol.DefaultSubject(), generated(t, 1)
		s.Protocol, s.Shape.Threads = p, 2
		for _, e := range protocol.SingleEdits(s) {
			edited, err := e.Apply(s)
			if err != nil {
				t.Fatal(err)
			}
			r := carriedOut(t, edited, w)
			if r == nil {
				continue
			}
			count[r.CPU.Outcome]++
			switch {
			case r.CPU.Outcome == report.Taken:
			case r.CPU.Outcome == report.NotForced && r.Property == protocol.NoTorn:
				t.Logf("%s: %v: %s", p.Name, e, r.CPU.Text)
			default:
				t.Errorf("%s: %v: %+v\n%v", p.Name, e, r.CPU, r.Witness)
			}
		}
	}
	t.Log(count)
}
