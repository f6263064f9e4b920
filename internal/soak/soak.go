package soak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tailpoke/internal/process"
	"tailpoke/internal/state"
	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// Options says what is soaked.
type Options struct {
	stress.Options // Duration is each live engine's, over all runs on the state
	Subject        protocol.Subject
	Workload       *stress.Workload
	State          *state.Folder // or nil: nothing is kept
	Run            state.Run     // this start of the command
	Head           state.Head
	Round          time.Duration // of a round, 0: DefaultRound
	Every          time.Duration // between ticks
	Silence        time.Duration // how long a round may say nothing, 0: DefaultSilence
	Memory         uint64        // of a round's process, in bytes, 0: DefaultMemory
	Until          Until
	Note           func(string) // what went wrong and ends nothing, or nil
	// Tick, if set, is told what the state has, after it has it.
	Tick func(report.Progress)
}

// How long a round takes, and how long its process may say nothing: it does so each second.
const (
	DefaultRound   = 5 * time.Minute
	DefaultSilence = time.Minute
	// DefaultMemory is how much a round's process may have, in bytes.
	DefaultMemory = 2 << 30
)

// badRounds is how many rounds in a row may end without having said anything.
const badRounds = 10

// soak is a soak in progress.
type soak struct {
	Options
	sum   *state.Sum
	err   error // of writing: it ends the soak
	empty int   // rounds in a row that said nothing
	maker maker

	explored []report.Verdict // by this process

	round int
	last  state.Tick     // of the round
	wrote time.Time      // when a tick was last written
	told  map[string]int // by key: the count of a finding in the round, as it was written
}

// Soak soaks until the duration is over, enough is known, or ctx ends. The document has all that the
// state has. An error is of the state, or of the harness.
func Soak(ctx context.Context, o Options) (*report.Document, error) {
	s := &soak{Options: o, sum: &state.Sum{Head: &o.Head}}
	if o.State != nil {
		s.sum = &o.State.Sum
	}
	s.write(state.Record{Run: &o.Run})
	s.explore(ctx)
	s.maker.o = &s.Options
	s.bundles(ctx, "")
	for ctx.Err() == nil && s.err == nil {
		e, left := s.next()
		if left <= 0 || s.StopAtFirst && s.sum.Violated() {
			break
		}
		s.soakRound(ctx, e, min(left, cmp.Or(o.Round, DefaultRound)))
	}
	d := s.sum.Document()
	for _, v := range s.explored {
		if of := d.Of(v.Engine); of != nil && of.CPUCounts == nil {
			of.Witness = v.Witness // the state has none
		}
	}
	return d, s.err
}

// write keeps records, unless that went wrong before.
func (s *soak) write(records ...state.Record) bool {
	switch {
	case s.err != nil:
	case s.State != nil:
		s.err = s.State.Append(records...)
	default:
		for _, r := range records {
			s.sum.Add(r)
		}
	}
	return s.err == nil
}

// live reports whether an engine runs on real CPUs.
func live(e protocol.Engine) bool { return e == protocol.CPU || e == protocol.Kernel }

// explore asks the engines that give the same answer in every run.
func (s *soak) explore(ctx context.Context) {
	o := s.Options.Options
	o.Engines = slices.DeleteFunc(slices.Clone(s.Head.Engines), live)
	if len(o.Engines) == 0 {
		return
	}
	d, err := stress.Run(ctx, s.Subject, s.Workload, o)
	if d == nil {
		s.err = err
		return
	}
	s.explored = d.Verdicts
	for _, v := range d.Verdicts {
		v.Witness = nil // a bundle has it
		s.write(state.Record{Verdict: &v})
	}
	s.err = errors.Join(s.err, err)
}

// next is the live engine that has run for the least time, and how long it is to run yet.
func (s *soak) next() (protocol.Engine, time.Duration) {
	var engine protocol.Engine
	left := time.Duration(0)
	for _, e := range s.Head.Engines {
		if !live(e) || s.sum.Silent(e) || s.Until.Holds(s.known(e, nil)) {
			continue
		}
		has := time.Duration(s.sum.Seconds(e) * float64(time.Second))
		if l := s.Duration - has; l > left {
			engine, left = e, l
		}
	}
	const least = 500 * time.Millisecond // less is for nothing
	if left < least {
		return engine, 0
	}
	return engine, left
}

// soakRound has an engine run for a while, and keeps what it says.
func (s *soak) soakRound(ctx context.Context, e protocol.Engine, long time.Duration) {
	s.round, s.last, s.told = len(s.sum.Rounds)+1, state.Tick{}, map[string]int{}
	s.wrote = time.Now()
	o := s.Options.Options
	o.Engines, o.Duration, o.Patience, o.MinCycles = []protocol.Engine{e}, long, 0, 1
	o.MaxMemory = cmp.Or(s.Memory, DefaultMemory)
	o.Seed = rand.NewPCG(o.Seed, uint64(s.round)).Uint64()
	begin := state.Round{
		Round: s.round, Engine: e, Seed: fmt.Sprintf("%#x", o.Seed), At: state.Stamp(s.wrote), Seconds: long.Seconds(),
	}
	if !s.write(state.Record{Round: &begin}) {
		return
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	known := false
	silence := cmp.Or(s.Silence, DefaultSilence)
	end, err := o.Round(ctx, s.Subject, s.Workload, e, silence, func(b report.Beat) error {
		if !known && s.Until.Holds(s.known(e, &b)) {
			known = true
			enough()
		}
		return s.beat(e, &b)
	})
	if known && end.How == report.Stopped {
		end.How = report.Done
	}
	if err != nil {
		s.err = errors.Join(s.err, err)
		return
	}
	s.finish(e, &end)
	if s.err == nil {
		s.bundles(ctx, end.Log)
	}
}

// beat keeps what a round says, now and then, and at once if there is a finding that was not told.
func (s *soak) beat(e protocol.Engine, b *report.Beat) error {
	s.last = state.Tick{
		Round: s.round, At: time.Now().Unix(), Seconds: b.Seconds, Trials: b.Trials, Bad: b.Bad,
		Counts: b.Counts, Child: b.Process, Parent: process.Resources(),
	}
	found := s.found(e, b.Findings, false)
	if len(found) == 0 && time.Since(s.wrote) < s.Every {
		return nil
	}
	s.wrote = time.Now()
	if !s.write(append(found, state.Record{Tick: &s.last})...) {
		return s.err
	}
	s.tell(e)
	return nil
}

// finish keeps the end of a round.
func (s *soak) finish(e protocol.Engine, end *report.Ended) {
	last := state.Finished{Tick: s.last, How: end.How}
	last.Round, last.At, last.Parent = s.round, time.Now().Unix(), process.Resources()
	var found []state.Record
	if v := end.Verdict; v != nil {
		last.Verdict = v
		last.Seconds = v.Seconds
		if v.CPUCounts != nil {
			last.Counts, last.Trials, last.Bad = v.CPUCounts, v.Trials(), v.Bad()
		}
		found = s.found(e, v.Findings, true)
	}
	if last.Counts == nil {
		last.Counts = &report.CPUCounts{}
	}
	found = append(found, s.found(e, s.odd(e, end), true)...)
	if !s.write(append(found, state.Record{Finished: &last})...) || !s.write(s.disagreements()...) {
		return
	}
	s.tell(e)
	s.empty++
	if end.Verdict != nil || s.last.Counts != nil {
		s.empty = 0
	}
	if s.empty >= badRounds {
		s.err = fmt.Errorf("%d rounds in a row said nothing: %s", s.empty, end.Text)
	}
}

// found are records of findings whose count has grown: at once if they are new, else when all is
// wanted.
func (s *soak) found(e protocol.Engine, all []report.Finding, everything bool) []state.Record {
	var out []state.Record
	for _, f := range all {
		f.Kind, f.Engine = cmp.Or(f.Kind, report.OfProperty), cmp.Or(f.Engine, e)
		f.Key = Key(&f)
		now := state.Stamp(time.Now())
		f.First, f.Last = now, now
		before, known := s.told[f.Key]
		if known && (!everything || f.Count <= before) {
			continue
		}
		s.told[f.Key] = max(f.Count, before)
		out = append(out, state.Record{Finding: &state.Seen{Round: s.round, Finding: f}})
	}
	return out
}

func (s *soak) note(text string) {
	if s.Note != nil {
		s.Note(text)
	}
}

// tell says how far the soak is.
func (s *soak) tell(e protocol.Engine) {
	if s.Tick != nil {
		p := s.sum.Progress(e)
		p.Whole = s.Duration.Seconds()
		s.Tick(p)
	}
}
