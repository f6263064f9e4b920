package render

import (
	"fmt"
	"strings"

	"tailpoke/stress/report"
)

// affected is the view of the faults that a kernel has: a fault a line, then what each means that
// it has, with the command that shows it again, and on the last line their names.
type affected struct{ *report.Affected }

// affectedColumns are the table of faults.
var affectedColumns = []column[*report.AffectedFault]{
	{"fault", func(f *report.AffectedFault) string { return f.Name }},
	{"answer", func(f *report.AffectedFault) string { return string(f.Answer) }},
	{"commit", func(f *report.AffectedFault) string { return f.Origin }},
	{"kernels", func(f *report.AffectedFault) string { return f.Versions }},
	{"what this kernel did", affectedSeen},
}

// affectedSeen is what the kernel did, and of a race that was not seen what that says.
func affectedSeen(f *report.AffectedFault) string {
	text := f.Seen
	if f.RateMax > 0 {
		text += fmt.Sprintf("; fewer than 1 in %s of them meet it (%.0f %%)",
			grouped(uint64(1/f.RateMax)), 100*f.Confidence)
	}
	if f.Answer == report.NotSeen && f.Shown != "" {
		text += "; beside it: " + f.Shown
	}
	return text
}

func (a affected) parts(*report.Document) []part {
	out := []part{{block: tableOf(affectedColumns, a.rows())}}
	for _, f := range a.rows() {
		if f.Answer == report.HasFault {
			out = append(out, text(0, f.Name+": "+f.Says)...)
			out = append(out, field("again", f.Again))
		}
	}
	return append(out, text(0, a.summary())...)
}

func (a affected) rows() (out []*report.AffectedFault) {
	for i := range a.Faults {
		out = append(out, &a.Faults[i])
	}
	return out
}

func (a affected) cases(*report.Document) []testCase {
	var out []testCase
	for _, f := range a.rows() {
		seen := string(f.Answer) + ": " + affectedSeen(f)
		c := testCase{name: f.Name, seen: []string{seen}, seconds: f.Seconds}
		switch {
		case f.Answer == report.HasFault:
			c.result, c.why, c.detail = failed, f.Says, []string{f.Again}
		case !f.Asked():
			c.result, c.why = skipped, string(f.Answer)+": "+f.Seen
		}
		out = append(out, c)
	}
	return out
}

// summary names the faults that the kernel has, and those of which nothing can be said.
func (a affected) summary() string {
	var has, open []string
	asked := 0
	for _, f := range a.rows() {
		switch {
		case f.Answer == report.HasFault:
			has = append(has, f.Name)
		case f.Answer == report.CannotTell:
			open = append(open, f.Name)
		}
		if f.Asked() {
			asked++
		}
	}
	out := "affected by none"
	if len(has) > 0 {
		out = "affected by: " + strings.Join(has, ", ")
	}
	out += fmt.Sprintf("; %d asked", asked)
	if len(open) > 0 {
		out += "; cannot tell: " + strings.Join(open, ", ")
	}
	return out
}
