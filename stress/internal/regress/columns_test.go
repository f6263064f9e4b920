package regress

import (
	"errors"
	"testing"

	"tailpoke/stress/report"
)

// TestColumns: the interpreter under the rules of every era, and machine code in every layout,
// give what is expected of them in every case.
func TestColumns(t *testing.T) {
	var columns []Column
	for _, e := range Eras() {
		if e.rules() == e {
			i, err := NewInterpreter(e)
			if err != nil {
				t.Fatal(err)
			}
			columns = append(columns, i)
		}
		n, err := NewNative(e)
		if errors.Is(err, ErrCannotRun) {
			t.Logf("layout %s is not run: %v", e, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, n)
	}
	cases := Cases()
	if testing.Short() {
		cases = cases[:5]
	}
	rep, err := Judge(t.Context(), cases, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustAgree(t, rep)
}

// mustAgree wants every cell to be as expected.
func mustAgree(t *testing.T, rep *report.Regression) {
	t.Helper()
	for _, c := range rep.Cases {
		for i := range c.Results {
			if r := &c.Results[i]; r.Cell != report.CellOK {
				t.Errorf("%s, %s: %s", c.Name, r.Column, why(r))
			}
		}
	}
	if !rep.Agree || rep.CannotRun > 0 {
		t.Error("not all cells are as expected")
	}
}
