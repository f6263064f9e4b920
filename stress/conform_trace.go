package stress

import (
	"errors"
	"fmt"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// CheckTrace holds a trace against the model of the subject that the choice names. Errors
// are faults of the choice, or of the text and then have the file's name, line and column.
func CheckTrace(c Choice, file, text string) (*report.TraceCheck, error) {
	s, target, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	s.Shape = target.Shape(s.Shape.Threads)
	t, err := protocol.ParseTrace(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	r := &report.TraceCheck{Schema: "stress/trace/1", Subject: name(s, target), Verdict: report.NoAnswer}
	for _, it := range t.Items {
		switch it.Kind {
		case protocol.Happened:
			r.Events++
		case protocol.Saw:
			r.Observations++
		}
	}
	res, err := model.Conform(s, t)
	switch {
	case errors.Is(err, model.ErrUnsupported):
		r.Reason = err.Error()
		return r, nil
	case err != nil:
		return nil, err
	}
	r.Consumed = res.Events + res.Observations
	switch m := res.Mismatch; {
	case m != nil:
		r.Line, r.Item, r.Allowed, r.Verdict = t.Line(m.Index), m.Item.String(), m.Allowed, report.Violated
	case res.Vacuous():
		r.Reason = "the trace has no events and no observations"
	case r.Consumed != r.Events+r.Observations:
		return nil, fmt.Errorf("%d of %d items were consumed", r.Consumed, r.Events+r.Observations)
	default:
		r.Conforms, r.Verdict = true, report.Holds
	}
	return r, nil
}
