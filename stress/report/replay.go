package report

import (
	"tailpoke/internal/source"
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
	Kernel   *KernelSteps      `json:"kernel,omitempty"`         // the same in a kernel that was steered
}

// Schema implements [Section].
func (*Replay) Schema() string { return "stress/replay/3" }

// Overall implements [Section]: what a witness shows is a violation. Where a kernel was asked, it is that
// one's, and only if it took all steps.
func (r *Replay) Overall() Overall {
	if r.Kernel != nil && r.Kernel.Outcome != Taken {
		return NoAnswer
	}
	return Violated
}

// Other is what the other engine says of the subject; nil where a kernel was asked in its place.
func (r *Replay) Other() *Verdict {
	if r.Engine == protocol.Model {
		return r.Machine
	}
	return r.Model
}

// Stepped is what carrying a witness out on real CPUs has shown.
type Stepped struct {
	Outcome StepOutcome `json:"outcome"`
	Taken   int         `json:"taken"`           // steps; the last one too if the violation was seen
	Steps   int         `json:"steps"`           // of the witness
	Text    string      `json:"text,omitempty"`  // why not all were taken
	Seen    string      `json:"seen,omitempty"`  // the violation
	Source  source.Line `json:"source,omitzero"` // of what broke the property
	Then    string      `json:"then,omitempty"`  // what became of the thread when it was let go
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
	// Refused: a kernel makes no such move where it stands.
	Refused StepOutcome = "refused"
	// NotStepped: the machine cannot execute images.
	NotStepped StepOutcome = "skipped"
)

// KernelSteps is what taking a witness in a kernel has shown, move by move.
type KernelSteps struct {
	Stepped
	Release string       `json:"release"`
	Caller  string       `json:"caller"` // the guest's
	Moves   []KernelMove `json:"moves"`  // that were taken
}

// A KernelMove is a step that a kernel has taken, and what there was then of the thread that took it. What
// shows in nothing from the outside has no more than its words.
type KernelMove struct {
	Step  int         `json:"step"`
	Actor string      `json:"actor"`
	Words string      `json:"words"`
	At    string      `json:"at,omitempty"` // where the thread goes on
	Regs  []KernelReg `json:"regs,omitempty"`
	Slots []string    `json:"slots,omitempty"` // bytes, and what they say
	Stack []string    `json:"stack,omitempty"` // from the stack pointer on
}

// A KernelReg is a register, in hexadecimal.
type KernelReg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
