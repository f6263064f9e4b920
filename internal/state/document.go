package state

import (
	"cmp"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// The levels that stand where a run names none.
const (
	defaultConfidence = 0.95
	defaultMinCycles  = 30
)

// Confidence is the level of bounds that the last run asked for.
func (s *Sum) Confidence() float64 {
	if len(s.Runs) == 0 {
		return defaultConfidence
	}
	return cmp.Or(s.Runs[len(s.Runs)-1].Confidence, defaultConfidence)
}

// Document is what all runs came to: a verdict for each engine, and what they did.
func (s *Sum) Document() *report.Document {
	sect := s.soak()
	d := report.New(sect)
	d.Subject, d.Seed, d.Again = s.Head.Subject, s.Head.Seed, s.Head.Again
	for _, e := range s.Head.Engines {
		if i := slices.IndexFunc(s.explored, func(v report.Verdict) bool { return v.Engine == e }); i >= 0 {
			d.Verdicts = append(d.Verdicts, s.explored[i])
		} else if v, ok := s.verdict(e); ok {
			d.Verdicts = append(d.Verdicts, v)
		}
	}
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Kind != report.OfProperty {
			d.Findings = append(d.Findings, *f)
		}
	}
	d.Conclude()
	return d
}

// soak is the section.
func (s *Sum) soak() *report.Soak {
	out := &report.Soak{State: s.Head.Schema}
	for _, r := range s.Runs {
		out.Runs = append(out.Runs, report.SoakRun{Began: r.Began, Tool: r.Tool, Machine: r.Machine, Guest: r.Guest})
		out.Until = r.Until
	}
	if len(s.Runs) > 0 {
		out.Began = s.Runs[0].Began
	}
	var last int64
	for i := range s.Rounds {
		run := &out.Runs[s.runOf[i]]
		run.Rounds++
		run.Seconds += s.Rounds[i].Last.Seconds
		last = max(last, s.Rounds[i].Last.At)
	}
	if last > 0 {
		out.Last = stampOf(last)
	}
	for _, e := range s.Head.Engines {
		if x := s.engines[e]; x != nil {
			out.Engines = append(out.Engines, s.soakEngine(e, x))
		}
	}
	return out
}

func (s *Sum) soakEngine(e protocol.Engine, x *engine) report.SoakEngine {
	out := report.SoakEngine{Engine: e, Ends: map[report.End]int{}, Series: slices.Clone(x.samples)}
	for i := range s.Rounds {
		if r := &s.Rounds[i]; r.Engine == e {
			out.Rounds++
			out.Seconds += r.Last.Seconds
			out.Trials += r.Last.Trials
			out.Ends[r.How]++
		}
	}
	for i := range out.Series {
		if p := &out.Series[i]; p.Bad == 0 {
			p.RateMax = report.RateMax(p.Trials, s.Confidence())
		}
	}
	return out
}

// verdict is what the rounds of an engine come to together; none, if there were none.
func (s *Sum) verdict(e protocol.Engine) (v report.Verdict, any bool) {
	sum, trials := &report.CPUCounts{}, uint64(0)
	var last *report.Verdict
	v = report.Verdict{Engine: e, Verdict: protocol.NotObserved}
	for i := range s.Rounds {
		r := &s.Rounds[i]
		if r.Engine != e {
			continue
		}
		any = true
		trials += r.Last.Trials
		v.Seconds += r.Last.Seconds
		if r.Last.Counts != nil {
			sum.Add(r.Last.Counts)
			if first := r.Last.Counts.FirstSeconds; first > 0 && sum.FirstSeconds == 0 {
				sum.FirstSeconds = v.Seconds - r.Last.Seconds + first
			}
		}
		if r.Verdict != nil && (last == nil || last.CPUCounts == nil || r.Verdict.CPUCounts != nil) { // the last that judged
			last = r.Verdict
		}
	}
	if last != nil {
		v.Reason, v.Properties = last.Reason, last.Properties
		if last.CPUCounts == nil && sum.Executions == 0 { // it was not asked, or could not be
			v.Verdict = last.Verdict
			return v, any
		}
	}
	v.CPUCounts = sum
	for _, f := range s.Findings {
		if f.Engine == e && f.Kind == report.OfProperty {
			v.Findings = append(v.Findings, f)
		}
	}
	least := uint64(defaultMinCycles)
	if n := len(s.Runs); n > 0 {
		least = cmp.Or(s.Runs[n-1].MinCycles, least)
	}
	switch {
	case len(v.Findings) > 0:
		v.Verdict, v.Property, v.Reason = protocol.Violated, v.Findings[0].Property, ""
		return v, any
	case trials == 0:
		v.Verdict = protocol.Vacuous
		v.Reason = cmp.Or(v.Reason, "no round overlapped every kind of operation")
	case trials < least:
		v.Verdict = protocol.Vacuous
		v.Reason = fmt.Sprintf("%d of at least %d cycles that bound the rate", trials, least)
	}
	sum.RateMax, sum.Confidence = report.RateMax(trials, s.Confidence()), s.Confidence()
	return v, any
}
