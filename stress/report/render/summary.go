package render

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// A summarizer is a view that says in a line what it comes to.
type summarizer interface{ summary() string }

// Summary is what a document comes to, in a line; or "" where its verdict says it all.
func Summary(d *report.Document) string {
	if d.Error != "" {
		return d.Error
	}
	var out []string
	for i := range d.Verdicts {
		out = append(out, verdictSummary(&d.Verdicts[i]))
	}
	for _, s := range d.Sections {
		if v, ok := viewOf(s).(summarizer); ok {
			out = append(out, v.summary())
		}
	}
	return strings.Join(out, "; ")
}

// verdictSummary is an engine's answer and the figures that it stands on.
func verdictSummary(v *report.Verdict) string {
	out := []string{fmt.Sprintf("%s %s", v.Engine, v.Verdict)}
	if v.Property != "" {
		out[0] += " " + string(v.Property)
	}
	if v.Verdict == protocol.Violated && len(v.Findings) > 0 {
		out = append(out, v.Findings[0].Text)
	}
	switch v.Verdict {
	case protocol.Vacuous, protocol.Unsupported, protocol.Skipped, protocol.Bounded:
		out = append(out, v.Reason)
	}
	if k := v.Kernel; k != nil {
		if k.Watch != nil {
			seen := 0
			for _, p := range k.Phases {
				seen += min(int(p.Seen), 1)
			}
			out = append(out, fmt.Sprintf("%d of %d phases", seen, len(k.Phases)))
		} else if k.Unwatched != "" {
			out = append(out, "not watched: "+k.Unwatched)
		}
	}
	if s := v.Steered; s != nil {
		out = append(out, steeredSummary(s))
	}
	if v.CPUCounts != nil {
		out = append(out, counted(v.Cycles, "cycle"))
	}
	return strings.Join(out, ", ")
}

func (i identity) summary() string { return i.sum() }

func (r regression) summary() string { return r.sum() }

func (d doctor) summary() string {
	var missing, said []string
	for _, c := range d.Checks {
		if !c.OK {
			missing = append(missing, c.Name)
		} else if c.Name == report.KernelImages {
			said = append(said, c.Detail)
		}
	}
	if len(missing) > 0 {
		said = append(said, "missing: "+strings.Join(missing, ", "))
	}
	return strings.Join(said, "; ")
}
