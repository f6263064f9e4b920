package regress

import (
	"context"

	"tailpoke/stress/report"
)

// Judge carries every case out in every column. A context that ends stops it between two
// cells; the report then has the lines that were finished, and the error is the context's.
func Judge(ctx context.Context, cases []Case, columns []Column) (*report.Regression, error) {
	rep := &report.Regression{Agree: true}
	for _, col := range columns {
		rep.Columns = append(rep.Columns, report.Heading{Name: col.Name(), Era: string(col.Era())})
	}
	for i := range cases {
		line := report.RegressionCase{Name: cases[i].Name, Origin: cases[i].Origin}
		for _, col := range columns {
			if err := ctx.Err(); err != nil {
				return rep, err
			}
			r := Execute(&cases[i], col)
			count(rep, &r)
			line.Results = append(line.Results, r)
		}
		rep.Cases = append(rep.Cases, line)
	}
	return rep, nil
}

func count(rep *report.Regression, r *report.CaseResult) {
	switch r.Cell {
	case report.CellOK:
	case report.CellCannotRun:
		rep.CannotRun++
	default:
		rep.Agree = false
	}
}
