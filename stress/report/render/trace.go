package render

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// traceCheck is the view of a trace that was held against the model.
type traceCheck struct{ *report.TraceCheck }

func (t traceCheck) parts(*report.Document) []part {
	what := fmt.Sprintf("%s, %s; ", counted(t.Events, "event"), counted(t.Observations, "observation"))
	switch t.Overall() {
	case report.Holds:
		return []part{field("trace", what+"all consumed")}
	case report.Violated:
		return append([]part{field("trace", what+grouped(t.Consumed)+" consumed")}, text(1, t.mismatch()...)...)
	}
	return []part{field("trace", what+t.Reason)}
}

// mismatch says what does not fit, and what would.
func (t traceCheck) mismatch() []string {
	out := []string{fmt.Sprintf("line %d: %s", t.Line, t.Item)}
	for i, a := range t.Allowed {
		word := "or"
		if i == 0 {
			word = "the model allows"
		}
		out = append(out, word+": "+a)
	}
	if len(t.Allowed) == 0 {
		out = append(out, "the model allows nothing more")
	}
	return out
}

func (t traceCheck) cases(d *report.Document) []testCase {
	c := testCase{name: "trace", result: broken, why: t.Reason, seen: t.parts(d)[0].lines}
	switch v := t.Overall(); v {
	case report.Violated:
		c.result, c.why, c.detail = expected(d, protocol.Violated), "not a behaviour of the model", t.mismatch()
	case report.Holds:
		c.result = expected(d, protocol.Proved)
	}
	return []testCase{c}
}
