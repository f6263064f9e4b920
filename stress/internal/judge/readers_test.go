package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/workload"
)

// sleepableJob is a job of the kernel's protocol since 7.0, or of a mutant of its kind.
func sleepableJob(t *testing.T, name string, threads int) *Job {
	t.Helper()
	s := protocol.DefaultSubject()
	m, err := protocol.MutantByName(name)
	if err == nil {
		s, err = m.Apply(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	w, err := workload.Generate(protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	s.Shape.Threads = threads
	j, err := NewJob(s, w, Options{Duration: 100 * time.Millisecond, MinCycles: 1})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestKindsOfReaders: the engines that explore find what one kind of readers is not waited for; each
// has a thread of every kind, also where fewer are asked for. A kernel's text has no kinds yet.
func TestKindsOfReaders(t *testing.T) {
	for name, want := range map[string]protocol.Property{
		"sleepable-readers": protocol.NeverA, "sleepable-freed": protocol.NoUseAfterFree,
		"sleepable-both": "", "sleepable-lazy": "",
	} {
		j := sleepableJob(t, name, 1)
		for e, holds := range map[Engine]protocol.Verdict{
			modelEngine{}: protocol.Proved, machineEngine{}: protocol.Safe,
		} {
			a := asked(t, e, j)
			if want != "" {
				holds = protocol.Violated
			}
			if a.Verdict.Verdict != holds || a.Property != want {
				t.Errorf("%s, %s: %s %s %s", e.Name(), name, a.Verdict.Verdict, a.Property, a.Reason)
			}
			if e == (machineEngine{}) && want == "" && !strings.Contains(a.Reason, "2 threads (plain, sleepable)") {
				t.Errorf("%s: reason %q", name, a.Reason)
			}
			sleeps := func(s witness.Step) bool { return s.Action.Do == witness.Enter && s.Action.Reader == "sleepable" }
			if a.Witness != nil && !slices.ContainsFunc(a.Witness.Steps, sleeps) {
				t.Errorf("%s, %s: no sleepable reader enters\n%v", e.Name(), name, a.Witness)
			}
		}
	}
}

// TestKindsNeedThreads: on real CPUs threads are divided among the kinds, and each needs one.
func TestKindsNeedThreads(t *testing.T) {
	a := asked(t, cpuEngine{}, sleepableJob(t, "sleepable-both", 1))
	if a.Verdict.Verdict != protocol.Unsupported || a.Reason != "2 kinds of readers need as many threads: there are 1" {
		t.Errorf("%s %q", a.Verdict.Verdict, a.Reason)
	}
}

// TestKernelHasOneKind: a text with kinds of readers is not what a kernel is known to do.
func TestKernelHasOneKind(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Protocol.Readers = []protocol.Reader{{Name: "plain", Graces: []protocol.Period{protocol.Epoch}}}
	if got := notTheKernels(s); got != "a kernel has a protocol of its own" {
		t.Errorf("%q", got)
	}
	if other := ownWay(s.Protocol); other != "" {
		t.Error(other)
	}
}
