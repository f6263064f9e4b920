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
func onCPU(r *report.Replay, found *takenAgain) (*report.Stepped, error) {
	if found.onCPU == nil {
		text := "a witness of the model has no instructions"
		if r.Other().Verdict == protocol.Violated {
			text += "; stress run --engine machine --witness gives one that has"
		}
		return &report.Stepped{Outcome: report.NotStepped, Steps: r.Steps, Text: text}, nil
	}
	stepped, err := found.onCPU()
	if err != nil {
		return nil, &CPUError{fmt.Errorf("on real CPUs: %w", err)}
	}
	return stepped, nil
}
