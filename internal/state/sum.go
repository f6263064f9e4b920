package state

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// A Sum is what the records of a journal come to.
type Sum struct {
	Head     *Head
	Runs     []Run
	Rounds   []RoundSum
	Findings []report.Finding // merged by their keys, in the order in which they were first seen

	explored []report.Verdict
	runOf    []int         // by round: the number of its run
	counted  map[place]int // how often a finding was seen in a round
	engines  map[protocol.Engine]*engine
}

// place is a finding in a round.
type place struct {
	round int
	key   string
}

// RoundSum is a round as far as it came.
type RoundSum struct {
	Round
	Last    Tick
	How     report.End      // Killed, until its end is known
	Verdict *report.Verdict // nil until then
}

// engine is an engine's sums over the rounds that are over, and its samples.
type engine struct {
	seconds                         float64
	executions, cycles, trials, bad uint64
	samples                         []report.Sample
}

// line takes a line of a journal. The first one must be a head.
func (s *Sum) line(line []byte) error {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	if s.Head == nil {
		if r.Head == nil {
			return fmt.Errorf("the first line is no head of a journal")
		}
		if err := known(r.Head.Schema); err != nil {
			return err
		}
	}
	if s.Head != nil && r.Head != nil {
		return fmt.Errorf("a second head: this is the journal of two soaks")
	}
	s.Add(r)
	return nil
}

// known refuses schemas that are none, or newer than this one.
func known(schema string) error {
	if schema == Schema {
		return nil
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(Schema, "stress/"), "/")
	if strings.HasPrefix(schema, "stress/"+kind+"/") {
		return fmt.Errorf("schema %q: this command knows %q: a newer one made this", schema, Schema)
	}
	return fmt.Errorf("schema %q: want %q", schema, Schema)
}

// Add adds a record.
func (s *Sum) Add(r Record) {
	switch {
	case r.Head != nil:
		s.Head = r.Head
	case r.Run != nil:
		s.Runs = append(s.Runs, *r.Run)
	case r.Verdict != nil:
		s.explored = slices.DeleteFunc(s.explored, func(v report.Verdict) bool { return v.Engine == r.Verdict.Engine })
		s.explored = append(s.explored, *r.Verdict)
	case r.Round != nil:
		s.fold()
		s.Rounds = append(s.Rounds, RoundSum{Round: *r.Round, How: report.Killed})
		s.runOf = append(s.runOf, len(s.Runs)-1)
	case r.Tick != nil:
		s.tick(*r.Tick)
	case r.Finished != nil:
		if last := s.tick(r.Finished.Tick); last != nil {
			last.How, last.Verdict = r.Finished.How, r.Finished.Verdict
		}
	case r.Finding != nil:
		s.find(*r.Finding)
	}
}

// fold closes the last round: its counts become part of what samples of later rounds begin with.
func (s *Sum) fold() {
	if len(s.Rounds) == 0 {
		return
	}
	r := &s.Rounds[len(s.Rounds)-1]
	sum := s.of(r.Engine)
	sum.seconds += r.Last.Seconds
	sum.trials += r.Last.Trials
	sum.bad += r.Last.Bad
	if c := r.Last.Counts; c != nil {
		sum.executions += c.Executions
		sum.cycles += c.Cycles
	}
}

func (s *Sum) of(e protocol.Engine) *engine {
	if s.engines == nil {
		s.engines = map[protocol.Engine]*engine{}
	}
	if s.engines[e] == nil {
		s.engines[e] = &engine{}
	}
	return s.engines[e]
}

// tick takes a tick of the last round, which it returns. One of another round says nothing.
func (s *Sum) tick(t Tick) *RoundSum {
	if len(s.Rounds) == 0 || s.Rounds[len(s.Rounds)-1].Round.Round != t.Round || t.Counts == nil {
		return nil
	}
	last := &s.Rounds[len(s.Rounds)-1]
	last.Last = t
	sum := s.of(last.Engine)
	sum.samples = thinned(append(sum.samples, report.Sample{
		At: t.At, Seconds: sum.seconds + t.Seconds, Round: t.Round,
		Executions: sum.executions + t.Counts.Executions, Cycles: sum.cycles + t.Counts.Cycles,
		Trials: sum.trials + t.Trials, Bad: sum.bad + t.Bad, Child: t.Child, Parent: t.Parent,
	}))
	return last
}

// maxSamples bounds the series of an engine.
const maxSamples = 2048

// thinned drops every other sample of a series that is full, but for the last one.
func thinned(all []report.Sample) []report.Sample {
	if len(all) < maxSamples {
		return all
	}
	out := all[:0]
	for i, s := range all {
		if i%2 == 1 || i == len(all)-1 {
			out = append(out, s)
		}
	}
	return out
}

// find counts a finding: over rounds counts add up, and in a round the last one stands.
func (s *Sum) find(f Seen) {
	if s.counted == nil {
		s.counted = map[place]int{}
	}
	at, now := place{f.Round, f.Finding.Key}, f.Finding.Count
	grown := max(now-s.counted[at], 0)
	s.counted[at] += grown
	i := slices.IndexFunc(s.Findings, func(o report.Finding) bool { return o.Key == f.Finding.Key })
	if i < 0 {
		s.Findings = append(s.Findings, f.Finding)
		return
	}
	old := &s.Findings[i]
	old.Count += grown
	old.AtLeast = old.AtLeast || f.Finding.AtLeast
	old.Last = cmp.Or(f.Finding.Last, old.Last)
	old.Bundle = cmp.Or(old.Bundle, f.Finding.Bundle)
}

// Seconds is how long an engine has run.
func (s *Sum) Seconds(e protocol.Engine) (all float64) {
	for i := range s.Rounds {
		if s.Rounds[i].Engine == e {
			all += s.Rounds[i].Last.Seconds
		}
	}
	return all
}

// Before is what the rounds of an engine came to before this one, as a sample.
func (s *Sum) Before(e protocol.Engine, round int) (all report.Sample) {
	for i := range s.Rounds {
		if r := &s.Rounds[i]; r.Engine == e && r.Round.Round < round {
			all.Seconds += r.Last.Seconds
			all.Trials += r.Last.Trials
			if c := r.Last.Counts; c != nil {
				all.Executions += c.Executions
				all.Cycles += c.Cycles
			}
		}
	}
	return all
}

// Silent reports whether an engine has said, in the present run, that it cannot judge: it was not asked,
// or is not able to. A round that was ended early had no time to judge, and the next run may be of another
// command or machine.
func (s *Sum) Silent(e protocol.Engine) bool {
	for i := range s.Rounds {
		r := &s.Rounds[i]
		present := s.runOf[i] == len(s.Runs)-1
		if present && r.Engine == e && r.How == report.Done && r.Verdict != nil && r.Verdict.CPUCounts == nil {
			return true
		}
	}
	return false
}

// Violated reports whether some engine saw a property broken.
func (s *Sum) Violated() bool {
	return slices.ContainsFunc(s.Findings, func(f report.Finding) bool { return f.Kind == report.OfProperty })
}

// Progress is how far an engine is, over all its rounds.
func (s *Sum) Progress(e protocol.Engine) report.Progress {
	p := report.Progress{Engine: e}
	x := s.engines[e]
	if x == nil || len(x.samples) == 0 {
		return p
	}
	last := x.samples[len(x.samples)-1]
	p.Seconds, p.Executions, p.Cycles, p.Bad = last.Seconds, last.Executions, last.Cycles, last.Bad
	for i := range s.Rounds {
		if c := s.Rounds[i].Last.Counts; s.Rounds[i].Engine == e && c != nil {
			p.Operations += c.Installs + c.Updates + c.Removes
			if c.PatcherCounts != nil {
				p.Traps += c.Traps
			}
		}
	}
	for _, f := range s.Findings {
		if f.Engine == e && f.Property != "" && !slices.Contains(p.Broken, f.Property) {
			p.Broken = append(p.Broken, f.Property)
		}
	}
	if last.Bad == 0 {
		p.RateMax, p.Confidence = report.RateMax(last.Trials, s.Confidence()), s.Confidence()
	}
	return p
}

// RoundOf is the first round in which a finding was seen, or nil.
func (s *Sum) RoundOf(key string) *RoundSum {
	for i := range s.Rounds {
		if _, seen := s.counted[place{s.Rounds[i].Round.Round, key}]; seen {
			return &s.Rounds[i]
		}
	}
	return nil
}

// CountOf is how often a finding was seen in a round.
func (s *Sum) CountOf(round int, key string) int { return s.counted[place{round, key}] }
