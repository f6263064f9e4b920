package soak

import (
	"time"

	"tailpoke/internal/state"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// odd makes findings of a round that ended as no round should: its process died, hung or grew, or it
// tested nothing although it had all of its time.
func (s *soak) odd(e protocol.Engine, end *report.Ended) []report.Finding {
	f := report.Finding{Engine: e, Place: report.Place{Who: "engine"}, Text: end.Text, Count: 1}
	switch end.How {
	case report.Crashed, report.Failed: // a process that was killed gave no answer
		f.Kind = report.OfCrash
	case report.Hung:
		f.Kind = report.OfHang
	case report.Grew:
		f.Kind = report.OfMemory
	case report.Done:
		if end.Verdict == nil || end.Verdict.Verdict != protocol.Vacuous {
			return nil
		}
		f.Kind, f.Text = report.OfVacuous, end.Verdict.Reason
	default:
		return nil
	}
	return []report.Finding{f}
}

// disagreements are records of pairs of engines that contradict each other, each once.
func (s *soak) disagreements() []state.Record {
	var out []state.Record
	for _, no := range s.sum.Document().Disagreements {
		f := report.Finding{
			Engine: no.Engines[1], Kind: report.OfDisagreement, Property: no.Property, Text: no.Text, Count: 1,
			First: state.Stamp(time.Now()),
		}
		if f.Key = Key(&f); s.sum.RoundOf(f.Key) == nil {
			out = append(out, state.Record{Finding: &state.Seen{Round: s.round, Finding: f}})
		}
	}
	return out
}
