package stress

import (
	"errors"
	"fmt"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// modelWitness is the file of a witness of the model.
type modelWitness struct {
	witnessHead
	Explored modelExplored    `json:"explored"`
	Choices  []witness.Choice `json:"choices"`
}

// modelExplored is what the model went through: it may be asked about more than the target has.
type modelExplored struct {
	Shape witnessShape `json:"shape"`
}

// witnessShape is a [protocol.Shape] as files name its fields. A field that is missing here does
// not compile: the two are converted into each other.
type witnessShape struct {
	Threads  int  `json:"threads"` // that were explored
	Sites    int  `json:"sites"`
	Programs int  `json:"programs"`
	Keys     int  `json:"keys"`
	Indirect bool `json:"indirect,omitempty"`
	Same     bool `json:"same,omitempty"`
	Copies   int  `json:"copies,omitempty"`
	Mutators int  `json:"mutators,omitempty"`
	Nested   bool `json:"nested,omitempty"`
	Deep     bool `json:"deep,omitempty"`
	Maps     int  `json:"maps,omitempty"`
}

// keepModelWitness gives the witness of a result to o.Witness. The subject has the shape that was
// explored, and as many threads as were asked for.
func keepModelWitness(s protocol.Subject, t *Workload, o Options, r *model.Result) error {
	if o.Witness == nil {
		return nil
	}
	w := &modelWitness{
		witnessHead: newWitnessHead(protocol.Model, r.Property, s, t),
		Explored:    modelExplored{witnessShape(s.Shape)}, Choices: r.Witness.Choices(),
	}
	w.Explored.Shape.Threads = r.Threads
	return writeWitness(o.Witness, w)
}

func (w *modelWitness) steps() int { return len(w.Choices) }

// again takes the steps in the model, with the options that it was asked with.
func (w *modelWitness) again(s protocol.Subject, _ *Workload) (*takenAgain, error) {
	s.Shape = protocol.Shape(w.Explored.Shape)
	if s.Shape.Threads < 1 { // for the model 0 means that it may choose
		return nil, fmt.Errorf("explored.shape.threads: %d: want 1 or more", s.Shape.Threads)
	}
	found, err := model.Replay(s, model.Options{Threads: s.Shape.Threads, Progress: true}, w.Choices)
	switch {
	case errors.Is(err, model.ErrUnsupported):
		return nil, fmt.Errorf("explored.shape: %w", err)
	case errors.Is(err, model.ErrHolds):
		return nil, fmt.Errorf("%w: %w", ErrNotReplayed, err)
	case err != nil:
		return nil, fmt.Errorf("replay: %w", err)
	}
	return &takenAgain{witness: found}, nil
}
