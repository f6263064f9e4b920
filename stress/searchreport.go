package stress

import (
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// count sums the verdicts up, and what was found.
func count(s *report.OpSearch, all []*candidate) {
	for _, f := range s.Found {
		if f.Spare {
			s.Spare++
		}
		if f.First {
			s.Classes++
		}
	}
	for _, c := range all {
		if c.verdict != "" {
			s.Judged++
		}
		switch c.verdict {
		case protocol.Violated:
			s.Refuted[c.property]++
		case protocol.Vacuous:
			s.Vacuous++
		case protocol.Bounded:
			s.Bounded++
		case protocol.Proved:
			s.Safe++
		}
	}
}
