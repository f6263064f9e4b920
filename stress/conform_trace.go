package stress

import (
	"errors"
	"fmt"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
)

// TraceReport is what the model says of a recorded trace; it is the object
// "stress/trace/1".
type TraceReport struct {
	Schema       string      `json:"schema"`
	Subject      SubjectName `json:"subject"`
	Events       int         `json:"events"`       // in the trace
	Observations int         `json:"observations"` // of memory, in the trace
	Consumed     int         `json:"consumed"`     // of both
	Conforms     bool        `json:"conforms"`
	Line         int         `json:"line,omitempty"`    // of the first item that does not fit
	Item         string      `json:"item,omitempty"`    // that item
	Allowed      []string    `json:"allowed,omitempty"` // what the model allows in its place
	Reason       string      `json:"reason,omitempty"`  // why there is no answer
	Verdict      Overall     `json:"verdict"`
}

// CheckTrace holds a trace against the model of the subject that the choice names. Errors
// are faults of the choice, or of the text and then have the file's name, line and column.
func CheckTrace(c Choice, file, text string) (*TraceReport, error) {
	s, target, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	s.Shape = target.Shape(s.Shape.Threads)
	t, err := protocol.ParseTrace(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	r := &TraceReport{Schema: "stress/trace/1", Subject: name(s, target), Verdict: NoAnswer}
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
		r.Line, r.Item, r.Allowed, r.Verdict = t.Line(m.Index), m.Item.String(), m.Allowed, Violated
	case res.Vacuous():
		r.Reason = "the trace has no events and no observations"
	case r.Consumed != r.Events+r.Observations:
		return nil, fmt.Errorf("%d of %d items were consumed", r.Consumed, r.Events+r.Observations)
	default:
		r.Conforms, r.Verdict = true, Holds
	}
	return r, nil
}
