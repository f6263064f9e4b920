package report

import (
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// Replay is what replaying a witness shows.
type Replay struct {
	Engine   protocol.Engine   `json:"engine"` // that found the witness
	Property protocol.Property `json:"property"`
	Text     string            `json:"text"` // what is broken, in words
	Steps    int               `json:"steps"`
	Cycle    int               `json:"cycle,omitempty"` // how many of the last steps repeat for ever
	Witness  *witness.Witness  `json:"witness"`
	Model    *Verdict          `json:"model,omitempty"`          // if the witness is not its own
	Machine  *Verdict          `json:"machine_engine,omitempty"` // the same of the machine engine
	CPU      *Stepped          `json:"cpu"`                      // what became of the steps on real CPUs
}

// Schema implements [Section].
func (*Replay) Schema() string { return "stress/replay/3" }

// Overall implements [Section]: what a witness shows is a violation.
func (*Replay) Overall() Overall { return Violated }

// Other is what the other engine says of the subject.
func (r *Replay) Other() *Verdict {
	if r.Engine == protocol.Model {
		return r.Machine
	}
	return r.Model
}

// Stepped is what carrying a witness out on real CPUs has shown.
type Stepped struct {
	Outcome StepOutcome `json:"outcome"`
	Taken   int         `json:"taken"`          // steps; the last one too if the violation was seen
	Steps   int         `json:"steps"`          // of the witness
	Text    string      `json:"text,omitempty"` // why not all were taken
	Seen    string      `json:"seen,omitempty"` // the violation
	Then    string      `json:"then,omitempty"` // what became of the thread when it was let go
}

// StepOutcome is what became of a witness on real CPUs.
type StepOutcome string

// The outcomes.
const (
	// Taken: every step was taken as the witness says, and the violation was seen.
	Taken StepOutcome = "taken"
	// Differs: something was otherwise than the witness says.
	Differs StepOutcome = "differs"
	// NotForced: a step is one that a CPU cannot be made to take.
	NotForced StepOutcome = "not-forced"
	// NotStepped: the machine cannot execute images.
	NotStepped StepOutcome = "skipped"
)
