package stress

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/machine"
	"tailpoke/stress/step"
)

// ErrNotReplayed says that the steps of a witness can be taken again, and do not end in the
// violation that the file says.
var ErrNotReplayed = errors.New("the witness does not end in what was recorded")

// WitnessReport is what replaying a witness shows; it is the object "stress/replay/1".
type WitnessReport struct {
	Schema   string            `json:"schema"`
	Subject  SubjectName       `json:"subject"`
	Property protocol.Property `json:"property"`
	Text     string            `json:"text"` // what is broken, in words
	Steps    int               `json:"steps"`
	Witness  []string          `json:"witness"` // as in a [Verdict]
	Model    Verdict           `json:"model"`   // what the model says of the same subject
	CPU      *step.Result      `json:"cpu"`     // what became of the steps on real CPUs

	witness *machine.Witness
}

// Replay takes the steps of the witness again, on images that are compiled anew, asks the model about
// the same subject, and takes the steps on real CPUs. An error is a fault of the file, if it is not
// [ErrNotReplayed] or a [*CPUError]; if ctx ends, the model's verdict is bounded.
func (w *WitnessFile) Replay(ctx context.Context) (*WitnessReport, error) {
	s, t, err := w.resolve()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.name, err)
	}
	c, found, err := w.again(s, t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.name, err)
	}
	r := &WitnessReport{
		Schema: "stress/replay/1", Subject: name(s, t), Property: found.Property, Text: found.Text, Steps: len(found.Steps),
		Witness: strings.Split(strings.TrimRight(found.String(), "\n"), "\n"), witness: found,
	}
	judged, err := Run(ctx, s, t, Options{Engines: []protocol.Engine{protocol.Model}})
	if err != nil {
		return nil, fmt.Errorf("%s: the model: %w", w.name, err)
	}
	r.Model = *judged.Of(protocol.Model)
	if r.CPU, err = step.Replay(c, found); err != nil {
		return nil, &CPUError{fmt.Errorf("%s: on real CPUs: %w", w.name, err)}
	}
	return r, nil
}

// again takes the steps on the machine.
func (w *WitnessFile) again(s protocol.Subject, t *Target) (machine.Config, *machine.Witness, error) {
	c, err := w.config(s, t)
	if err != nil {
		return c, nil, err
	}
	found, err := machine.Replay(c, w.Choices)
	switch {
	case err != nil && strings.HasSuffix(err.Error(), " break no property"): // all steps were taken
		err = fmt.Errorf("%w: %w", ErrNotReplayed, err)
	case err != nil:
		err = fmt.Errorf("replay: %w", err)
	case found.Property != w.Property:
		err = fmt.Errorf("%w: %d steps break %s (%s), not %s", ErrNotReplayed, len(found.Steps), found.Property, found.Text, w.Property)
	}
	return c, found, err
}
