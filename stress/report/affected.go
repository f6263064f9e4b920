package report

// Affected says which of the known faults the running kernel has, each by an experiment.
type Affected struct {
	Faults []AffectedFault `json:"faults"`
}

// AffectedFault is one fault, and what the kernel did in its experiment.
type AffectedFault struct {
	Name   string `json:"name"`
	Answer Answer `json:"answer"`
	Seen   string `json:"seen"` // what the kernel did, or why it was not asked
	Says   string `json:"says"` // what goes wrong with the fault
	// Origin is the commit that mended it, or of one that is not mended that brought it, and Versions are those that had it as they were released.
	// Neither decides anything.
	Origin   string `json:"origin"`
	Versions string `json:"versions"`
	// Race: it shows by luck. Shown is a kernel on which the same experiment shows it. What was not
	// seen in Trials happens in fewer than RateMax of them, with Confidence.
	Race       bool    `json:"race,omitempty"`
	Shown      string  `json:"shown,omitempty"`
	Trials     uint64  `json:"trials,omitempty"`
	RateMax    float64 `json:"rate_max,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	// Endangers: a kernel that has the fault may end in the experiment.
	Endangers bool    `json:"endangers,omitempty"`
	Again     string  `json:"again,omitempty"` // the command line that asks for it alone
	Seconds   float64 `json:"seconds"`
}

// Answer is what an experiment says of a fault, in a word.
type Answer string

// The answers.
const (
	HasFault      Answer = "affected"
	HasNot        Answer = "not affected"
	NotSeen       Answer = "not-observed"   // a race, see AffectedFault.Trials
	NotApplicable Answer = "not applicable" // the kernel cannot do what the fault needs
	CannotTell    Answer = "cannot tell"    // see AffectedFault.Seen
)

// Asked reports whether an experiment gave an answer.
func (f *AffectedFault) Asked() bool {
	return f.Answer == HasFault || f.Answer == HasNot || f.Answer == NotSeen
}

// Schema implements [Section].
func (*Affected) Schema() string { return "stress/affected/1" }

// Overall implements [Section]: one fault outweighs all, and where nothing was asked nothing is
// said.
func (a *Affected) Overall() Overall {
	out := NoAnswer
	for i := range a.Faults {
		switch f := &a.Faults[i]; {
		case f.Answer == HasFault:
			return Violated
		case f.Asked():
			out = Holds
		}
	}
	return out
}
