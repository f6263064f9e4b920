package stress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/replay"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// Engine names what judges a subject.
type Engine = protocol.Engine

// Workload is what threads execute, and what its keys may be given.
type Workload = workload.Workload

// ReadObject reads a workload from the bytes of an object file, whose name is for reports. The
// threads execute the program called entry; the keys of its prog arrays are given the other
// programs of the same type, or the entry itself if there is no other.
func ReadObject(name string, raw []byte, entry string) (*Workload, error) {
	return workload.ReadObject(name, raw, entry)
}

// Options says how a subject is judged. The zero value asks every engine, for DefaultDuration
// where time matters, with seed 0.
type Options struct {
	Engines     []Engine        // nil: all that need no kernel of their own
	Duration    time.Duration   // of the cpu engine and of the kernel engine; with a script, 0 runs the script alone
	Script      protocol.Script // for these two, once, before random operations; all that the machine engine explores
	Seed        uint64
	StopAtFirst bool // these two end with their first finding
	// MinCycles is how many cycles they must count to say that they observed nothing, 0: 30.
	// Patience is how much longer than Duration they may go on for that; where Duration is 0, it is
	// twice DefaultDuration.
	MinCycles int
	Patience  time.Duration
	MaxStates int // bound of the model engine and of the machine engine; 0: their own
	// MaxMemory bounds the memory of the process while these two explore, in bytes; 0: nothing does.
	MaxMemory uint64
	// Budget bounds the time of all engines together: each has an equal part of what is left when its
	// turn comes. Those that run for a duration take theirs for it. 0: nothing does.
	Budget time.Duration
	// Needs is what the model's shape must have at least, beside what the workload makes of it.
	Needs   protocol.Shape
	NoBoost bool // the cpu engine runs as without the right to real-time priorities
	Callers int  // copies of the entry in the kernel engine; 0: its own number
	// Sleepable has the kernel engine execute a sleepable caller of its own in the place of the workload:
	// "remove" removes what its key holds while it is held in its site, "update" replaces it. The callers of
	// the engine steered are then sleepable; of it alone "install" asks for that operation, and "all" for every one.
	Sleepable string
	Whole     bool                  // the engine steered leaves no schedule out
	Progress  func(report.Progress) // about once a second
	// Begin, if set, is told what is judged before the first engine is asked, and Row is given the row of
	// each when it has ended.
	Begin func(*report.Subject)
	Row   func(report.Verdict)
	// Trace, if set, is given the beginning of the trace of the first engine that executes, in the
	// grammar of package protocol.
	Trace io.Writer
	// Witness, if set, is given the witness of the machine engine, as [Replay] takes it, or else
	// that of the model, if one of them has one.
	Witness io.Writer
}

// DefaultDuration is how long the cpu engine runs, and the kernel engine.
const DefaultDuration = judge.DefaultDuration

// job makes a subject ready for the engines that are asked, and lists these.
func (o *Options) job(s protocol.Subject, w *Workload) (*judge.Job, []judge.Engine, error) {
	j, err := judge.NewJob(s, w, judge.Options{
		Duration: o.Duration, Script: o.Script, Seed: o.Seed, StopAtFirst: o.StopAtFirst, MaxStates: o.MaxStates,
		MinCycles: o.MinCycles, Patience: o.Patience, MaxMemory: o.MaxMemory,
		Needs: o.Needs, NoBoost: o.NoBoost, Callers: o.Callers, Sleepable: o.Sleepable, Whole: o.Whole, Progress: o.Progress, Trace: o.Trace,
	})
	asked := judge.Usual()
	if o.Engines != nil {
		asked = slices.DeleteFunc(judge.Engines(), func(e judge.Engine) bool { return !slices.Contains(o.Engines, e.Name()) })
	}
	finds := func(e judge.Engine) bool { return e.Name() == protocol.Kernel } // sites of its own
	if err != nil && !(errors.Is(err, workload.ErrNoSite) && slices.ContainsFunc(asked, finds)) {
		return nil, nil, err
	}
	for _, e := range asked {
		if err := e.Validate(j); err != nil {
			return nil, nil, err
		}
	}
	return j, asked, nil
}

// Validate says what is wrong with the input of [Run], without running anything: an error of Run
// after a nil from here is a fault of the harness or of the machine.
func Validate(s protocol.Subject, w *Workload, o Options) error {
	_, _, err := o.job(s, w)
	return err
}

// Run judges a subject on a workload. The subject's shape, but for its threads, is the workload's.
// An error is a fault of the input; what the engines say is in the document. A document beside an error
// has a violation that was seen before it.
func Run(ctx context.Context, s protocol.Subject, w *Workload, o Options) (*report.Document, error) {
	j, asked, err := o.job(s, w)
	if err != nil {
		return nil, err
	}
	return o.ask(ctx, j, asked)
}

// ask has engines judge a job, one after the other.
func (o *Options) ask(ctx context.Context, j *judge.Job, asked []judge.Engine) (*report.Document, error) {
	d := &report.Document{
		Schema: "stress/verdict/2", Subject: j.Named(), Seed: fmt.Sprintf("%#x", o.Seed),
	}
	if o.Begin != nil {
		o.Begin(d.Subject)
	}
	var shown judge.Answer // with a witness: of the engine that was asked last
	begun := time.Now()
	var err error
	for i, e := range asked {
		var a judge.Answer
		if a, err = o.askOne(ctx, e, j, (o.Budget-time.Since(begun))/time.Duration(len(asked)-i)); err != nil {
			break
		}
		d.Verdicts = append(d.Verdicts, a.Verdict)
		if o.Row != nil {
			o.Row(a.Verdict)
		}
		if a.Recorded != nil {
			shown = a
		}
		if e.Live() {
			j.Trace = nil // one file holds one trace
		}
	}
	d.Conclude()
	if err != nil && d.Verdict != report.Violated && d.Verdict != report.Disagree {
		return nil, err
	}
	if o.Witness != nil && shown.Recorded != nil {
		err = errors.Join(err, replay.Write(o.Witness, j, &shown))
	}
	return d, err
}

// askOne asks an engine, which has so much time if there is a budget.
func (o *Options) askOne(ctx context.Context, e judge.Engine, j *judge.Job, part time.Duration) (judge.Answer, error) {
	switch {
	case o.Budget == 0 || e.Live() && len(o.Script) > 0:
	case e.Live():
		j.Duration, j.Patience = max(part, time.Millisecond), 0
	default:
		var end context.CancelFunc
		ctx, end = context.WithTimeoutCause(ctx, part, judge.ErrBudget)
		defer end()
	}
	return judge.Ask(ctx, e, j)
}

// Child turns this process into a child if it was started as one, and else returns. A program that
// calls [Run] calls it first in main, and a test binary in TestMain: a subject whose poke method
// may tear instructions runs in a child process, and a guest's part of the engine steered is one.
func Child() { judge.Child(regress.Works()) }

// Engines lists the engines that exist, in the order in which they are asked. Where none is named the
// engine steered is not asked: it needs a kernel of its own.
func Engines() []Engine {
	var out []Engine
	for _, e := range judge.Engines() {
		out = append(out, e.Name())
	}
	return out
}

// Missing says what this machine lacks for an engine, or nil.
func Missing(e Engine) error {
	if engine := judge.ByName(e); engine != nil {
		return engine.Missing()
	}
	return nil
}
