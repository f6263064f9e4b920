package regress

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// Table carries the cases of these names out, or all of them without names, in every column that
// this machine can have.
func Table(ctx context.Context, names []string, told func(done, all int)) (*report.Regression, error) {
	cases := Cases()
	if len(names) > 0 {
		cases = nil
		for _, name := range names {
			c, err := CaseByName(name)
			if err != nil {
				return nil, err
			}
			cases = append(cases, *c)
		}
	}
	columns, missing := Columns()
	rep, err := Judge(ctx, cases, columns, told)
	rep.Missing = missing
	return rep, err
}

// Workload makes a workload of a case: its first program, and the keys of its prog arrays.
func Workload(name string) (*workload.Workload, error) {
	c, err := CaseByName(name)
	if err != nil {
		return nil, err
	}
	spec, err := c.Collection()
	if err != nil {
		return nil, err
	}
	return workload.FromCollection(spec,
		workload.Source{Case: name, Name: "case " + name, Entry: c.Entry()})
}

// CaseByName finds a case.
func CaseByName(name string) (*Case, error) {
	cases := Cases()
	i := slices.IndexFunc(cases, func(c Case) bool { return c.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no case is called %q; there are: %s", name, strings.Join(Names(), "; "))
	}
	return &cases[i], nil
}

// Names lists the cases.
func Names() []string {
	var names []string
	for _, c := range Cases() {
		names = append(names, c.Name)
	}
	return names
}

// Judge carries every case out in every column. A context that ends stops it between two
// cells; the report then has the lines that were finished, and the error is the context's.
func Judge(ctx context.Context, cases []Case, columns []Column, told func(done, all int)) (*report.Regression, error) {
	rep := &report.Regression{Agree: true}
	for _, col := range columns {
		rep.Columns = append(rep.Columns, report.Heading{Name: col.Name, Era: string(col.Era)})
	}
	for i := range cases {
		if told != nil {
			told(i, len(cases))
		}
		line := report.RegressionCase{Name: cases[i].Name, Origin: cases[i].Origin}
		for _, col := range columns {
			if err := ctx.Err(); err != nil {
				return rep, err
			}
			r := Execute(&cases[i], col)
			switch r.Cell {
			case report.CellOK:
			case report.CellCannotRun:
				rep.CannotRun++
			default:
				rep.Agree = false
			}
			line.Results = append(line.Results, r)
		}
		rep.Cases = append(rep.Cases, line)
	}
	return rep, nil
}
