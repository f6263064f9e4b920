package stress

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// CPUError says that this machine failed to carry a witness out: it ran out of memory or of time.
type CPUError struct{ Err error }

// Error says why.
func (e *CPUError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *CPUError) Unwrap() error { return e.Err }

// onCPU takes the steps of a witness on real CPUs, if they are instructions.
func (r *WitnessReport) onCPU(found *takenAgain) error {
	if found.onCPU == nil {
		text := "a witness of the model has no instructions"
		if r.Other().Verdict == protocol.Violated {
			text += "; stress run --engine machine --witness gives one that has"
		}
		r.CPU = &report.Stepped{Outcome: report.NotStepped, Steps: r.Steps, Text: text}
		return nil
	}
	var err error
	if r.CPU, err = found.onCPU(); err != nil {
		return &CPUError{fmt.Errorf("on real CPUs: %w", err)}
	}
	return nil
}

// Disagrees is an error if the real CPUs, or the patcher, did otherwise than the witness says. Then
// one of the machine engine and the patcher is wrong.
func (r *WitnessReport) Disagrees() error {
	if r.CPU == nil || r.CPU.Outcome != report.Differs {
		return nil
	}
	return fmt.Errorf("the real CPUs and the machine engine disagree: %s", r.CPU.Text)
}

// CPURow says for people what became of the steps on real CPUs, the outcome first.
func (r *WitnessReport) CPURow() (outcome string, lines []string) {
	c := r.CPU
	switch c.Outcome {
	case report.Taken:
		lines = append(lines, fmt.Sprintf("%d of %d steps as the witness says", c.Taken, c.Steps), c.Seen)
		if c.Then != "" {
			lines = append(lines, "let go, "+c.Then)
		}
	case report.NotStepped:
		lines = append(lines, c.Text)
	default:
		lines = append(lines, c.Text, fmt.Sprintf("%d of %d steps as the witness says", c.Taken, c.Steps))
	}
	return string(c.Outcome), lines
}
