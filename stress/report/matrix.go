package report

import "encoding/json"

// Matrix is what verbs answered on several kernels.
type Matrix struct {
	Verbs   []MatrixVerb   `json:"verbs"`
	Kernels []MatrixKernel `json:"kernels"`
}

// MatrixVerb is a column: a verb and its arguments.
type MatrixVerb struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

// MatrixKernel is a row.
type MatrixKernel struct {
	Name  string       `json:"name"`
	Cells []MatrixCell `json:"cells"` // in the order of the verbs
}

// MatrixCell is what one verb answered on one kernel. One that was not run is empty.
type MatrixCell struct {
	Verdict Overall `json:"verdict,omitempty"`
	Summary string  `json:"summary,omitempty"` // in a line
	Guest   *Guest  `json:"guest,omitempty"`
	Code    int     `json:"code"` // the exit code of the verb, or what it would be
	Seconds float64 `json:"seconds,omitempty"`
	Again   string  `json:"again,omitempty"`
	// Document is the verb's own, as it printed it.
	Document json.RawMessage `json:"document,omitempty"`
}

// Empty says that the verb was not run.
func (c *MatrixCell) Empty() bool { return c.Verdict == "" && c.Summary == "" }

// Schema implements [Section].
func (*Matrix) Schema() string { return "stress/matrix/1" }

// Overall implements [Section]: a violation outweighs all, and a cell without an answer leaves the
// question open. A verb that judges nothing says nothing.
func (m *Matrix) Overall() Overall {
	all := Holds
	for _, k := range m.Kernels {
		for _, c := range k.Cells {
			switch {
			case c.Verdict == Disagree:
				return Disagree
			case c.Code == 1: // as exit codes of the command go
				all = Violated
			case (c.Code != 0 || c.Empty()) && all == Holds:
				all = NoAnswer
			}
		}
	}
	return all
}

// Change is a verb whose answer on one kernel is another than on the one before.
type Change struct {
	Verb     string
	From, To MatrixCell
}

// Changes are the verbs that two kernels answer otherwise: what the second broke, or mended.
func (m *Matrix) Changes(from, to int) (out []Change) {
	for i, v := range m.Verbs {
		a, b := m.Kernels[from].Cells[i], m.Kernels[to].Cells[i]
		if a.Verdict != b.Verdict || a.Code != b.Code {
			out = append(out, Change{v.Name, a, b})
		}
	}
	return out
}
