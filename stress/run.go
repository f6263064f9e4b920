package stress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/model"
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

// modelProperties are the properties that the model judges.
var modelProperties = []protocol.Property{
	protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree, protocol.NoMiss, protocol.Fresh, protocol.ExpectedBytes,
	protocol.Progress,
}

func judgeModel(ctx context.Context, s protocol.Subject, t *Workload, _ *jit.Layout, o Options) (report.Verdict, error) {
	asked := s
	asked.Shape = modelShape(s, t, o)
	check := func(s protocol.Subject) (*model.Result, error) {
		return model.Check(s, model.Options{
			MaxStates: o.MaxStates, Stop: func() bool { return ctx.Err() != nil }, Progress: true,
		})
	}
	res, err := check(asked)
	left := ""
	if ctx.Err() == nil && asked.Shape != s.Shape.AtLeast(o.Needs) && tooMuch(res, err) {
		left = leftOut(asked.Shape)
		asked.Shape = s.Shape.AtLeast(o.Needs) // less is something too
		res, err = check(asked)
	}
	if err == nil && res.Verdict == protocol.Proved && t.Deep() != nil && o.Needs == (protocol.Shape{}) {
		// Programs with sites and programs without: more pokes are more grace periods.
		own := asked
		own.Shape.Deep = true
		if more, err := check(own); tooMuch(more, err) {
			left = cmp.Or(left, leftOut(own.Shape))
		} else if err != nil {
			return report.Verdict{}, err
		} else {
			asked, res = own, joined(res, more)
		}
	}
	if errors.Is(err, model.ErrUnsupported) {
		return report.Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	}
	if err != nil {
		return report.Verdict{}, err
	}
	s = asked
	v := report.Verdict{Verdict: res.Verdict, Property: res.Property, ModelCounts: &report.ModelCounts{
		Properties: modelProperties, States: res.States, Transitions: res.Transitions, Depth: res.Depth,
		Explored: explored(s.Shape, res.Threads),
	}}
	switch idle := cmp.Or(res.Reached.Unexplored(), neverEntered(res.Reached, s.Shape)); {
	case res.Verdict == protocol.Proved && idle != "":
		v.Verdict, v.Reason = protocol.Vacuous, idle
	case res.Verdict == protocol.Proved && left != "":
		v.Verdict, v.Reason = protocol.Safe, left
	case res.Witness != nil:
		v.Witness = res.Witness
		err = keepModelWitness(s, t, o, res)
	case res.Verdict == protocol.Bounded:
		v.Reason = fmt.Sprintf("the bound on states was hit after %d", res.States)
		if ctx.Err() != nil {
			v.Reason = fmt.Sprintf("ended after %d states", res.States)
		}
	}
	return v, err
}

// tooMuch reports whether the model has no room for what it was asked.
func tooMuch(r *model.Result, err error) bool {
	return errors.Is(err, model.ErrUnsupported) || err == nil && r.Verdict == protocol.Bounded
}

// leftOut says what is not covered by a check of less than the shape.
func leftOut(s protocol.Shape) string {
	switch {
	case s.Deep:
		return "for programs without sites; with those that they have there are more sites, or states, than the model has room for"
	case s.Indirect:
		return "for direct callers; with indirect ones there are more keys, or states, than the model has room for"
	case s.Nested:
		return "for sites outside of subprograms; with those there are more states than the model has room for"
	}
	return "without what loads, unloads and other mutators do; with that there are more states than the model has room for"
}

// joined is what two proofs say together, or the second, if it is none, beside the first.
func joined(a, b *model.Result) *model.Result {
	b.States += a.States
	b.Transitions += a.Transitions
	if b.Verdict == protocol.Proved {
		b.Depth = max(a.Depth, b.Depth)
	}
	return b
}

// modelShape is the shape that the model explores: the target's, with those who read the map while
// they run, with returns into a caller whose subprograms have sites, and with what the lines of the
// protocol ask for that say something of copies and of mutators.
func modelShape(s protocol.Subject, t *Workload, o Options) protocol.Shape {
	shape := s.Shape.AtLeast(o.Needs)
	if t.Indirect() {
		shape.Indirect = true
		shape.Keys = max(shape.Keys, len(t.Keys))
	}
	shape.Nested = shape.Nested || t.Nested()
	if o.Needs != (protocol.Shape{}) { // a mutant, which says what it needs
		return shape
	}
	if s.Protocol.Load != nil || s.Protocol.Unload != nil {
		shape.Copies = 1
	}
	if s.Protocol.Mutex != protocol.MutexMap {
		shape.Mutators = 2
	}
	return shape
}

// ownWay says that a protocol loads, unloads or excludes in a way that only the model has.
func ownWay(p protocol.Protocol) (report.Verdict, bool) {
	if p.Load == nil && p.Unload == nil && p.Mutex == protocol.MutexMap {
		return report.Verdict{}, false
	}
	return report.Verdict{Verdict: protocol.Unsupported, Reason: "loads, unloads and mutexes are the kernel's here"}, true
}

// neverEntered names what the shape asks for and no execution contains.
func neverEntered(r model.Reached, s protocol.Shape) string {
	switch {
	case s.Nested && r.Backs == 0:
		return "no returns into a caller were explored"
	case s.Deep && r.Arrivals == 0:
		return "no loads of programs were explored"
	}
	return ""
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
