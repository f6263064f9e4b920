package render

import (
	"fmt"
	"slices"
	"time"

	"tailpoke/stress/report"
)

// soak is the view of what runs of a soak came to together; the engines' own sums are verdicts.
type soak struct{ *report.Soak }

func (s soak) parts(d *report.Document) []part {
	var out []part
	rounds := 0
	for _, r := range s.Runs {
		rounds += r.Rounds
	}
	out = append(out, field("soak", fmt.Sprintf("%s, %s, since %s", counted(uint64(len(s.Runs)), "run"), counted(uint64(rounds), "round"), s.Began)))
	for i := range s.Engines {
		out = append(out, text(1, s.engine(&s.Engines[i])...)...)
	}
	return out
}

func (s soak) cases(*report.Document) []testCase { return nil }

// engine says how the rounds of an engine ended, and what its processes had.
func (s soak) engine(e *report.SoakEngine) []string {
	line := fmt.Sprintf("%s: %s in %v", e.Engine, counted(uint64(e.Rounds), "round"), spanOf(e.Seconds))
	ends := make([]report.End, 0, len(e.Ends))
	for how := range e.Ends {
		ends = append(ends, how)
	}
	slices.Sort(ends)
	for _, how := range ends {
		line += fmt.Sprintf(", %d %s", e.Ends[how], how)
	}
	out := []string{line}
	for _, last := range slices.Backward(e.Series) {
		if last.Child.Memory == 0 { // a round that ended before it said anything
			continue
		}
		out = append(out, fmt.Sprintf("last: %d MiB and %s in the round's process, %d MiB and %s in the soak's",
			last.Child.Memory>>20, counted(uint64(last.Child.Files), "descriptor"),
			last.Parent.Memory>>20, counted(uint64(last.Parent.Files), "descriptor")))
		break
	}
	return out
}

func spanOf(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}
