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

// Trials are the cycles that bound how often a violation can happen: none, if executions did not
// overlap every kind of operation, were not looked at, or ran where no window can be hit.
func (v *Verdict) Trials() uint64 {
	c := v.CPUCounts
	if c == nil || c.OverlapsBy.Install == 0 || c.OverlapsBy.Update == 0 || c.OverlapsBy.Remove == 0 {
		return 0
	}
	if k := v.Kernel; k != nil && (k.Checked == 0 || k.Windows != nil && k.Windows.Across == 0) {
		return 0
	}
	return c.Cycles
}

// Bad counts executions with a finding.
func (v *Verdict) Bad() uint64 {
	if v.CPUCounts == nil {
		return 0
	}
	o := v.Outcomes
	return o.A + o.Torn + o.Crash + o.Other + o.Unrecorded
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
	// Durations are how long operations took, by their kind, and of our own patcher "grace period".
	Durations map[string]Histogram `json:"durations,omitempty"`
	Near      *Near                `json:"near,omitempty"`
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
	// Unrecorded are executions that went wrong, and of which no record was kept that says how: those
	// after the first few of each thread.
	Unrecorded uint64 `json:"unrecorded,omitempty"`
	// Unknown are executions of which it is not known whether they took a tail call: they returned
	// what is not known beforehand.
	Unknown uint64 `json:"unknown,omitempty"`
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

// Add adds what another run counted. Of the traces the sums stand, and the first that does not conform.
func (c *CPUCounts) Add(o *CPUCounts) {
	c.Executions += o.Executions
	c.Installs += o.Installs
	c.Updates += o.Updates
	c.Removes += o.Removes
	c.Cycles += o.Cycles
	c.Loads += o.Loads
	c.Overlaps += o.Overlaps
	c.OverlapsBy.add(o.OverlapsBy)
	c.Outcomes.add(o.Outcomes)
	if p := o.PatcherCounts; p != nil {
		if c.PatcherCounts == nil {
			c.PatcherCounts = &PatcherCounts{Boosted: true}
		}
		c.PatcherCounts.add(p)
	}
	for name, h := range o.Durations {
		if c.Durations == nil {
			c.Durations = map[string]Histogram{}
		}
		sum := c.Durations[name]
		sum.Add(h)
		c.Durations[name] = sum
	}
	if o.Near != nil {
		if c.Near == nil {
			c.Near = &Near{}
		}
		c.Near.Pokes += o.Near.Pokes
		c.Near.InWindow += o.Near.InWindow
		c.Near.Threads += o.Near.Threads
	}
	if o.Trace != nil {
		if c.Trace == nil {
			c.Trace = &Trace{Conforms: true}
		}
		c.Trace.add(o.Trace)
	}
}

func (o *Overlaps) add(p Overlaps) {
	o.Install += p.Install
	o.Update += p.Update
	o.Remove += p.Remove
	o.Several += p.Several
}

func (o *Outcomes) add(p Outcomes) {
	o.Skip += p.Skip
	o.Tail += p.Tail
	o.A += p.A
	o.Torn += p.Torn
	o.Crash += p.Crash
	o.Other += p.Other
	o.Unrecorded += p.Unrecorded
	o.Unknown += p.Unknown
}

func (c *PatcherCounts) add(o *PatcherCounts) {
	c.Pokes += o.Pokes
	c.Traps += o.Traps
	c.LateTraps += o.LateTraps
	c.Waits += o.Waits
	c.Boosts += o.Boosts
	c.Boosted = c.Boosted && o.Boosted
}

func (t *Trace) add(o *Trace) {
	t.Events += o.Events
	t.Omitted += o.Omitted
	t.Consumed += o.Consumed
	if t.Conforms && !o.Conforms {
		t.Conforms, t.Reason = false, o.Reason
	}
}
