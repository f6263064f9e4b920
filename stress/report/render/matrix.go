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
			short, _ := shortCell(&k.Cells[i])
			row = append(row, short)
		}
		t.Add(row...)
	}
	out := []part{{block: t}}
	for _, k := range m.Kernels {
		for i, c := range k.Cells {
			if _, cut := shortCell(&c); cut || c.Verdict == report.Violated {
				out = append(out, text(0, fmt.Sprintf("%s, %s: %s", k.Name, m.Verbs[i].Name, c.Summary))...)
			}
			if c.Verdict == report.Violated {
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

// cellWidth is how many characters a cell of the table has at most. What is longer stands below it as well.
const cellWidth = 60

// shortCell is a cell as the table has it, and whether that is its beginning alone.
func shortCell(c *report.MatrixCell) (short string, cut bool) {
	whole := matrixCell(c)
	if len(whole) <= cellWidth {
		return whole, false
	}
	const more = ", ..."
	short = whole[:cellWidth-len(more)]
	if end := strings.LastIndexAny(short, ",;:"); end > 0 {
		short = short[:end]
	}
	return short + more, true
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
