package stress

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// Engines lists the engines that exist, in the order in which they are asked.
func Engines() []protocol.Engine {
	return []protocol.Engine{protocol.Model, protocol.Machine, protocol.CPU, protocol.Kernel}
}

// judges has for each engine what asks it.
var judges = map[protocol.Engine]func(context.Context, protocol.Subject, *Workload, *jit.Layout, Options) (report.Verdict, error){
	protocol.Model: judgeModel, protocol.Machine: judgeMachine, protocol.CPU: judgeCPU, protocol.Kernel: judgeKernel,
}

// Options says how a subject is judged. The zero value asks every engine, for
// DefaultDuration where time matters, with seed 0.
type Options struct {
	Engines     []protocol.Engine // nil: all
	Duration    time.Duration     // of the cpu engine and of the kernel engine; with a script, 0 runs the script alone
	Script      protocol.Script   // for these two, once, before random operations; all that the machine engine explores
	Seed        uint64
	StopAtFirst bool // these two end with their first finding
	MaxStates   int  // bound of the model engine and of the machine engine; 0: their own
	// Needs is what the model's shape must have at least, beside what the target makes of it.
	Needs    protocol.Shape
	NoBoost  bool                  // the cpu engine runs as without the right to real-time priorities
	Callers  int                   // copies of the entry in the kernel engine; 0: its own number
	Progress func(report.Progress) // of an engine that executes, about once a second
	// Trace, if set, is given the beginning of the cpu engine's trace, or of the kernel engine's if
	// only that is asked, in the grammar of package protocol.
	Trace io.Writer
	// Witness, if set, is given the witness of the machine engine, as [ReadWitness] takes it, or
	// else that of the model, if one of them has one.
	Witness io.Writer
}

// asks says whether an engine is asked.
func (o *Options) asks(e protocol.Engine) bool {
	return o.Engines == nil || slices.Contains(o.Engines, e)
}

// DefaultDuration is how long the cpu engine runs, and the kernel engine.
const DefaultDuration = 5 * time.Second

// Run judges a subject on a target. The subject's shape, but for its threads, is the
// target's. An error is a fault of the input; what the engines say is in the report.
func Run(ctx context.Context, s protocol.Subject, t *Workload, o Options) (*report.Document, error) {
	layout, err := o.check(s, t)
	if err != nil {
		return nil, err
	}
	s.Shape = t.Shape(s.Shape.Threads)
	r := &report.Document{Schema: "stress/verdict/2", Subject: name(s, t)}
	giveWitness := o.oneWitness()
	for _, e := range Engines() {
		if !o.asks(e) {
			continue
		}
		start := time.Now()
		v, err := judges[e](ctx, s, t, layout, o)
		if err != nil {
			return nil, err
		}
		v.Engine, v.Seconds = e, time.Since(start).Seconds()
		for i := range v.Findings {
			v.Findings[i].Engine = e
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	r.Verdict = report.Sum(r.Verdicts)
	return r, giveWitness()
}

func name(s protocol.Subject, t *Workload) *report.Subject {
	return &report.Subject{
		Protocol: s.Protocol.Name, Method: s.Method.Name, Grace: s.Grace.Name, Layout: s.Layout,
		Threads: s.Shape.Threads, Sites: s.Shape.Sites, Programs: s.Shape.Programs, Keys: s.Shape.Keys,
		Object: t.Object, Entry: t.EntryName,
	}
}

// ownWay says that a protocol loads, unloads or excludes in a way that only the model has.
func ownWay(p protocol.Protocol) (report.Verdict, bool) {
	if p.Load == nil && p.Unload == nil && p.Mutex == protocol.MutexMap {
		return report.Verdict{}, false
	}
	return report.Verdict{Verdict: protocol.Unsupported, Reason: "loads, unloads and mutexes are the kernel's here"}, true
}

func judgeCPU(ctx context.Context, s protocol.Subject, t *Workload, l *jit.Layout, o Options) (report.Verdict, error) {
	if v, own := ownWay(s.Protocol); own {
		return v, nil
	}
	if err := exec.Supported(); err != nil {
		return report.Verdict{Verdict: protocol.Skipped, Reason: err.Error()}, nil
	}
	oracle, err := t.Oracle(l, t.Context)
	if errors.Is(err, interp.ErrBounded) {
		return report.Verdict{Verdict: protocol.Bounded, Reason: err.Error()}, nil
	}
	if err != nil {
		return report.Verdict{}, err
	}
	c := cpu.Config{Config: o.live(protocol.CPU), Subject: s, Layout: l, NoBoost: o.NoBoost}
	c.Oracle = oracle
	if err := configure(&c, t); err != nil {
		return report.Verdict{}, err
	}
	keep := 0
	if o.Trace != nil {
		keep = maxKept
	}
	res, err := runCPU(ctx, s, t, c, keep)
	var place *patcher.PlacementError
	var align *text.AlignmentError
	switch {
	case errors.As(err, &place) || errors.As(err, &align):
		return report.Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	case errors.Is(err, errNeedsChild):
		return report.Verdict{Verdict: protocol.Skipped, Reason: err.Error()}, nil
	case err != nil:
		return report.Verdict{}, err
	}
	if o.Trace != nil && res.Trace != nil {
		if _, err := io.WriteString(o.Trace, res.Trace.Text); err != nil {
			return report.Verdict{}, err
		}
		res.Trace.Text = ""
	}
	v := res.Verdict()
	if v.Verdict == protocol.NotObserved {
		v.Reason = oracle.Blind()
	}
	return v, nil
}

// explored is a shape that was explored with so many threads.
func explored(s protocol.Shape, threads int) report.ModelShape {
	return report.ModelShape{Threads: threads, Sites: s.Sites, Programs: s.Programs, Keys: s.Keys}
}

// live is what engines on real CPUs are told.
func (o *Options) live(e protocol.Engine) live.Config {
	c := live.Config{Seed: o.Seed, Duration: o.Duration, Script: o.Script, StopAtFirst: o.StopAtFirst}
	if c.Duration == 0 && len(c.Script) == 0 {
		c.Duration = DefaultDuration
	}
	if o.Progress != nil {
		c.Progress = func(p report.Progress) {
			p.Engine = e
			o.Progress(p)
		}
	}
	return c
}

// configure says what the cpu engine runs.
func configure(c *cpu.Config, t *Workload) error {
	data, err := t.Data.Host()
	c.Entry, c.Programs, c.Maps, c.Data, c.Keys = t.Entry, t.Programs, t.Maps, data, t.Keys
	c.Ctx, c.Packet = t.Context.Bytes, t.Context.Packet
	return err
}
