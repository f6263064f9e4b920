package report

import "tailpoke/patcher/protocol"

// Mutants is the zoo's table; it is the object "stress/mutants/1".
type Mutants struct {
	Schema  string   `json:"schema"`
	Seed    string   `json:"seed"`
	Mutants []Mutant `json:"mutants"`
	Agree   bool     `json:"agree"` // every mutant got the verdicts that it must get
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
	Broke    map[protocol.Engine]protocol.Property `json:"broke,omitempty"` // the property that was seen violated
	// Seconds is how long each engine took: to its verdict, and the cpu engine to its
	// first finding, the median where it ran more than once.
	Seconds map[protocol.Engine]float64 `json:"seconds"`
	// Detections are the cpu engine's times to its first finding, ascending, and Missed
	// the runs that had none.
	Detections []float64 `json:"detections,omitempty"`
	Missed     int       `json:"missed,omitempty"`
	Witness    []string  `json:"witness,omitempty"` // the model's
	Agree      bool      `json:"agree"`
}
