package report

// TraceCheck is what the model says of a recorded trace.
type TraceCheck struct {
	Events       int      `json:"events"`       // in the trace
	Observations int      `json:"observations"` // of memory, in the trace
	Consumed     int      `json:"consumed"`     // of both
	Conforms     bool     `json:"conforms"`
	Line         int      `json:"line,omitempty"`    // of the first item that does not fit
	Item         string   `json:"item,omitempty"`    // that item
	Allowed      []string `json:"allowed,omitempty"` // what the model allows in its place
	Reason       string   `json:"reason,omitempty"`  // why there is no answer
}

// Schema implements [Section].
func (*TraceCheck) Schema() string { return "stress/trace/1" }

// Overall implements [Section].
func (t *TraceCheck) Overall() Overall {
	switch {
	case t.Conforms:
		return Holds
	case t.Line > 0:
		return Violated
	}
	return NoAnswer
}
