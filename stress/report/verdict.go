package report

import (
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// Verdict is what one engine says.
type Verdict struct {
	Engine   protocol.Engine   `json:"engine"`
	Verdict  protocol.Verdict  `json:"verdict"`
	Reason   string            `json:"reason,omitempty"`   // why there is no answer, or what limits it
	Property protocol.Property `json:"property,omitempty"` // what is violated
	Witness  *witness.Witness  `json:"witness,omitempty"`  // of engines that go through every order
	Findings []Finding         `json:"-"`                  // in JSON they are among the document's
	// Properties are what was judged; none, if there is no answer.
	Properties []protocol.Property `json:"properties,omitempty"`
	*ModelCounts
	*CPUCounts
	Kernel  *KernelCounts  `json:"kernel,omitempty"` // beside CPUCounts, of the kernel engine
	Steered *SteeredCounts `json:"steered,omitempty"`
	Seconds float64        `json:"seconds"`
}

// ModelCounts is what the model engine counted, or the machine engine.
type ModelCounts struct {
	States      uint64     `json:"states"`
	Transitions uint64     `json:"transitions"`
	Depth       int        `json:"depth"` // of the witness, else of the state space
	Explored    ModelShape `json:"explored"`
	// Narrow says that Explored is not all: a script was followed, or something was left out.
	Narrow bool `json:"narrow,omitempty"`
}

// ModelShape is what was explored. A proof holds for any number of threads.
type ModelShape struct {
	Threads  int `json:"threads"`
	Sites    int `json:"sites"`
	Programs int `json:"programs"`
	Keys     int `json:"keys"`
	// Operations is how many there were at most; 0 is any number.
	Operations int `json:"operations,omitempty"`
}

// CPUCounts is what the cpu engine counted, or the kernel engine.
type CPUCounts struct {
	Executions uint64 `json:"executions"`
	Installs   uint64 `json:"installs"`
	Updates    uint64 `json:"updates"`
	Removes    uint64 `json:"removes"`
	Cycles     uint64 `json:"cycles"`
	*PatcherCounts
	Loads      uint64   `json:"loads"`
	Overlaps   uint64   `json:"overlaps"`
	OverlapsBy Overlaps `json:"overlaps_by"`
	Outcomes   Outcomes `json:"outcomes"`
	// Trace says whether what the patcher did is a behaviour of the model.
	Trace *Trace `json:"trace,omitempty"`
	// FirstSeconds is when the first finding was noticed.
	FirstSeconds float64 `json:"first_seconds,omitempty"`
	// RateMax bounds the violations per cycle, with Confidence, if none was seen.
	RateMax    float64 `json:"rate_max,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
}

// PatcherCounts is what our own patcher counted.
type PatcherCounts struct {
	Pokes     uint64 `json:"pokes"`
	Traps     uint64 `json:"traps"`
	LateTraps uint64 `json:"late_traps"`
	Waits     uint64 `json:"waits"`
	Boosts    uint64 `json:"boosts"`
	Boosted   bool   `json:"boosted"` // false: without real-time priorities, which is slow
}

// Outcomes counts executions by what became of them. Classes of findings other than
// these three stand under the finding's own.
type Outcomes struct {
	Skip  uint64 `json:"skip"`
	Tail  uint64 `json:"tail"`
	A     uint64 `json:"a"`
	Torn  uint64 `json:"torn"`
	Crash uint64 `json:"crash"`
	Other uint64 `json:"other"`
}

// Overlaps counts executions that ran while operations did.
type Overlaps struct {
	Install uint64 `json:"install"`
	Update  uint64 `json:"update"`
	Remove  uint64 `json:"remove"`
	Several uint64 `json:"several"` // more than one operation
}

// Sum returns how many executions overlapped operations.
func (o Overlaps) Sum() uint64 { return o.Install + o.Update + o.Remove + o.Several }

// Trace is what became of the events of a run.
type Trace struct {
	Events   uint64 `json:"events"`   // that were made
	Omitted  uint64 `json:"omitted"`  // of these in operations that were not recorded
	Consumed uint64 `json:"consumed"` // of the others, that the model explains
	Conforms bool   `json:"conforms"` // there are some, and all were consumed that were recorded
	Reason   string `json:"reason,omitempty"`
	Text     string `json:"text,omitempty"` // its beginning, on its way to a file of its own
}
