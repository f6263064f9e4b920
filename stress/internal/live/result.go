package live

import (
	"math"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Result is what a run saw. An engine's own result has more.
type Result struct {
	Executions uint64
	Installs   uint64
	Updates    uint64
	Removes    uint64
	Cycles     uint64 // removes of a program that an update had put there
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
	// Trace counts the events that were recorded; nil if they were not taken.
	Trace *report.Trace
}

// Counts is what the driver counted; the run may go on.
func (d *Driver) Counts() Result {
	return Result{
		Installs: d.operations[protocol.Install].Load(), Updates: d.operations[protocol.Update].Load(),
		Removes: d.operations[protocol.Remove].Load(), Cycles: d.cycles.Load(), Loads: d.loads.Load(),
		Seconds: time.Since(d.start).Seconds(),
	}
}

// Conclude merges the findings of a run that is over, and says when the first one came in.
func (d *Driver) Conclude(r *Result) {
	if r.Findings = merge(r.Findings); len(r.Findings) > 0 {
		d.NoteFinding()
		r.FirstSeconds = time.Duration(d.first.Load()).Seconds()
	}
}

// Progress sums it up.
func (r *Result) Progress() report.Progress {
	return report.Progress{
		Seconds: r.Seconds, Executions: r.Executions, Cycles: r.Cycles, Bad: r.Bad,
		Operations: r.Installs + r.Updates + r.Removes,
	}
}

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

// Verdict is what the run comes to. An engine adds what it alone counted.
func (r *Result) Verdict() report.Verdict {
	c := &report.CPUCounts{
		Executions: r.Executions, Installs: r.Installs, Updates: r.Updates, Removes: r.Removes,
		Cycles: r.Cycles, Loads: r.Loads, Overlaps: r.Overlaps.Sum(), OverlapsBy: r.Overlaps,
		Outcomes: report.Outcomes{Skip: r.Skips, Tail: r.Tails}, FirstSeconds: r.FirstSeconds, Trace: r.Trace,
	}
	v := report.Verdict{Verdict: protocol.NotObserved, CPUCounts: c, Properties: Properties()}
	if len(r.Findings) == 0 {
		c.RateMax, c.Confidence = r.RateMax(), Confidence
		if v.Reason = r.Vacuous(); v.Reason != "" {
			v.Verdict = protocol.Vacuous
		}
		return v
	}
	for _, f := range r.Findings {
		v.Findings = append(v.Findings, f.Report())
	}
	first := r.Findings[0]
	v.Verdict, v.Property = protocol.Violated, first.Class.Property()
	// The kept findings are a sample: all executions that went wrong count as the class
	// that says most.
	switch first.Class {
	case ClassA:
		c.Outcomes.A = r.Bad
	case ClassTorn:
		c.Outcomes.Torn = r.Bad
	case ClassCrash:
		c.Outcomes.Crash = r.Bad
	default:
		c.Outcomes.Other = r.Bad
	}
	return v
}
