package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// A part is a piece of a page: lines, or a table.
type part struct {
	name  string // what the lines are about: a field's name, an engine
	word  string // the answer in a word
	lines []string
	block folder // in their place: what folds itself
	depth int    // inside the parts before it that have less
	says  bool   // it is a verdict
}

// A folder is a text that knows how to break its lines: a table, a witness.
type folder interface{ Fold(width int) string }

// A testCase is something that passes or does not.
type testCase struct {
	name    string
	result  result
	why     string   // it was skipped, or gave no answer, or failed
	seen    []string // what was seen
	detail  []string // of a failure
	seconds float64
}

// A result is what a test harness makes of an answer.
type result uint8

// The results.
const (
	passed  result = iota
	failed         // not as expected
	skipped        // not asked, or cannot be
	broken         // the question is open: that is no success
)

// A view is how a document's section is read.
type view interface {
	parts(*report.Document) []part
	cases(*report.Document) []testCase
}

// viewOf returns the view of a section, or nil for one that is not known here.
func viewOf(s report.Section) view {
	switch s := s.(type) {
	case *report.Mutants:
		return mutants{s}
	case *report.Search:
		return search{s}
	case *report.Replay:
		return replay{s}
	case *report.TraceCheck:
		return traceCheck{s}
	case *report.Regression:
		return regression{s}
	case *report.Identity:
		return identity{s}
	case *report.Doctor:
		return doctor{s}
	case *report.Catalogue:
		return catalogue{s}
	case *report.Listings:
		return listings{s}
	case *report.Matrix:
		return matrix{s}
	case *report.Affected:
		return affected{s}
	case *report.Diff:
		return diff{s}
	case *report.Findings:
		return findings{s}
	case *report.Soak:
		return soak{s}
	case *report.About:
		return about{}
	}
	return nil
}

// views are those of everything in a document: engines first.
func views(d *report.Document) ([]view, error) {
	var out []view
	if len(d.Verdicts) > 0 {
		out = append(out, verdicts{})
	}
	for _, s := range d.Sections {
		v := viewOf(s)
		if v == nil {
			return nil, fmt.Errorf("render: no view of %T", s)
		}
		out = append(out, v)
	}
	return out, nil
}

// partsOf is all of the page: what was judged, what was found, and how to see it again.
func partsOf(d *report.Document) ([]part, error) {
	all, err := views(d)
	if err != nil {
		return nil, err
	}
	out := headOf(d)
	for _, v := range all {
		out = append(out, v.parts(d)...)
	}
	for _, f := range d.Findings {
		out = append(out, text(0, findingText(&f))...)
		out = append(out, text(1, f.Log...)...)
		if f.Again != "" {
			out = append(out, field("again", f.Again))
		}
	}
	for _, no := range d.Disagreements {
		out = append(out, text(0, no.Text)...)
	}
	if d.Verdict != report.Holds {
		out = append(out, text(1, ownTexts(d.Subject)...)...)
	}
	if d.Verdict == report.Violated && d.Seed != "" && d.Again != "" {
		out = append(out, field("again", d.Again))
	}
	if d.Verdict != "" && (d.Subject != nil || len(d.Verdicts) > 0) {
		out = append(out, part{lines: []string{conclusion(d)}, says: true})
	}
	return out, nil
}

// headOf says what was judged.
func headOf(d *report.Document) []part {
	var out []part
	if d.Guest != nil {
		out = append(out, field("guest", guestText(d.Guest)))
	}
	if d.Bundled != nil {
		out = append(out, part{name: "bundle", lines: bundledLines(d.Bundled)})
	}
	if d.Subject != nil {
		out = append(out, field("subject", subjectText(d.Subject)))
	}
	if d.Seed != "" {
		out = append(out, field("seed", d.Seed))
	}
	return out
}

// casesOf are all cases of a document.
func casesOf(d *report.Document) ([]testCase, error) {
	all, err := views(d)
	if err != nil {
		return nil, err
	}
	var out []testCase
	for _, v := range all {
		out = append(out, v.cases(d)...)
	}
	for _, f := range d.Findings {
		out = append(out, testCase{name: cmp.Or(string(f.Property), string(f.Kind)), result: failed, why: findingText(&f), detail: f.Log})
	}
	for _, no := range d.Disagreements {
		out = append(out, testCase{name: "agreement", result: broken, why: no.Text})
	}
	open := func(c testCase) bool { return c.result == broken || c.result == failed }
	if d.Verdict == report.NoAnswer && d.Expect != report.NoAnswer && !slices.ContainsFunc(out, open) {
		out = append(out, testCase{name: "verdict", result: broken, why: "no engine had an answer"})
	}
	return out, nil
}

// conclusion is the last line: what all engines together say, which had an answer, and why others had
// none. Where there is none in the end, it says what each answered.
func conclusion(d *report.Document) string {
	if d.Verdict != report.Holds && d.Verdict != report.NoAnswer || len(d.Verdicts) == 0 {
		return string(d.Verdict)
	}
	var said, all []string
	for i := range d.Verdicts {
		switch v := &d.Verdicts[i]; v.Verdict {
		case protocol.Proved, protocol.Safe, protocol.NotObserved:
			if said = append(said, string(v.Engine)); d.Verdict == report.NoAnswer {
				said[len(said)-1] += " " + string(v.Verdict)
			}
		case protocol.Skipped:
			all = append(all, fmt.Sprintf("%s not asked: %s", v.Engine, v.Reason))
		default:
			all = append(all, fmt.Sprintf("%s %s", v.Engine, v.Verdict))
		}
	}
	if len(said) > 0 {
		all = slices.Insert(all, 0, strings.Join(said, ", "))
	}
	return fmt.Sprintf("%s (%s)", d.Verdict, strings.Join(all, "; "))
}

// fields are what else a document says of itself, for readers of machines.
func fields(d *report.Document) [][2]string {
	out := [][2]string{{"tool", toolText(&d.Tool)}, {"machine", machineText(&d.Machine)}}
	if d.Guest != nil {
		out = append(out, [2]string{"guest", guestText(d.Guest)})
	}
	if d.Subject != nil {
		out = append(out, [2]string{"subject", subjectText(d.Subject)})
	}
	out = append(out, [2]string{"seed", d.Seed}, [2]string{"again", d.Again})
	return slices.DeleteFunc(out, func(f [2]string) bool { return f[1] == "" })
}

// verb is the part of a document's schema that says what was done.
func verb(d *report.Document) string {
	words := strings.Split(d.Schema, "/")
	return words[min(1, len(words)-1)]
}

func field(name, line string) part { return part{name: name, lines: []string{line}} }

// text is lines without a name.
func text(depth int, lines ...string) []part {
	if len(lines) == 0 {
		return nil
	}
	return []part{{lines: lines, depth: depth}}
}

// A column is a column of a table of such things.
type column[T any] struct {
	head string
	cell func(T) string
}

// tableOf is a table with a row for each thing, below its head.
func tableOf[T any](columns []column[T], things []T) *table.Table {
	t := &table.Table{}
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.head
	}
	t.Add(row...)
	for _, thing := range things {
		t.Add(cellsOf(columns, thing)...)
	}
	return t
}

// cellsOf is the row of one thing.
func cellsOf[T any](columns []column[T], thing T) []string {
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.cell(thing)
	}
	return row
}

// expected is what a verdict that was expected makes of another. Where a violation is expected
// and there is one, an engine that sees none is no failure.
func expected(d *report.Document, v protocol.Verdict) result {
	switch v {
	case protocol.Skipped, protocol.Unsupported:
		return skipped
	case protocol.Vacuous, protocol.Bounded:
		return broken
	}
	if d.Expect == report.Violated {
		return passedIf(d.Verdict == report.Violated)
	}
	return passedIf(v != protocol.Violated)
}

func passedIf(ok bool) result {
	if ok {
		return passed
	}
	return failed
}
