package report

// Diff is what changed between two documents.
type Diff struct {
	Was     string       `json:"was"` // the schemas
	Is      string       `json:"is"`
	Cases   int          `json:"cases"` // of either document
	Changes []CaseChange `json:"changes"`
}

// CaseChange is a case of a document that came to something else: an engine, a mutant, a cell, a
// finding.
type CaseChange struct {
	Case  string `json:"case"`
	Was   string `json:"was"` // what it came to; "" where there was none
	Is    string `json:"is"`
	Worse bool   `json:"worse"`
}

// Schema implements [Section].
func (*Diff) Schema() string { return "stress/diff/1" }

// Overall implements [Section]: what got worse is a violation of what was expected.
func (d *Diff) Overall() Overall {
	for _, c := range d.Changes {
		if c.Worse {
			return Violated
		}
	}
	return Holds
}
