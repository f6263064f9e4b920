package live

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

func TestVacuous(t *testing.T) {
	full := Result{Installs: 1, Updates: 1, Removes: 1, Overlaps: report.Overlaps{Install: 1, Update: 1, Remove: 1}}
	if s := full.Vacuous(); s != "" {
		t.Errorf("a run with everything is vacuous: %s", s)
	}
	enough := full
	if enough.Cycles, enough.MinCycles = 30, 30; enough.Vacuous() != "" {
		t.Errorf("30 of 30 cycles are too few: %s", enough.Vacuous())
	}
	for name, change := range map[string]func(*Result){
		"no updates were carried out":            func(r *Result) { r.Updates = 0 },
		"no execution overlapped installs alone": func(r *Result) { r.Overlaps.Install = 0 },
		"no execution overlapped removes alone":  func(r *Result) { r.Overlaps.Remove = 0 },
		"no installs were carried out":           func(r *Result) { *r = Result{} },
		"29 of at least 30 cycles: run longer, with real-time priorities, or on more CPUs": func(r *Result) {
			r.Cycles, r.MinCycles = 29, 30
		},
	} {
		r := full
		change(&r)
		if got := r.Vacuous(); got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	}
}

// TestRateMax: "why ten hours" of McKenney: no event where three were expected leaves 5 %.
func TestRateMax(t *testing.T) {
	if got := (&Result{}).RateMax(); got != 1 {
		t.Errorf("nothing done: %v", got)
	}
	if got := (&Result{Cycles: 1}).RateMax(); got != 1 {
		t.Errorf("a rate above 1: %v", got)
	}
	got := (&Result{Cycles: 1000}).RateMax()
	if p := math.Exp(-1000 * got); math.Abs(p-0.05) > 1e-9 {
		t.Errorf("rate %v: chance of none in 1000 is %v", got, p)
	}
}

func TestMerge(t *testing.T) {
	got := merge([]Finding{
		{Class: ClassCrash, Thread: 1, Text: "x", Count: 1}, {Class: ClassA, Thread: 2, Text: "y", Count: 1},
		{Class: ClassA, Thread: 3, Text: "y", Count: 1}, {Class: ClassA, Thread: 3, Text: "z", Count: 4},
	})
	want := []Finding{
		{Class: ClassA, Thread: 2, Text: "y", Count: 2}, {Class: ClassA, Thread: 3, Text: "z", Count: 4},
		{Class: ClassCrash, Thread: 1, Text: "x", Count: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("finding %d is %v, want %v", i, got[i], want[i])
		}
	}
	var many []Finding
	for i := range 20 {
		many = append(many, Finding{Class: ClassA, Text: fmt.Sprint(i)})
	}
	if got := merge(many); len(got) != 16 || got[15] != many[15] {
		t.Errorf("of 20 findings these are kept: %v", got)
	}
}

// TestClasses: each class breaks a property, and stands once in the ranking.
func TestClasses(t *testing.T) {
	seen := map[Class]bool{}
	for i, c := range classes {
		if c.class.Property() == "" || c.class.Property() != c.breaks || c.class.rank() != i || seen[c.class] {
			t.Errorf("%s, number %d, breaks %q", c.class, i, c.class.Property())
		}
		if first := ClassOf(c.breaks); first.Property() != c.breaks || first.rank() > i {
			t.Errorf("%s stands for %s", first, c.breaks)
		}
		if judged := slices.Contains(Properties(), c.breaks); judged != (c.class != ClassConformance) {
			t.Errorf("%s is judged: %t", c.breaks, judged)
		}
		seen[c.class] = true
	}
	if p := Properties(); len(p) != 11 { // the classes without conformance, of which two break one
		t.Errorf("properties %v", p)
	}
}

// TestVerdict: what a run saw stands in its verdict, number by number. Findings make it a violation
// of what the first of them breaks, and say where the executions that went wrong are counted.
func TestVerdict(t *testing.T) {
	run := Result{
		Executions: 1, Installs: 2, Updates: 3, Removes: 4, MinCycles: 5, Cycles: 1000, Loads: 7,
		Overlaps: report.Overlaps{Install: 8, Update: 9, Remove: 10, Several: 11}, Skips: 12, Tails: 13, Bad: 14,
		FirstSeconds: 15, Trace: &report.Trace{Events: 16},
	}
	counts := report.CPUCounts{
		Executions: 1, Installs: 2, Updates: 3, Removes: 4, Cycles: 1000, Loads: 7,
		Overlaps: 38, OverlapsBy: run.Overlaps, Outcomes: report.Outcomes{Skip: 12, Tail: 13},
		FirstSeconds: 15, Trace: run.Trace,
	}
	compare := func(name string, r Result, want report.Verdict) {
		t.Helper()
		want.Properties = Properties()
		if got := r.Verdict(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, %+v\nwant\n%+v, %+v", name, got, got.CPUCounts, want, want.CPUCounts)
		}
	}
	clean := counts
	clean.RateMax, clean.Confidence = run.RateMax(), 0.95
	compare("nothing found", run, report.Verdict{Verdict: protocol.NotObserved, CPUCounts: &clean})
	vacuous, none := run, clean
	vacuous.Updates, none.Updates = 0, 0
	compare("nothing done", vacuous, report.Verdict{
		Verdict: protocol.Vacuous, Reason: "no updates were carried out", CPUCounts: &none,
	})
	for _, c := range classes {
		r, want := run, counts
		r.Findings = []Finding{
			{Class: c.class, Thread: 2, Text: "x", Count: 3}, {Class: ClassEndless, Thread: None, Who: "watcher", Text: "y", Count: 1},
		}
		bad := &want.Outcomes.Other
		switch c.class {
		case ClassA:
			bad = &want.Outcomes.A
		case ClassTorn:
			bad = &want.Outcomes.Torn
		case ClassCrash:
			bad = &want.Outcomes.Crash
		}
		*bad = 3
		want.Outcomes.Other++ // the second finding
		want.Outcomes.Unrecorded = 10
		thread := 2
		ofExecution := !slices.Contains([]Class{ClassConformance, ClassBytes, ClassDoubleFree, ClassEarlyFree, ClassLeak}, c.class)
		compare(string(c.class), r, report.Verdict{
			Verdict: protocol.Violated, Property: c.breaks, CPUCounts: &want,
			Findings: []report.Finding{
				{Property: c.breaks, Class: string(c.class), Place: report.Place{Thread: &thread}, Text: "x", Count: 3, AtLeast: ofExecution},
				{Property: protocol.Progress, Class: "endless", Place: report.Place{Who: "watcher"}, Text: "y", Count: 1, AtLeast: true},
			},
		})
		r.Bad, want.Outcomes.Unrecorded = 4, 0 // of which all was kept
		if got := r.Verdict(); !reflect.DeepEqual(got.Outcomes, want.Outcomes) || got.Findings[0].AtLeast || got.Bad() != 4 {
			t.Errorf("%s, all kept: %+v", c.class, got)
		}
	}
}

// TestLack: what a process has no more of is told from what a kernel refuses, also where the library
// keeps the text alone.
func TestLack(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want error
	}{
		{nil, nil},
		{syscall.EINVAL, nil},
		{syscall.EACCES, nil},
		{syscall.EMFILE, syscall.EMFILE},
		{fmt.Errorf("map: %w", syscall.ENOMEM), syscall.ENOMEM},
		{errors.Join(errors.New("program"), os.NewSyscallError("dup", syscall.ENFILE)), syscall.ENFILE},
		{errors.New("can't dup fd: too many open files"), syscall.EMFILE},
		{fmt.Errorf("clone: %w", syscall.EAGAIN), syscall.EAGAIN},
	} {
		if got := Lack(tc.err); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.err, got, tc.want)
		}
	}
}

// TestCount: what may come of either says nothing of tail calls.
func TestCount(t *testing.T) {
	var r Result
	for i, o := range []Outcome{{Skip: true}, {Tail: true}, {Skip: true, Tail: true}, {Tail: true, Any: true}} {
		r.Count(o, 1<<i)
	}
	if r.Skips != 1 || r.Tails != 2 || r.Unknown != 4+8 {
		t.Errorf("%+v", r)
	}
}

// TestKeep: an error stands beside findings, and in no answer's place.
func TestKeep(t *testing.T) {
	late := errors.New("late")
	none := Result{}
	if err := none.Keep(late); err != late || none.Broke != "" {
		t.Errorf("%v: %+v", err, none)
	}
	some := Result{Findings: []Finding{{Class: ClassA}}}
	if err := some.Keep(late); err != nil || some.Verdict().Verdict != protocol.Violated || some.Verdict().Reason != "an error ended the run: late" {
		t.Errorf("%v: %+v", err, some.Verdict())
	}
}
