package report

// Doctor is what a machine can do; it is the object "stress/doctor/1".
type Doctor struct {
	Schema string  `json:"schema"`
	Checks []Check `json:"checks"`
}

// Check is one thing that the harness needs or can use.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	For    string `json:"for"` // what is missing without it
}
