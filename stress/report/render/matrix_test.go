package render

import (
	"strings"
	"testing"

	"tailpoke/stress/report"
)

// TestGoldenLongCells: a reason that is long stands below the table, and the table stays narrow.
func TestGoldenLongCells(t *testing.T) {
	for _, c := range []struct {
		summary, short string
	}{
		{"steered vacuous, no such caller", "none: steered vacuous, no such caller"},
		{"steered vacuous, sleepable-entry: load program: invalid argument: may use arrays only", "none: steered vacuous, sleepable-entry: load program, ..."},
		{strings.Repeat("x", 80), "none, ..."},
	} {
		m := &report.Matrix{Verbs: []report.MatrixVerb{{Name: "v"}}, Kernels: []report.MatrixKernel{
			{Name: "k", Cells: []report.MatrixCell{{Verdict: report.NoAnswer, Summary: c.summary}}},
		}}
		var b strings.Builder
		if err := writeText(&b, report.New(m), Page{}); err != nil {
			t.Fatal(err)
		}
		table, below, _ := strings.Cut(b.String(), "\nk, v: ")
		cut := c.short != "none: "+c.summary
		if !strings.Contains(table+"\n", "k       "+c.short+"\n") || cut != strings.HasPrefix(below, c.summary+"\n") {
			t.Errorf("%s:\n%s", c.summary, b.String())
		}
	}
}
