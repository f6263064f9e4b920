package report

import (
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// Mutants is the zoo's table.
type Mutants struct {
	Engines []protocol.Engine `json:"engines"` // that judge mutants
	Mutants []Mutant          `json:"mutants"`
	Agree   bool              `json:"agree"` // every mutant got the verdicts that it must get
}

// Schema implements [Section].
func (*Mutants) Schema() string { return "stress/mutants/2" }

// Overall implements [Section].
func (m *Mutants) Overall() Overall { return holdsIf(m.Agree) }

// holdsIf is what something comes to that is as expected or is not.
func holdsIf(agree bool) Overall {
	if agree {
		return Holds
	}
	return Violated
}

// Mutant is one mutant: what it must get beside what it got.
type Mutant struct {
	Name     string                                `json:"name"`
	Origin   string                                `json:"origin"`
	Why      string                                `json:"why"`
	Edits    []string                              `json:"edits"`
	Property protocol.Property                     `json:"property,omitempty"`
	Expect   map[protocol.Engine]protocol.Verdict  `json:"expect"`
	Found    map[protocol.Engine]protocol.Verdict  `json:"found"`
	Broke    map[protocol.Engine]protocol.Property `json:"broke,omitempty"` // the property, as seen
	// Seconds is how long each engine took: to its verdict, and the cpu engine to its
	// first finding, the median where it ran more than once.
	Seconds map[protocol.Engine]float64 `json:"seconds"`
	// Detections are the cpu engine's times to its first finding, ascending, and Missed
	// the runs that had none.
	Detections []float64        `json:"detections,omitempty"`
	Missed     int              `json:"missed,omitempty"`
	Witness    *witness.Witness `json:"witness,omitempty"` // the model's
	Agree      bool             `json:"agree"`
}
