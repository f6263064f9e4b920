package render

import (
	"cmp"
	"fmt"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/stress/report"
)

// matrix is the view of verbs on kernels: a kernel a line, a verb a column. Where there are two
// kernels, it ends with what differs.
type matrix struct{ *report.Matrix }

func (m matrix) parts(*report.Document) []part {
	t := &table.Table{Ruled: true}
	head := []string{"kernel"}
	for _, v := range m.Verbs {
		head = append(head, v.Name)
	}
	t.Add(head...)
	for _, k := range m.Kernels {
		row := []string{k.Name}
		for i := range k.Cells {
			row = append(row, matrixCell(&k.Cells[i]))
		}
		t.Add(row...)
	}
	out := []part{{block: t}}
	for _, k := range m.Kernels {
		for i, c := range k.Cells {
			if c.Verdict == report.Violated {
				out = append(out, text(0, fmt.Sprintf("%s, %s: %s", k.Name, m.Verbs[i].Name, c.Summary))...)
				out = append(out, field("again", c.Again))
			}
		}
	}
	return append(out, text(0, m.changes()...)...)
}

// changes are lines about what differs between two kernels.
func (m matrix) changes() (out []string) {
	if len(m.Kernels) != 2 {
		return nil
	}
	for _, c := range m.Changes(0, 1) {
		out = append(out, fmt.Sprintf("%s: %s on %s, %s on %s",
			c.Verb, matrixCell(&c.From), m.Kernels[0].Name, matrixCell(&c.To), m.Kernels[1].Name))
	}
	if len(out) == 0 {
		out = []string{"no verb's verdict differs"}
	}
	return out
}

// matrixCell is a cell's verdict and what it rests on. The latter stands alone where it says the
// former, or the verb holds.
func matrixCell(c *report.MatrixCell) string {
	switch {
	case c.Empty():
		return "not run"
	case c.Verdict == "" || c.Verdict == report.Holds && c.Summary != "" || strings.Contains(c.Summary, string(c.Verdict)):
		return c.Summary
	case c.Summary == "":
		return string(c.Verdict)
	}
	return fmt.Sprintf("%s: %s", c.Verdict, c.Summary)
}

func (m matrix) cases(*report.Document) []testCase {
	var out []testCase
	for _, k := range m.Kernels {
		for i := range k.Cells {
			c := &k.Cells[i]
			one := testCase{name: k.Name + ", " + m.Verbs[i].Name, seconds: c.Seconds, seen: []string{matrixCell(c)}}
			switch {
			case c.Code == 1:
				one.result, one.why, one.detail = failed, c.Summary, []string{c.Again}
			case c.Empty():
				one.result, one.why = skipped, "not run"
			case c.Code != 0:
				one.result, one.why = broken, cmp.Or(c.Summary, string(c.Verdict))
			}
			out = append(out, one)
		}
	}
	return out
}
