package regress

import (
	"strings"
	"testing"

	"tailpoke/jit"
	"tailpoke/stress/report"
)

// runningKernel is the column of the running kernel, or a skip with the reason.
func runningKernel(t *testing.T) Column {
	t.Helper()
	k, err := NewKernel()
	if err != nil {
		t.Skip(err)
	}
	return k
}

// TestKernel: the running kernel gives what is expected of it, in every case.
func TestKernel(t *testing.T) {
	rep, err := Judge(t.Context(), Cases(), []Column{runningKernel(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustAgree(t, rep)
}

// TestKernelIsOfNoOtherEra: the table tells eras apart. Held against another era's results, the
// running kernel differs in the cases where that era does, and in no other.
func TestKernelIsOfNoOtherEra(t *testing.T) {
	k := runningKernel(t)
	for _, era := range []Era{Seed, V510, V510Unrounded} {
		k.Era = era
		rep, err := Judge(t.Context(), Cases(), []Column{k}, nil)
		if err != nil {
			t.Fatal(err)
		}
		differs := 0
		for i, c := range Cases() {
			want := report.CellOK
			if isOfEra(&c, era) {
				want = report.CellDiffers
				differs++
			}
			if r := rep.Cases[i].Results[0]; r.Cell != want {
				t.Errorf("%s as of %s: %v: %s; expected %s", c.Name, era, &r, why(&r), want)
			}
		}
		t.Logf("%s: %d cases differ", era, differs)
		if differs < 4 {
			t.Errorf("only %d cases tell %s from today's kernels", differs, era)
		}
	}
}

// isOfEra says whether a case has a result in an era that today's kernels cannot give.
func isOfEra(c *Case, era Era) bool {
	for _, s := range c.Steps {
		r, ok := s.(Run)
		if !ok {
			continue
		}
		if _, differs := r.But[era.rules()]; differs {
			return true
		}
		if w, differs := r.But[era]; differs && !w.Chance {
			return true
		}
	}
	return false
}

// TestEraOf: the layout of every era tells the era whose results its kernels give. Layout seed is of
// no released kernel.
func TestEraOf(t *testing.T) {
	ibt, err := jit.LayoutByName("v6.12+ibt")
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range map[*jit.Layout]Era{&jit.V510: V510, &jit.V519: V510, &jit.V612: V612, &jit.V70: V612, ibt: V612} {
		if got := eraOf(l); got != want {
			t.Errorf("%s: %s, want %s", l.Name, got, want)
		}
	}
}

// TestGuard: a kernel in which functions have a count each is not given the cases that would not
// end there.
func TestGuard(t *testing.T) {
	k := runningKernel(t)
	const reason = "as if it were an old one"
	k.Open = func(c *Case) (Session, error) { return openKernel(c, reason) }
	for _, c := range Cases() {
		r := Execute(&c, k)
		refused := r.Cell == report.CellCannotRun && strings.Contains(r.Reason, reason)
		if c.endless(V510) != refused {
			t.Errorf("%s: %v", c.Name, &r)
		}
	}
}
