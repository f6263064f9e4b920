package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"tailpoke/stress/report"
)

// writeRegression writes the table: a case a line, a column each, and under it what the cells had no
// room for.
func writeRegression(w io.Writer, rep *report.Regression) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	head, rule := "case", "----"
	for _, col := range rep.Columns {
		head += "\t" + col.Name
		rule += "\t" + strings.Repeat("-", len(col.Name))
	}
	fmt.Fprintf(tw, "%s\n%s\n", head, rule)
	for _, c := range rep.Cases {
		line := c.Name
		for i := range c.Results {
			line += "\t" + c.Results[i].String()
		}
		fmt.Fprintln(tw, line)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return writeNotes(w, rep)
}

func writeNotes(w io.Writer, rep *report.Regression) error {
	cells, ok := 0, 0
	for _, c := range rep.Cases {
		for i := range c.Results {
			r := &c.Results[i]
			cells++
			if r.Cell == report.CellOK {
				ok++
				continue
			}
			if _, err := fmt.Fprintf(w, "%s, %s: %s\n", c.Name, r.Column, r.Note()); err != nil {
				return err
			}
		}
	}
	for _, m := range rep.Missing {
		if _, err := fmt.Fprintf(w, "no column of %s\n", m); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d as expected, %d cannot run\n", ok, cells, rep.CannotRun)
	return err
}
