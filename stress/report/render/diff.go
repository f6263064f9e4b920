package render

import (
	"fmt"

	"tailpoke/stress/report"
)

// Compare says what changed from one document to another, case by case, as JUnit has the cases.
// Worse is what passed and does not any more, and a case that fails and was not there.
func Compare(was, is *report.Document) (*report.Diff, error) {
	before, err := namedCases(was)
	if err != nil {
		return nil, err
	}
	after, err := namedCases(is)
	if err != nil {
		return nil, err
	}
	out := &report.Diff{Was: was.Schema, Is: is.Schema, Changes: []report.CaseChange{}}
	for _, name := range before.names {
		out.Cases++
		a := before.of[name]
		b, there := after.of[name]
		switch {
		case !there && a.result == failed: // as a finding that is gone
			out.Changes = append(out.Changes, report.CaseChange{Case: name, Was: a.says()})
		case !there:
			out.Changes = append(out.Changes, report.CaseChange{Case: name, Was: a.says(), Worse: a.result == passed})
		case a.result != b.result || a.says() != b.says():
			out.Changes = append(out.Changes, report.CaseChange{Case: name, Was: a.says(), Is: b.says(), Worse: badness(b.result) > badness(a.result)})
		}
	}
	for _, name := range after.names {
		if _, there := before.of[name]; !there {
			b := after.of[name]
			out.Cases++
			out.Changes = append(out.Changes, report.CaseChange{Case: name, Is: b.says(), Worse: badness(b.result) > badness(passed)})
		}
	}
	return out, nil
}

// badness ranks results. One that was not asked for is between.
func badness(r result) int {
	return map[result]int{passed: 0, skipped: 1, broken: 2, failed: 3}[r]
}

// named are cases by their names.
type named struct {
	names []string
	of    map[string]testCase
}

func namedCases(d *report.Document) (named, error) {
	all, err := casesOf(d)
	n := named{of: map[string]testCase{}}
	for _, c := range all {
		if _, twice := n.of[c.name]; twice { // as several findings of a property: the worst counts
			if old := n.of[c.name]; badness(old.result) >= badness(c.result) {
				continue
			}
		} else {
			n.names = append(n.names, c.name)
		}
		n.of[c.name] = c
	}
	return n, err
}

// says is what a case came to, in a line without figures, which differ from run to run.
func (c *testCase) says() string {
	word := map[result]string{passed: "passed", failed: "failed", skipped: "skipped", broken: "no answer"}[c.result]
	if len(c.seen) > 0 {
		word = c.seen[0]
	}
	if c.result == failed {
		return "failed: " + word
	}
	return word
}

// diff is the view of what changed.
type diff struct{ *report.Diff }

var changeColumns = []column[report.CaseChange]{
	{"", func(c report.CaseChange) string {
		if c.Worse {
			return "worse"
		}
		return "changed"
	}},
	{"case", func(c report.CaseChange) string { return c.Case }},
	{"was", func(c report.CaseChange) string { return orNothing(c.Was) }},
	{"is", func(c report.CaseChange) string { return orNothing(c.Is) }},
}

func orNothing(text string) string {
	if text == "" {
		return "(not there)"
	}
	return text
}

func (d diff) parts(*report.Document) []part {
	var out []part
	if len(d.Changes) > 0 {
		out = append(out, part{block: tableOf(changeColumns, d.Changes)})
	}
	worse := 0
	for _, c := range d.Changes {
		if c.Worse {
			worse++
		}
	}
	return append(out, part{lines: []string{fmt.Sprintf("%s, %d changed, %d worse", counted(uint64(d.Cases), "case"), len(d.Changes), worse)}, says: true})
}

func (d diff) cases(*report.Document) []testCase {
	out := []testCase{}
	for _, c := range d.Changes {
		out = append(out, testCase{name: c.Case, result: passedIf(!c.Worse), why: c.Was + " became " + c.Is})
	}
	return out
}
