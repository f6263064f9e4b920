package stress

import (
	"errors"
	"fmt"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/internal/step"
	"tailpoke/stress/report"
)

// machineWitness is the file of a witness of the machine engine.
type machineWitness struct {
	witnessHead
	Explored machineExplored  `json:"explored"`
	Choices  []witness.Choice `json:"choices"`
}

// machineExplored is the part of a [sim.Config] that no subject says.
type machineExplored struct {
	Threads int     `json:"threads"`
	Script  *string `json:"script"` // null: any operations, up to MaxOps
	MaxOps  int     `json:"max_ops"`
	Held    []int   `json:"held"` // the program of each key; null: all are empty
	Forward bool    `json:"forward"`
}

// machineAnswer is the verdict of the machine engine. Its witness, if there is one, goes to
// o.Witness.
func machineAnswer(s protocol.Subject, t *Workload, o Options, r *sim.Result, c *sim.Config) (report.Verdict, error) {
	v := machineVerdict(r, c)
	if o.Witness == nil || r == nil || r.Witness == nil {
		return v, nil
	}
	return v, writeWitness(o.Witness, newMachineWitness(s, t, r.Witness, c))
}

func newMachineWitness(s protocol.Subject, t *Workload, found *witness.Witness, c *sim.Config) *machineWitness {
	w := &machineWitness{
		witnessHead: newWitnessHead(protocol.Machine, found.Property, s, t),
		Explored: machineExplored{
			Threads: c.Subject.Shape.Threads, MaxOps: c.MaxOps, Held: c.Held, Forward: c.Forward,
		},
		Choices: found.Choices(),
	}
	if c.Script != nil {
		text := c.Script.String()
		w.Explored.Script, w.Explored.MaxOps = &text, 0
	}
	return w
}

func (w *machineWitness) steps() int { return len(w.Choices) }

// again takes the steps on images that are compiled anew.
func (w *machineWitness) again(s protocol.Subject, t *Workload) (*takenAgain, error) {
	c, err := w.config(s, t)
	if err != nil {
		return nil, err
	}
	found, err := sim.Replay(c, w.Choices)
	switch {
	case errors.Is(err, sim.ErrHolds):
		return nil, fmt.Errorf("%w: %w", ErrNotReplayed, err)
	case err != nil:
		return nil, fmt.Errorf("replay: %w", err)
	}
	return &takenAgain{found, func() (*report.Stepped, error) { return step.Replay(c, found) }}, nil
}

// config makes what the machine engine explored. What an execution may return is computed anew.
func (w *machineWitness) config(s protocol.Subject, t *Workload) (sim.Config, error) {
	if v, own := ownWay(s.Protocol); own {
		return sim.Config{}, fmt.Errorf("subject.protocol: %s", v.Reason)
	}
	layout, err := jit.LayoutByName(s.Layout)
	if err != nil {
		return sim.Config{}, err
	}
	c, err := machineConfig(s, t, layout)
	if err != nil {
		return c, fmt.Errorf("source: %w", err)
	}
	c.Subject.Shape.Threads = w.Explored.Threads
	c.MaxOps, c.Held, c.Forward = w.Explored.MaxOps, w.Explored.Held, w.Explored.Forward
	if w.Explored.Script != nil {
		if c.Script, err = protocol.ParseScript(*w.Explored.Script); err != nil {
			return c, fmt.Errorf("explored.script:%w", err)
		}
	}
	return c, nil
}
