package stress

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tailpoke/stress/internal/regress"
	"tailpoke/stress/report"
)

// Regression carries the regression cases of these names out, or all of them without names, in
// every column that this machine can have.
func Regression(ctx context.Context, names []string) (*report.Regression, error) {
	cases := regress.Cases()
	if len(names) > 0 {
		cases = nil
		for _, name := range names {
			c, err := caseByName(name)
			if err != nil {
				return nil, err
			}
			cases = append(cases, *c)
		}
	}
	columns, missing := regress.Columns()
	rep, err := regress.Judge(ctx, cases, columns)
	rep.Missing = missing
	return rep, err
}

func caseByName(name string) (*regress.Case, error) {
	cases := regress.Cases()
	i := slices.IndexFunc(cases, func(c regress.Case) bool { return c.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no case is called %q; there are: %s", name, strings.Join(RegressionNames(), "; "))
	}
	return &cases[i], nil
}

// RegressionNames lists the cases.
func RegressionNames() []string {
	var names []string
	for _, c := range regress.Cases() {
		names = append(names, c.Name)
	}
	return names
}
