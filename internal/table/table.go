package table

import (
	"strings"
	"unicode/utf8"
)

// A Table is rows of cells. Rows may be of different lengths.
type Table struct {
	Rows [][]string
	// Ruled draws a line below the first row.
	Ruled bool
	// Numbered aligns the first column to the right.
	Numbered bool
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// String returns the table, a line a row, columns two blanks apart and no blanks at a line's end.
func (t *Table) String() string {
	widths := t.widths()
	var b strings.Builder
	for i, row := range t.Rows {
		t.line(&b, row, widths)
		if i == 0 && t.Ruled {
			t.line(&b, t.rule(widths), widths)
		}
	}
	return b.String()
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.Rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// rule is the row below the head. Below the last column, which may be long, it is as short as the
// head there.
func (t *Table) rule(widths []int) []string {
	out := make([]string, len(widths))
	for i, n := range widths {
		if i == len(widths)-1 && i < len(t.Rows[0]) && t.Rows[0][i] != "" {
			n = utf8.RuneCountInString(t.Rows[0][i])
		}
		out[i] = strings.Repeat("-", n)
	}
	return out
}

func (t *Table) line(b *strings.Builder, row []string, widths []int) {
	var line strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i > 0 {
			line.WriteString("  ")
		}
		if i == 0 && t.Numbered {
			line.WriteString(pad)
			pad = ""
		}
		line.WriteString(cell + pad)
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
