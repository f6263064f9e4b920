package stress

import (
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
)

// Overall is what all engines together say.
type Overall string

// The overall verdicts.
const (
	Holds    Overall = "holds"    // as far as the engines can say
	Violated Overall = "violated" // some engine saw a violation
	NoAnswer Overall = "none"     // no engine gave an answer, or one's answer is missing
)

// Report is the verdict on a subject; it is the object "stress/verdict/1".
type Report struct {
	Schema   string      `json:"schema"`
	Subject  SubjectName `json:"subject"`
	Seed     string      `json:"seed"`
	Verdicts []Verdict   `json:"verdicts"`
	Verdict  Overall     `json:"verdict"`
}

// SubjectName is a subject as reports name it.
type SubjectName struct {
	Protocol string `json:"protocol"`
	Method   string `json:"method"`
	Grace    string `json:"grace"`
	Layout   string `json:"layout"`
	Threads  int    `json:"threads"`
	Sites    int    `json:"sites"`
	Programs int    `json:"programs"`
	Keys     int    `json:"keys"`
	Object   string `json:"object,omitempty"`
	Entry    string `json:"entry,omitempty"`
}

// Verdict is what one engine says.
type Verdict struct {
	Engine   protocol.Engine   `json:"engine"`
	Verdict  protocol.Verdict  `json:"verdict"`
	Reason   string            `json:"reason,omitempty"`   // why there is no answer, or what limits it
	Property protocol.Property `json:"property,omitempty"` // what is violated
	Witness  []string          `json:"witness,omitempty"`  // of a violation, a line a step
	*ModelCounts
	*CPUCounts
	Kernel  *KernelCounts `json:"kernel,omitempty"` // beside CPUCounts, of the kernel engine
	Seconds float64       `json:"seconds"`
}

// ModelCounts is what the model engine counted, or the machine engine.
type ModelCounts struct {
	Properties  []protocol.Property `json:"properties"` // that were judged
	States      uint64              `json:"states"`
	Transitions uint64              `json:"transitions"`
	Depth       int                 `json:"depth"` // of the witness, else of the state space
	Explored    ModelShape          `json:"explored"`
}

// ModelShape is what was explored. A proof holds for any number of threads.
type ModelShape struct {
	Threads  int `json:"threads"`
	Sites    int `json:"sites"`
	Programs int `json:"programs"`
	Keys     int `json:"keys"`
}

// CPUCounts is what the cpu engine counted, or the kernel engine.
type CPUCounts struct {
	Executions uint64 `json:"executions"`
	Installs   uint64 `json:"installs"`
	Updates    uint64 `json:"updates"`
	Removes    uint64 `json:"removes"`
	Cycles     uint64 `json:"cycles"`
	*PatcherCounts
	Loads      uint64       `json:"loads"`
	Overlaps   uint64       `json:"overlaps"`
	OverlapsBy cpu.Overlaps `json:"overlaps_by"`
	Outcomes   Outcomes     `json:"outcomes"`
	// Trace says whether what the patcher did is a behaviour of the model.
	Trace *cpu.Trace `json:"trace,omitempty"`
	// FirstSeconds is when the first finding was noticed.
	FirstSeconds float64       `json:"first_seconds,omitempty"`
	Findings     []cpu.Finding `json:"findings,omitempty"`
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
	Boosted   bool   `json:"boosted"` // false: without the right to real-time priorities, which is slow
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

// overall sums verdicts up: a violation outweighs all, and an engine that tested
// nothing leaves the question open.
func overall(vs []Verdict) Overall {
	answered, open := false, false
	for _, v := range vs {
		switch v.Verdict {
		case protocol.Violated:
			return Violated
		case protocol.Proved, protocol.Safe, protocol.NotObserved:
			answered = true
		case protocol.Vacuous, protocol.Bounded:
			open = true
		}
	}
	if answered && !open {
		return Holds
	}
	return NoAnswer
}

// Of returns the verdict of an engine, or nil.
func (r *Report) Of(e protocol.Engine) *Verdict {
	for i := range r.Verdicts {
		if r.Verdicts[i].Engine == e {
			return &r.Verdicts[i]
		}
	}
	return nil
}
