package live

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"syscall"
	"time"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Result is what a run saw. An engine's own result has more.
type Result struct {
	Executions uint64
	Installs   uint64
	Updates    uint64
	Removes    uint64
	MinCycles  uint64 // with fewer Cycles, a run that finds nothing says nothing
	Cycles     uint64 // removes of a program that an update had put there
	Loads      uint64 // copies of the entry that came and went
	Overlaps   report.Overlaps

	Skips, Tails uint64 // legal executions without and with a tail call
	Unknown      uint64 // executions that returned what may come of either
	// Bad counts executions with a finding; Findings are the first of them, the most
	// telling first.
	Bad      uint64
	Findings []Finding
	Script   protocol.Script // the calls up to the first of them
	Broke    string          // what ended the run, if that was an error; the findings stand

	Durations map[string]report.Histogram
	Near      *report.Near // nil, if nobody looked

	Seconds float64
	// FirstSeconds is when the first finding was noticed; 0 if there is none.
	FirstSeconds float64
	// Trace counts the events that were recorded; nil if they were not taken.
	Trace *report.Trace
}

// Counts is what the driver counted; the run may go on.
func (d *Driver) Counts() Result {
	r := Result{
		Installs: d.operations[protocol.Install].Load(), Updates: d.operations[protocol.Update].Load(),
		Removes: d.operations[protocol.Remove].Load(), Cycles: d.cycles.Load(), Loads: d.loads.Load(),
		MinCycles: d.c.MinCycles, Seconds: time.Since(d.start).Seconds(), Durations: d.Took.Sum(),
	}
	if d.first.Load() != 0 {
		r.Script = d.calls.script()
	}
	return r
}

// Conclude merges the findings of a run that is over, and says when the first one came in.
func (d *Driver) Conclude(r *Result) {
	if r.Findings = merge(r.Findings); len(r.Findings) > 0 {
		d.NoteFinding()
		r.FirstSeconds, r.Script = time.Duration(d.first.Load()).Seconds(), d.calls.script()
	}
}

// Keep takes the error that ended a run into its result, if there are findings. Else the error is all that
// is known, and is returned.
func (r *Result) Keep(err error) error {
	if err == nil || len(r.Findings) == 0 {
		return err
	}
	r.Broke = "an error ended the run: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	return nil
}

// Progress sums it up.
func (r *Result) Progress() report.Progress {
	p := report.Progress{
		Seconds: r.Seconds, Executions: r.Executions, Cycles: r.Cycles, Bad: r.Bad,
		Operations: r.Installs + r.Updates + r.Removes,
	}
	for _, f := range r.Findings {
		if b := f.Class.Property(); !slices.Contains(p.Broken, b) {
			p.Broken = append(p.Broken, b)
		}
	}
	return p
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
	if r.Cycles < r.MinCycles {
		return fmt.Sprintf("%d of at least %d cycles: run longer, with real-time priorities, or on more CPUs",
			r.Cycles, r.MinCycles)
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
		Outcomes: report.Outcomes{Skip: r.Skips, Tail: r.Tails, Unknown: r.Unknown}, FirstSeconds: r.FirstSeconds, Trace: r.Trace,
		Durations: r.Durations, Near: r.Near,
	}
	v := report.Verdict{Verdict: protocol.NotObserved, CPUCounts: c, Properties: Properties()}
	if len(r.Findings) == 0 {
		c.RateMax, c.Confidence = r.RateMax(), Confidence
		if v.Reason = r.Vacuous(); v.Reason != "" {
			v.Verdict = protocol.Vacuous
		}
		return v
	}
	kept := r.countKept(&c.Outcomes)
	c.Outcomes.Unrecorded = r.Bad - min(r.Bad, kept)
	for _, f := range r.Findings {
		said := f.Report()
		said.Script = r.Script.String()
		said.AtLeast = c.Outcomes.Unrecorded > 0 && f.Class.rank() >= ClassA.rank() // the ones before are of operations
		v.Findings = append(v.Findings, said)
	}
	v.Verdict, v.Property, v.Reason = protocol.Violated, r.Findings[0].Class.Property(), r.Broke
	return v
}

// countKept counts the findings by their class, and returns how many they are. The first executions
// of each thread that go wrong are kept; of the others nobody knows the class.
func (r *Result) countKept(o *report.Outcomes) (all uint64) {
	for _, f := range r.Findings {
		n := uint64(f.Count)
		all += n
		switch f.Class {
		case ClassA:
			o.A += n
		case ClassTorn:
			o.Torn += n
		case ClassCrash:
			o.Crash += n
		default:
			o.Other += n
		}
	}
	return all
}

// Finding is something that broke a property.
type Finding struct {
	Class  Class
	Thread int    // that saw it first; None for others
	Who    string // of others, "" for the mutator
	Text   string
	Count  int // how often the same was kept
	Source source.Line
}

// Report puts it in the report's words. Which engine it is of, that does not know.
func (f Finding) Report() report.Finding {
	at := report.Place{Who: f.Who, Source: f.Source}
	if f.Thread != None {
		at.Thread = &f.Thread
	}
	return report.Finding{
		Property: f.Class.Property(), Class: string(f.Class), Place: at, Text: f.Text, Count: f.Count,
	}
}

// keepFindings is how many of them a result has.
const keepFindings = 16

// merge counts equal findings as one and puts those first that say most.
func merge(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		i := slices.IndexFunc(out, func(o Finding) bool { return o.Class == f.Class && o.Text == f.Text })
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Count += f.Count
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return a.Class.rank() - b.Class.rank() })
	return out[:min(len(out), keepFindings)]
}

// Lack is what the process had none of any more, if that is what an error says: files, memory or
// processes. It says nothing of what was to be judged. Or it is nil.
func Lack(err error) error {
	for _, lack := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN} {
		// cilium/ebpf keeps the text alone of what goes wrong when it copies a descriptor.
		if errors.Is(err, lack) || err != nil && strings.HasSuffix(err.Error(), lack.Error()) {
			return lack
		}
	}
	return nil
}
