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
func CheckTrace(c Choice, file, text string) (*report.Document, error) {
	s, target, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	s.Shape = target.Shape(s.Shape.Threads)
	t, err := protocol.ParseTrace(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	r := &report.TraceCheck{}
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
		return onSubject(r, s, target), nil
	case err != nil:
		return nil, err
	}
	r.Consumed = res.Events + res.Observations
	switch m := res.Mismatch; {
	case m != nil:
		r.Line, r.Item, r.Allowed = t.Line(m.Index), m.Item.String(), m.Allowed
	case res.Vacuous():
		r.Reason = "the trace has no events and no observations"
	case r.Consumed != r.Events+r.Observations:
		return nil, fmt.Errorf("%d of %d items were consumed", r.Consumed, r.Events+r.Observations)
	default:
		r.Conforms = true
	}
	return onSubject(r, s, target), nil
}

// onSubject is the document of a section about one subject.
func onSubject(sec report.Section, s protocol.Subject, w *Workload) *report.Document {
	d := report.New(sec)
	d.Subject = name(s, w)
	return d
}
