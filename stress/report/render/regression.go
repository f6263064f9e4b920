package render

import (
	"fmt"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/stress/report"
)

// regression is the view of the regression table: a case a line, a column each, and below it what
// the cells had no room for. What columns there are, the engine says.
type regression struct{ *report.Regression }

func (r regression) parts(*report.Document) []part {
	t := &table.Table{Ruled: true}
	head := []string{"case"}
	for _, c := range r.Columns {
		head = append(head, c.Name)
	}
	t.Add(head...)
	var notes []string
	for _, c := range r.Cases {
		row := []string{c.Name}
		for i := range c.Results {
			res := &c.Results[i]
			row = append(row, cellText(res))
			if res.Cell == report.CellOK {
				continue
			}
			notes = append(notes, fmt.Sprintf("%s, %s: %s", c.Name, res.Column, cellNote(res)))
		}
		t.Add(row...)
	}
	for _, m := range r.Missing {
		notes = append(notes, "no column of "+m)
	}
	return append([]part{{block: t}}, text(0, append(notes, r.sum())...)...)
}

// sum counts the cells.
func (r regression) sum() string {
	cells, ok := 0, 0
	for _, c := range r.Cases {
		for i := range c.Results {
			if cells++; c.Results[i].Cell == report.CellOK {
				ok++
			}
		}
	}
	return fmt.Sprintf("%d of %d as expected, %d cannot run", ok, cells, r.CannotRun)
}

func (r regression) cases(*report.Document) []testCase {
	var out []testCase
	for _, c := range r.Cases {
		for i := range c.Results {
			res := &c.Results[i]
			one := testCase{name: c.Name + ", " + res.Column, seen: []string{cellText(res)}, why: cellNote(res)}
			switch res.Cell {
			case report.CellDiffers:
				one.result = failed
			case report.CellCannotRun:
				one.result = skipped
			case report.CellFailed:
				one.result = broken
			}
			out = append(out, one)
		}
	}
	return out
}

// cellText is the cell of the table.
func cellText(r *report.CaseResult) string {
	if len(r.Violated) == 0 {
		return string(r.Cell)
	}
	return fmt.Sprintf("%s: %s violated", r.Cell, strings.Join(r.Violated, ", "))
}

// cellNote is what the cell has no room for.
func cellNote(r *report.CaseResult) string {
	switch d := r.Difference; {
	case d != nil:
		return fmt.Sprintf("differs: step %d, %s: %s is %s, expected %s", d.Step, d.Of, d.What, d.Got, d.Want)
	case r.Cell == report.CellFailed:
		return "failed: " + r.Reason
	}
	return r.Reason
}
