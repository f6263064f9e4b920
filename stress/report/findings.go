package report

// Findings are what soaks have found.
type Findings struct {
	Found    []Finding `json:"found"` // of two soaks: by both, as the second one has it
	Compared bool      `json:"compared,omitempty"`
	New      []Finding `json:"new,omitempty"`  // by the second one alone
	Gone     []Finding `json:"gone,omitempty"` // by the first one alone
}

// Schema implements [Section].
func (*Findings) Schema() string { return "stress/findings/1" }

// Overall implements [Section]: a list judges nothing, and what a second soak alone has found does.
func (f *Findings) Overall() Overall {
	switch {
	case !f.Compared:
		return ""
	case len(f.New) > 0:
		return Violated
	}
	return Holds
}

// Bundled is the finding of a bundle: what was seen, by which program and where.
type Bundled struct {
	Finding Finding `json:"finding"`
	Seed    string  `json:"seed,omitempty"`
	Tool    Tool    `json:"tool"`
	Machine Machine `json:"machine"`
	Guest   *Guest  `json:"guest,omitempty"`
}
