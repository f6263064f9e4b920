package judge

import (
	"errors"
	"fmt"
	"strings"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// CheckTrace holds a trace against the model. Errors in its text have the file's name, line and
// column.
func CheckTrace(j *Job, file, text string) (*report.Document, error) {
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
	res, err := model.Conform(j.Subject, t)
	switch {
	case errors.Is(err, model.ErrUnsupported):
		r.Reason = err.Error()
		return j.Document(r), nil
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
		if says, ok := itemsSaid(text); ok && len(t.Items) < says {
			r.Reason = fmt.Sprintf("the trace was cut off: it says that it has %d items, and has %d", says, len(t.Items))
			break
		}
		r.Conforms = true
	}
	return j.Document(r), nil
}

// itemsForm is what a trace that is written has behind its [Job.Head], a comment: how many items
// follow, of how many that there were.
const itemsForm = "# %d of %d items\n"

// itemsSaid is how many items a trace says that it has.
func itemsSaid(text string) (n int, ok bool) {
	if ReadHead(text) != nil {
		_, text, _ = strings.Cut(text, "\n")
	}
	var all int
	_, err := fmt.Sscanf(text, itemsForm, &n, &all)
	return n, err == nil
}
