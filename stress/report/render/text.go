package render

import (
	"fmt"
	"io"
	"strings"

	"tailpoke/stress/report"
)

// writeText writes a document for people.
func writeText(w io.Writer, d *report.Document) error {
	parts, err := partsOf(d)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i := range parts {
		parts[i].text(&b)
	}
	_, err = io.WriteString(w, b.String()) // at once, so that a result is there or is not
	return err
}

// text writes a part: the name and the word stand before the first line.
func (p *part) text(b *strings.Builder) {
	head := strings.Repeat("    ", p.depth)
	if p.table != nil {
		for line := range strings.Lines(p.table.String()) {
			b.WriteString(head + line)
		}
	}
	if p.name != "" {
		head += fmt.Sprintf("%-7s  ", p.name)
	}
	if p.word != "" {
		head += fmt.Sprintf("%-12s  ", p.word)
	}
	for _, line := range p.lines {
		b.WriteString(strings.TrimRight(head+line, " ") + "\n")
		head = strings.Repeat(" ", len(head))
	}
}
