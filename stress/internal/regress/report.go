package regress

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Cell is what a case is in a column, in a word.
type Cell string

// The cells.
const (
	CellOK        Cell = "ok"         // as expected, faults of the era included
	CellDiffers   Cell = "differs"    // see Result.Difference
	CellCannotRun Cell = "cannot run" // see Result.Reason
	CellFailed    Cell = "failed"     // the harness did: see Result.Reason
)

// Result is what came of one case in one column.
type Result struct {
	Column string `json:"column"`
	Cell   Cell   `json:"cell"`
	// Violated are the properties that runs were found to break. In a cell that is ok, the
	// era is known to break them.
	Violated   []string    `json:"violated,omitempty"`
	Difference *Difference `json:"difference,omitempty"`
	Reason     string      `json:"reason,omitempty"`
}

// Difference is where a result is not the expected one.
type Difference struct {
	Step int    `json:"step"` // from 1 on
	Of   string `json:"of"`   // the step in words
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// String is the cell of the table.
func (r *Result) String() string {
	if len(r.Violated) == 0 {
		return string(r.Cell)
	}
	return fmt.Sprintf("%s: %s violated", r.Cell, strings.Join(r.Violated, ", "))
}

// note is what the cell has no room for.
func (r *Result) note() string {
	switch d := r.Difference; {
	case d != nil:
		return fmt.Sprintf("differs: step %d, %s: %s is %s, expected %s", d.Step, d.Of, d.What, d.Got, d.Want)
	case r.Cell == CellFailed:
		return "failed: " + r.Reason
	}
	return r.Reason
}

// Report is the table; it is the object "stress/regression/1".
type Report struct {
	Schema  string       `json:"schema"`
	Columns []Heading    `json:"columns"`
	Cases   []CaseReport `json:"cases"`
	// Agree: every cell is as expected. Those that cannot run are counted apart.
	Agree     bool `json:"agree"`
	CannotRun int  `json:"cannot_run"`
	// Missing says which columns there might be on another machine, and why not here.
	Missing []string `json:"missing,omitempty"`
}

// Heading is a column and the era that its results are held against.
type Heading struct {
	Name string `json:"name"`
	Era  Era    `json:"era"`
}

// CaseReport is one line of the table.
type CaseReport struct {
	Name    string   `json:"name"`
	Origin  string   `json:"origin"`
	Results []Result `json:"results"` // in the order of the columns
}

// reportSchema names the form of the report.
const reportSchema = "stress/regression/1"

// Judge carries every case out in every column. A context that ends stops it between two
// cells; the report then has the lines that were finished, and the error is the context's.
func Judge(ctx context.Context, cases []Case, columns []Column) (*Report, error) {
	rep := &Report{Schema: reportSchema, Agree: true}
	for _, col := range columns {
		rep.Columns = append(rep.Columns, Heading{col.Name(), col.Era()})
	}
	for i := range cases {
		line := CaseReport{Name: cases[i].Name, Origin: cases[i].Origin}
		for _, col := range columns {
			if err := ctx.Err(); err != nil {
				return rep, err
			}
			r := Execute(&cases[i], col)
			rep.count(&r)
			line.Results = append(line.Results, r)
		}
		rep.Cases = append(rep.Cases, line)
	}
	return rep, nil
}

func (rep *Report) count(r *Result) {
	switch r.Cell {
	case CellOK:
	case CellCannotRun:
		rep.CannotRun++
	default:
		rep.Agree = false
	}
}

// WriteText writes the table: a case a line, a column each, and under it what the cells had no
// room for.
func (rep *Report) WriteText(w io.Writer) error {
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
	return rep.writeNotes(w)
}

func (rep *Report) writeNotes(w io.Writer) error {
	cells, ok := 0, 0
	for _, c := range rep.Cases {
		for i := range c.Results {
			r := &c.Results[i]
			cells++
			if r.Cell == CellOK {
				ok++
				continue
			}
			if _, err := fmt.Fprintf(w, "%s, %s: %s\n", c.Name, r.Column, r.note()); err != nil {
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
