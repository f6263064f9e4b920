package render

import (
	"fmt"
	"io"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Page is what a text is written on.
type Page struct {
	Width  int  // characters of a line, 0: as many as it takes
	Colour bool // verdicts are coloured, as terminals do it
}

// writeText writes a document for people.
func writeText(w io.Writer, d *report.Document, page Page) error {
	parts, err := partsOf(d)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i := range parts {
		parts[i].text(&b, page)
	}
	_, err = io.WriteString(w, b.String()) // at once, so that a result is there or is not
	return err
}

// Rows writes the beginning of a text, as far as engines have their rows: they come one by one.
func Rows(w io.Writer, d *report.Document, page Page) error {
	var b strings.Builder
	for _, p := range headOf(d) {
		p.text(&b, page)
	}
	for _, p := range (verdicts{}).parts(d) {
		p.text(&b, page)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// text writes a part: the name and the word stand before the first line.
func (p *part) text(b *strings.Builder, page Page) {
	head := strings.Repeat("    ", p.depth)
	width := 0
	if page.Width > 0 {
		width = max(page.Width-len(head), 1)
	}
	if p.block != nil {
		for line := range strings.Lines(p.block.Fold(width)) {
			b.WriteString(strings.TrimRight(head+Printable(strings.TrimSuffix(line, "\n")), " ") + "\n")
		}
	}
	plain := head // as it looks: without what colours it
	if p.name != "" {
		plain += fmt.Sprintf("%-7s  ", p.name)
	}
	head = plain
	if p.word != "" {
		head += page.coloured(p.word) + strings.Repeat(" ", max(0, 12-len(p.word))+2)
		plain += fmt.Sprintf("%-12s  ", p.word)
	}
	for _, line := range p.lines {
		wrapped := []string{line}
		if page.Width > 0 {
			wrapped = table.Wrap(line, max(page.Width-len(plain), 1))
		}
		for _, line := range wrapped {
			text := Printable(line)
			if p.says {
				text = page.coloured(text)
			}
			b.WriteString(strings.TrimRight(head+text, " ") + "\n")
			head = strings.Repeat(" ", len(plain))
		}
	}
}

// Colours of a terminal.
const (
	red, green, yellow = 31, 32, 33
)

// coloured colours a text that begins with a verdict.
func (page Page) coloured(text string) string {
	word, _, _ := strings.Cut(text, " ")
	colour := yellow
	switch {
	case !page.Colour:
		return text
	case word == string(protocol.Violated) || text == string(report.Disagree):
		colour = red
	case word == string(report.Holds) || word == string(protocol.Proved) || word == string(protocol.Safe) || word == string(protocol.NotObserved):
		colour = green
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", colour, text)
}
