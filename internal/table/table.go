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
	// Headless says that the first row is one like the others.
	Headless bool
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

// Fold returns the table in lines of at most so many characters, 0 for any: columns that do not fit
// stand in tables of their own below, after the first column again; a cell that is too wide goes on in
// the next line. A word that is too long stays whole.
func (t *Table) Fold(width int) string {
	widths := t.widths()
	if width == 0 || sum(widths)+gap*(len(widths)-1) <= width {
		return t.String()
	}
	var parts []string
	for from := 1; from < len(widths) || len(parts) == 0; {
		to, used := from, widths[0]
		for to < len(widths) && (to == from || used+gap+widths[to] <= width) {
			used += gap + widths[to]
			to++
		}
		parts = append(parts, t.columns(from, to, width).String())
		from = max(to, 1)
	}
	return strings.Join(parts, "\n")
}

const gap = 2 // blanks between columns

func sum(widths []int) (n int) {
	for _, w := range widths {
		n += w
	}
	return n
}

// columns is a table of the first column and of a range of the others. If the range is of one, its
// cells are wrapped to fit; so is the first column where it is the only one.
func (t *Table) columns(from, to, width int) *Table {
	out := &Table{Ruled: t.Ruled, Numbered: t.Numbered}
	left := width - t.widths()[0] - gap
	for _, row := range t.Rows {
		cells := make([]string, 1+to-from)
		copy(cells, row[:min(1, len(row))])
		if from < len(row) {
			copy(cells[1:], row[from:min(to, len(row))])
		}
		if last := len(cells) - 1; last == 1 {
			wrapped := Wrap(cells[last], max(left, 1))
			cells[last] = wrapped[0]
			out.Add(cells...)
			for _, more := range wrapped[1:] {
				out.Add("", more)
			}
			continue
		}
		out.Add(cells...)
	}
	return out
}

// Wrap breaks a line at blanks, so that each is of at most so many characters if its words allow it.
// What begins with blanks goes on below them.
func Wrap(line string, width int) []string {
	rest := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(rest)]
	var out []string
	for {
		room := max(width-len(indent), 1)
		if utf8.RuneCountInString(rest) <= room {
			return append(out, indent+rest)
		}
		at, n := -1, 0
		for i, r := range rest {
			if r == ' ' && i > 0 && (n <= room || at < 0) {
				at = i
			}
			if n++; n > room && at >= 0 {
				break
			}
		}
		if at < 0 {
			return append(out, indent+rest)
		}
		out = append(out, indent+strings.TrimRight(rest[:at], " "))
		rest = strings.TrimLeft(rest[at:], " ")
	}
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
