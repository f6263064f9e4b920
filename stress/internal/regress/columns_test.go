package regress

import (
	"errors"
	"strings"
	"testing"
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
	rep, err := Judge(t.Context(), Cases(), columns)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := rep.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
	if !rep.Agree || rep.CannotRun > 0 {
		t.Error("not all cells are as expected")
	}
}
