package render

import (
	"strings"

	"tailpoke/internal/table"
	"tailpoke/stress/report"
)

// doctor is the view of what a machine can do.
type doctor struct{ *report.Doctor }

func (d doctor) parts(*report.Document) []part {
	t := &table.Table{Headless: true}
	for _, c := range d.Checks {
		if c.OK {
			t.Add(c.Name, "ok", c.Detail)
		} else {
			t.Add(c.Name, "missing", c.Detail+"; needed for "+c.For)
		}
	}
	return []part{{block: t}}
}

func (d doctor) cases(*report.Document) []testCase {
	var out []testCase
	for _, c := range d.Checks {
		one := testCase{name: c.Name, seen: []string{c.Detail}}
		if !c.OK {
			one.result, one.why = skipped, c.Detail
		}
		out = append(out, one)
	}
	return out
}

// catalogue is the view of what there is to choose from; with one kind it needs no heading.
type catalogue struct{ *report.Catalogue }

func (c catalogue) parts(*report.Document) []part {
	if len(c.Kinds) == 1 {
		return items(c.Kinds[0].Items, "")
	}
	var out []part
	for i, k := range c.Kinds {
		if i > 0 {
			out = append(out, text(0, "")...)
		}
		out = append(out, text(0, k.Kind)...)
		out = append(out, items(k.Items, "  ")...)
	}
	return out
}

// items are a name each, and its text after or below it.
func items(all []report.Item, indent string) []part {
	var out []part
	t := &table.Table{Headless: true}
	for _, it := range all {
		if !strings.Contains(it.Text, "\n") {
			t.Add(indent+it.Name, it.Text)
			continue
		}
		out = append(out, text(0, indent+it.Name)...)
		for _, line := range lines(it.Text) {
			out = append(out, text(1, indent+line)...)
		}
	}
	return append(out, part{block: t})
}

func (c catalogue) cases(d *report.Document) []testCase {
	var out []testCase
	for _, k := range c.Kinds {
		for _, it := range k.Items {
			out = append(out, testCase{name: k.Kind + ": " + it.Name, seen: lines(it.Text)})
		}
	}
	return out
}

// listings is the view of texts that are printed as they are.
type listings struct{ *report.Listings }

func (l listings) parts(*report.Document) []part {
	var out []part
	for _, one := range l.Listings.Listings {
		out = append(out, text(0, lines(one.Text)...)...)
	}
	return out
}

func (l listings) cases(*report.Document) []testCase {
	var out []testCase
	for _, one := range l.Listings.Listings {
		out = append(out, testCase{name: one.Name, seen: lines(one.Text)})
	}
	return out
}

// about is the view of a document's own making.
type about struct{}

func (about) parts(d *report.Document) []part {
	return text(0, toolText(&d.Tool)+", "+d.Machine.Platform)
}

func (a about) cases(d *report.Document) []testCase {
	return []testCase{{name: "version", seen: a.parts(d)[0].lines}}
}
