package live

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"testing"

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
}

// TestClasses: each class breaks a property, and stands once in the ranking.
func TestClasses(t *testing.T) {
	seen := map[Class]bool{}
	for i, c := range classes {
		if c.class.Property() == "" || c.class.Property() != c.breaks || c.class.rank() != i || seen[c.class] {
			t.Errorf("%s, number %d, breaks %q", c.class, i, c.class.Property())
		}
		seen[c.class] = true
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
