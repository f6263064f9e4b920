package render

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// An htmlRow is what one engine says: the answer in a word, and what it rests on.
type htmlRow struct {
	Name, Word string
	Lines      []string
	To         string // where more of it stands
}

// An htmlPart is a section of a page: one of these, below a heading.
type htmlPart struct {
	ID, Title string
	Notes     []string      // sentences
	Parts     []htmlPart    // side by side, where there is room
	Drawing   template.HTML // an SVG of ours
	Table     *htmlTable
	Lines     []string // as they are
	Fields    []htmlRow
	Witness   *htmlWitness
	Folded    bool // shown when it is asked for
}

// An htmlTable is a table with a head.
type htmlTable struct {
	Name   string // for who does not see it
	Head   []string
	Rows   [][]htmlCell
	Number []bool // by column: aligned to the right
	Filter string // what a reader filters: "findings"
}

// An htmlCell is a cell, with what can be shown below it.
type htmlCell struct {
	Text, To string
	More     []string
}

// filterFrom is from how many rows on a table can be filtered.
const filterFrom = 12

// fill makes the sections of a page.
func (p *htmlPage) fill(d *report.Document) error {
	if len(d.Verdicts) > 0 {
		p.verdicts(d)
	}
	p.findings(d)
	for _, s := range d.Sections {
		v := viewOf(s)
		if v == nil {
			return fmt.Errorf("render: no view of %T", s)
		}
		if s, ok := v.(soak); ok { // it has drawings in the place of words
			p.soak(s)
			continue
		}
		p.add(v.parts(d))
		if m, ok := s.(*report.Mutants); ok {
			p.mutants(m)
		}
	}
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; v.CPUCounts != nil {
			p.live(v)
		}
	}
	if own := ownTexts(d.Subject); own != nil {
		p.Parts = append(p.Parts, htmlPart{Title: "What was judged", Lines: own})
	}
	return nil
}

// add takes parts of a text over, each as what it is.
func (p *htmlPage) add(parts []part) {
	for _, one := range parts {
		switch b := one.block.(type) {
		case *table.Table:
			p.Parts = append(p.Parts, htmlPart{Table: tableHTML(b)})
			continue
		case *witness.Witness:
			name := ""
			if n := len(p.Rows); n > 0 {
				name = p.Rows[n-1].Name
			}
			p.witness(name, b)
			continue
		}
		switch last := p.last(); {
		case one.word != "":
			p.Rows = append(p.Rows, htmlRow{Name: one.name, Word: one.word, Lines: one.lines})
		case one.name == "" && strings.Join(one.lines, "") == "":
		case one.name != "" && last != nil && last.Fields != nil:
			last.Fields = append(last.Fields, htmlRow{Name: one.name, Lines: one.lines})
		case one.name != "":
			p.Parts = append(p.Parts, htmlPart{Fields: []htmlRow{{Name: one.name, Lines: one.lines}}})
		default:
			if last == nil || last.Lines == nil {
				p.Parts = append(p.Parts, htmlPart{})
				last = p.last()
			}
			for _, line := range one.lines {
				last.Lines = append(last.Lines, strings.Repeat("    ", one.depth)+line)
			}
		}
	}
}

func (p *htmlPage) last() *htmlPart {
	if len(p.Parts) == 0 {
		return nil
	}
	return &p.Parts[len(p.Parts)-1]
}

// number is what a column of numbers or moments holds, which are all of one width.
var number = regexp.MustCompile(`^(-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z|[<>~]?[-+]?[0-9][0-9,.]*( ?(%|us|ms|s|MiB))?)?$`)

// tableHTML is a table of text.
func tableHTML(t *table.Table) *htmlTable {
	out := &htmlTable{Name: "table"}
	for i, row := range t.Rows {
		if i == 0 && !t.Headless {
			out.Head = row
			continue
		}
		var cells []htmlCell
		for _, text := range row {
			cells = append(cells, htmlCell{Text: strings.TrimSpace(text)})
		}
		out.Rows = append(out.Rows, cells)
	}
	return out.measure()
}

// measure says which columns have numbers, and whether there is something to filter.
func (t *htmlTable) measure() *htmlTable {
	columns := len(t.Head)
	for _, row := range t.Rows {
		columns = max(columns, len(row))
	}
	for column := range columns {
		numbers, some := true, false
		for _, row := range t.Rows {
			if column < len(row) {
				text := row[column].Text
				numbers = numbers && number.MatchString(text)
				some = some || text != "" && text != "-"
			}
		}
		t.Number = append(t.Number, numbers && some)
	}
	if len(t.Rows) >= filterFrom && t.Filter == "" {
		t.Filter = "rows"
	}
	return t
}

func containsText(all []string, one string) bool { return slices.Contains(all, one) }
