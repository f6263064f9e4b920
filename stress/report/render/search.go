package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tailpoke/stress/report"
)

// search is the view of a search: for each operation what became of its texts, and the ranking.
type search struct{ *report.Search }

// foundColumns are the ranking of an operation.
func foundColumns(op string) []column[report.Found] {
	return []column[report.Found]{
		{"rank", func(f report.Found) string { return dashIf(f.Spare, fmt.Sprint(f.Rank)) }},
		{"grace", func(f report.Found) string { return f.WaitsPer }},
		{"pokes", func(f report.Found) string { return f.PokesPer }},
		{"estimate", func(f report.Found) string { return fmt.Sprintf("%.1f ms", f.Estimate*1e3) }},
		{"leaves", func(f report.Found) string { return f.Leaves }},
		{"callers", func(f report.Found) string { return string(f.Callers) }},
		{"orders", func(f report.Found) string { return dashIf(!f.First, fmt.Sprint(f.Orders)) }},
		{"name", func(f report.Found) string { return cmp.Or(f.Name, "-") }},
		{op, func(f report.Found) string { return f.Text }},
	}
}

func (s search) parts(d *report.Document) []part {
	out := []part{
		field("subject", fmt.Sprintf("protocol %s, method %s, grace %s; operations of 1 to %s",
			s.Protocol, s.Method, s.Grace, counted(s.Steps, "step"))),
		field("costs", fmt.Sprintf("on N sites; estimated for %s, %.0f us a poke and %.0f ms a grace period",
			counted(s.Sites, "site"), report.PokeSeconds*1e6, report.WaitSeconds*1e3)),
	}
	for i := range s.Searches {
		op := &s.Searches[i]
		out = append(out, part{name: op.Op, lines: searchCounts(op)})
		if len(op.Found) > 0 {
			out = append(out, field("", ""), part{block: tableOf(foundColumns(op.Op), op.Found)}, field("", ""))
		}
	}
	return append(out, text(0, fmt.Sprintf("%.1f s", d.Seconds))...)
}

func (s search) cases(*report.Document) []testCase {
	var out []testCase
	for i := range s.Searches {
		op := &s.Searches[i]
		c := testCase{name: op.Op, result: passedIf(op.Safe > 0), seen: searchCounts(op)}
		if c.result == failed {
			if c.why = "nothing is safe"; op.Bounded > 0 {
				c.result, c.why = broken, "the bound on states was hit"
			}
		}
		out = append(out, c)
	}
	return out
}

// SearchLine says how far the search for an operation has come.
func SearchLine(op string, judged, candidates int) string {
	return fmt.Sprintf("%s: %s of %s judged", op, grouped(judged), grouped(candidates))
}

// searchCounts say what became of the texts.
func searchCounts(s *report.OpSearch) []string {
	p := s.Pruned
	refuted := 0
	var by []string
	for _, property := range slices.Sorted(maps.Keys(s.Refuted)) {
		refuted += s.Refuted[property]
		by = append(by, fmt.Sprintf("%s %s", grouped(s.Refuted[property]), property))
	}
	judged := grouped(s.Candidates) + " judged"
	if s.Judged < s.Candidates {
		judged = fmt.Sprintf("%s of %s judged", grouped(s.Judged), grouped(s.Candidates))
	}
	out := []string{
		fmt.Sprintf("%s texts; %s never publish, %s never free, %s free twice, %s too early, %s repeat another",
			grouped(s.Enumerated), grouped(p.Silent), grouped(p.Leaks), grouped(p.Frees),
			grouped(p.Early), grouped(p.Repeats)),
		fmt.Sprintf("%s: %s refuted (%s), %s safe", judged, grouped(refuted), strings.Join(by, ", "), grouped(s.Safe)),
	}
	if open := s.Vacuous + s.Bounded; open > 0 {
		out = append(out, fmt.Sprintf("%s vacuous, %s hit the bound on states", grouped(s.Vacuous), grouped(s.Bounded)))
	}
	if s.Safe > 0 {
		out = append(out, fmt.Sprintf("of the safe %s have a step to spare; the others make %s",
			grouped(s.Spare), counted(s.Classes, "row")))
	}
	return out
}

// dashIf is a dash where there is nothing to say.
func dashIf(nothing bool, text string) string {
	if nothing {
		return "-"
	}
	return text
}
