package render

import (
	"cmp"
	"fmt"

	"tailpoke/stress/report"
)

// findings is the view of what soaks have found.
type findings struct{ *report.Findings }

var keptColumns = []column[report.Finding]{
	{"finding", func(f report.Finding) string { return f.Key[:min(len(f.Key), 8)] }},
	{"engine", func(f report.Finding) string { return string(f.Engine) }},
	{"kind", func(f report.Finding) string { return string(f.Kind) }},
	{"property", func(f report.Finding) string { return string(f.Property) }},
	{"times", func(f report.Finding) string { return timesText(&f) }},
	{"first seen", func(f report.Finding) string { return f.First }},
	{"bundle", func(f report.Finding) string { return f.Bundle }},
	{"what", func(f report.Finding) string { return f.Place.Source.Behind(f.Text) }},
}

func (f findings) parts(*report.Document) []part {
	list := func(name string, all []report.Finding) []part {
		if len(all) == 0 {
			return nil
		}
		out := []part{{block: tableOf(keptColumns, all)}}
		if name != "" {
			out = append(text(0, name), out...)
			out[1].depth = 1
		}
		return out
	}
	if !f.Compared {
		if len(f.Found) == 0 {
			return text(0, "no findings")
		}
		return list("", f.Found)
	}
	out := list("only in the second:", f.New)
	out = append(out, list("only in the first:", f.Gone)...)
	out = append(out, list("in both:", f.Found)...)
	return append(out, part{lines: []string{fmt.Sprintf("%d new, %d gone, %d in both", len(f.New), len(f.Gone), len(f.Found))}, says: true})
}

func (f findings) cases(d *report.Document) []testCase {
	var out []testCase
	for _, all := range []struct {
		found  []report.Finding
		result result
	}{{f.New, failed}, {f.Found, passed}} {
		for _, one := range all.found {
			c := testCase{name: one.Key, result: all.result}
			if c.result == failed {
				c.why = findingText(&one)
			}
			out = append(out, c)
		}
	}
	return out
}

// bundledLines say what a bundle's finding is, when and where it was seen, and by what.
func bundledLines(b *report.Bundled) []string {
	f := &b.Finding
	seen := fmt.Sprintf("%s, seen %s times", cmp.Or(string(f.Property), string(f.Kind)), timesText(f))
	if f.Count == 1 && !f.AtLeast {
		seen = fmt.Sprintf("%s, seen once", cmp.Or(string(f.Property), string(f.Kind)))
	}
	if f.Engine != "" {
		seen += fmt.Sprintf(" by the %s engine", f.Engine)
	}
	if f.First != "" {
		seen += ", " + f.First
	}
	if f.Last != "" && f.Last != f.First {
		seen += " to " + f.Last
	}
	where := machineText(&b.Machine)
	if b.Guest != nil {
		where = guestText(b.Guest) + ", on " + where
	}
	out := []string{seen, placeText(f) + ": " + f.Place.Source.Behind(f.Text), where, toolText(&b.Tool)}
	if b.Seed != "" {
		out = append(out, "seed "+b.Seed)
	}
	return out
}
