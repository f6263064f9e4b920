package cpu

import (
	"math"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Class is what was wrong with an execution.
type Class string

// The classes of findings; the package document says what they mean.
const (
	ClassA         Class = "a"
	ClassRegisters Class = "registers"
	ClassMiss      Class = "miss"
	ClassStale     Class = "stale"
	ClassUAF       Class = "uaf"
	ClassTorn      Class = "torn"
	ClassCrash     Class = "crash"
	ClassEndless   Class = "endless"
	ClassBytes     Class = "bytes"
	// ClassConformance is found by whoever takes Config.Trace.
	ClassConformance Class = "conformance"
)

var propertyOf = map[Class]protocol.Property{
	ClassA: protocol.NeverA, ClassRegisters: protocol.Registers, ClassMiss: protocol.NoMiss,
	ClassStale: protocol.Fresh, ClassUAF: protocol.NoUseAfterFree, ClassTorn: protocol.NoTorn,
	ClassCrash: protocol.Registers, ClassEndless: protocol.Progress, ClassBytes: protocol.ExpectedBytes,
	ClassConformance: protocol.Conformance,
}

// Property returns the property that a finding of this class breaks.
func (c Class) Property() protocol.Property { return propertyOf[c] }

// Finding is what executions did that broke a property.
type Finding struct {
	Class  Class
	Thread int    // that was seen first; None for others
	Who    string // of others, "" for the mutator
	Text   string
	Count  int // executions of which the same was kept
}

// Result is what a run saw.
type Result struct {
	Executions uint64
	Installs   uint64
	Updates    uint64
	Removes    uint64
	Cycles     uint64 // removes of a program that an update had put there
	Pokes      uint64 // pokes that changed bytes
	Waits      uint64 // grace periods that operations waited for
	Boosts     uint64 // readers that were lent a priority
	Traps      uint64
	LateTraps  uint64
	Loads      uint64 // copies of the entry that came and went
	Overlaps   report.Overlaps

	Skips, Tails uint64 // legal executions without and with a tail call
	// Bad counts executions with a finding; Findings are the first of them, the most
	// telling first.
	Bad      uint64
	Findings []Finding

	Seconds float64
	// FirstSeconds is when the first finding was noticed; 0 if there is none.
	FirstSeconds float64
	// Boosted says that grace periods were boosted (see package rcu).
	Boosted bool
	// Trace counts the events that were recorded; nil if nobody took them.
	Trace *report.Trace
}

// Operations returns how many operations were carried out.
func (r *Result) Operations() uint64 { return r.Installs + r.Updates + r.Removes }

// Vacuous names what never happened, without which the run tested nothing; "" if all
// did.
func (r *Result) Vacuous() string {
	for _, c := range []struct {
		ops, overlaps uint64
		name          string
	}{
		{r.Installs, r.Overlaps.Install, "installs"},
		{r.Updates, r.Overlaps.Update, "updates"},
		{r.Removes, r.Overlaps.Remove, "removes"},
	} {
		switch {
		case c.ops == 0:
			return "no " + c.name + " were carried out"
		case c.overlaps == 0:
			return "no execution overlapped " + c.name + " alone"
		}
	}
	return ""
}

// Confidence is the level of RateMax.
const Confidence = 0.95

// RateMax bounds the number of violations per cycle of install, update and remove: were
// it higher, a run without one would have had a chance of less than 5 % (a Poisson
// process; 3.0 events expected, none seen). Cycles are the trials, since each opens each
// window at least once; the many updates of a burst do not count.
func (r *Result) RateMax() float64 {
	if r.Cycles == 0 {
		return 1
	}
	return min(1, -math.Log(1-Confidence)/float64(r.Cycles))
}
