package main

import (
	"strings"
	"testing"

	"tailpoke/stress/report"
)

func TestRegressionTable(t *testing.T) {
	rep := &report.Regression{
		Columns: []report.Heading{{Name: "script"}, {Name: "script"}, {Name: "script"}},
		Cases: []report.RegressionCase{{Name: "limited", Results: []report.CaseResult{
			{Column: "script", Cell: report.CellOK, Violated: []string{"tail-limit"}},
			{Column: "script", Cell: report.CellDiffers, Difference: &report.Difference{Step: 1, Of: "run", What: "the result", Want: "0x1", Got: "0x2"}},
			{Column: "script", Cell: report.CellCannotRun, Reason: "cannot run here: no legs"},
		}}},
		CannotRun: 1,
	}
	var b strings.Builder
	if err := writeRegression(&b, rep); err != nil {
		t.Fatal(err)
	}
	want := `case     script                   script   script
----     ------                   ------   ------
limited  ok: tail-limit violated  differs  cannot run
limited, script: differs: step 1, run: the result is 0x2, expected 0x1
limited, script: cannot run here: no legs
1 of 3 as expected, 1 cannot run
`
	if b.String() != want {
		t.Errorf("table\n%s\nexpected\n%s", b.String(), want)
	}
}
