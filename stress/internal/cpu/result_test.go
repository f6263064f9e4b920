package cpu

import (
	"math"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

func TestVacuous(t *testing.T) {
	full := Result{Installs: 1, Updates: 1, Removes: 1, Overlaps: report.Overlaps{Install: 1, Update: 1, Remove: 1}}
	if s := full.Vacuous(); s != "" {
		t.Errorf("a run with everything is vacuous: %s", s)
	}
	for name, change := range map[string]func(*Result){
		"no updates were carried out":            func(r *Result) { r.Updates = 0 },
		"no execution overlapped installs alone": func(r *Result) { r.Overlaps.Install = 0 },
		"no execution overlapped removes alone":  func(r *Result) { r.Overlaps.Remove = 0 },
		"no installs were carried out":           func(r *Result) { *r = Result{} },
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
		{Class: ClassCrash, Thread: 1, Text: "x"}, {Class: ClassA, Thread: 2, Text: "y"},
		{Class: ClassA, Thread: 3, Text: "y"}, {Class: ClassA, Thread: 3, Text: "z"},
	})
	want := []Finding{
		{Class: ClassA, Thread: 2, Text: "y", Count: 2}, {Class: ClassA, Thread: 3, Text: "z", Count: 1},
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

func TestEveryClassHasAProperty(t *testing.T) {
	for _, c := range order {
		if c.Property() == "" {
			t.Errorf("%s breaks no property", c)
		}
	}
	if len(order) != len(propertyOf) {
		t.Errorf("%d classes in order, %d with a property", len(order), len(propertyOf))
	}
}

func TestMayTear(t *testing.T) {
	for _, m := range protocol.Methods() {
		if MayTear(m) {
			t.Errorf("%s is built in", m.Name)
		}
	}
	if m, err := protocol.ParseMethod("method m\n bytes; sync"); err != nil || !MayTear(m) {
		t.Errorf("bytes without int3 are held to be whole (%v)", err)
	}
}
