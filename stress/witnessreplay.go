package stress

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// ErrNotReplayed says that the steps of a witness can be taken again, and do not end in the
// violation that the file says.
var ErrNotReplayed = errors.New("the witness does not end in what was recorded")

// takenAgain is a witness whose steps were taken again.
type takenAgain struct {
	witness *witness.Witness
	onCPU   func() (*report.Stepped, error) // takes them on real CPUs; nil: they are no instructions
}

// Replay takes the steps of the witness again, of the machine engine on images that are compiled
// anew; asks the other of that engine and the model about the same subject; and takes the steps of
// the machine engine on real CPUs. An error is a fault of the file, if it is not [ErrNotReplayed]
// or a [*CPUError]; if ctx ends, the other engine's verdict is bounded.
func (w *WitnessFile) Replay(ctx context.Context) (*report.Document, error) {
	r, err := w.replay(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.name, err)
	}
	return r, nil
}

func (w *WitnessFile) replay(ctx context.Context) (*report.Document, error) {
	head := w.of.common()
	s, t, err := head.resolve()
	if err != nil {
		return nil, err
	}
	found, err := w.of.again(s, t)
	if err != nil {
		return nil, err
	}
	shown := found.witness
	if shown.Property != head.Property {
		return nil, fmt.Errorf("%w: %d steps break %s (%s), not %s",
			ErrNotReplayed, w.of.steps(), shown.Property, shown.Text, head.Property)
	}
	r := &report.Replay{
		Engine: head.Engine, Property: shown.Property, Text: shown.Text, Steps: w.of.steps(), Cycle: shown.Cycle,
		Witness: shown,
	}
	if head.Engine == protocol.Model {
		r.Machine, err = askAlso(ctx, protocol.Machine, s, t)
	} else {
		r.Model, err = askAlso(ctx, protocol.Model, s, t)
	}
	if err != nil {
		return nil, err
	}
	if r.CPU, err = onCPU(r, found); err != nil {
		return nil, err
	}
	return onSubject(r, s, t), nil
}

// askAlso asks an engine about the subject of another one's witness, which it may not be able to judge.
func askAlso(ctx context.Context, e protocol.Engine, s protocol.Subject, t *Workload) (*report.Verdict, error) {
	o := Options{Engines: []protocol.Engine{e}}
	if e != protocol.Model && slices.Contains(protocol.ModelGraces(), s.Grace) {
		reason := fmt.Sprintf("grace %s is one that the model alone carries out", s.Grace.Name)
		return &report.Verdict{Engine: e, Verdict: protocol.Unsupported, Reason: reason}, nil
	}
	if err := Validate(s, t, o); err != nil {
		return &report.Verdict{Engine: e, Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	}
	judged, err := Run(ctx, s, t, o)
	if err != nil {
		return nil, fmt.Errorf("the %s engine: %w", e, err)
	}
	return judged.Of(e), nil
}
