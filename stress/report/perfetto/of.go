package perfetto

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Of writes what a document has to be shown in time: the run of each live engine, and the witness of
// each other one. The trace is the text of the first live engine's, or empty. Nothing is written where
// the document has none of these.
func Of(d *report.Document, trace string) ([]byte, error) {
	t, err := protocol.ParseTrace(trace)
	if err != nil {
		return nil, fmt.Errorf("trace:%w", err)
	}
	w := &writer{}
	threads := 0
	if d.Subject != nil {
		threads = d.Subject.Threads
	}
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		switch {
		case v.Witness != nil:
			w.witness(v.Engine, v.Witness)
		case v.CPUCounts != nil:
			w.live(v, threads, t)
			t = protocol.Trace{}
		}
	}
	for _, s := range d.Sections {
		if r, ok := s.(*report.Replay); ok && r.Witness != nil {
			w.witness(r.Engine, r.Witness)
		}
	}
	return w.out, nil
}
