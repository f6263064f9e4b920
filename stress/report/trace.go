package report

// TraceCheck is what the model says of a recorded trace; it is the object
// "stress/trace/1".
type TraceCheck struct {
	Schema       string   `json:"schema"`
	Subject      Subject  `json:"subject"`
	Events       int      `json:"events"`       // in the trace
	Observations int      `json:"observations"` // of memory, in the trace
	Consumed     int      `json:"consumed"`     // of both
	Conforms     bool     `json:"conforms"`
	Line         int      `json:"line,omitempty"`    // of the first item that does not fit
	Item         string   `json:"item,omitempty"`    // that item
	Allowed      []string `json:"allowed,omitempty"` // what the model allows in its place
	Reason       string   `json:"reason,omitempty"`  // why there is no answer
	Verdict      Overall  `json:"verdict"`
}
