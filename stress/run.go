package stress

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/model"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/cpu"
)

// Engines lists the engines that exist, in the order in which they are asked.
func Engines() []protocol.Engine { return []protocol.Engine{protocol.Model, protocol.CPU} }

// Options says how a subject is judged. The zero value asks every engine, for
// DefaultDuration where time matters, with seed 0.
type Options struct {
	Engines     []protocol.Engine // nil: all
	Duration    time.Duration     // of the cpu engine; with a script, 0 runs the script alone
	Script      protocol.Script   // for the cpu engine, once, before random operations
	Seed        uint64
	StopAtFirst bool // the cpu engine ends with its first finding
	MaxStates   int  // bound of the model engine; 0: the model's own
	NoBoost     bool // the cpu engine runs as without the right to real-time priorities
	Progress    func(cpu.Result)
}

// DefaultDuration is how long the cpu engine runs.
const DefaultDuration = 5 * time.Second

// Run judges a subject on a target. The subject's shape, but for its threads, is the
// target's. An error is a fault of the input; what the engines say is in the report.
func Run(ctx context.Context, s protocol.Subject, t *Target, o Options) (*Report, error) {
	layout, err := check(s, t)
	if err != nil {
		return nil, err
	}
	s.Shape = t.Shape(s.Shape.Threads)
	r := &Report{Schema: "stress/verdict/1", Subject: name(s, t), Seed: seedText(o.Seed)}
	for _, e := range Engines() {
		if o.Engines != nil && !slices.Contains(o.Engines, e) {
			continue
		}
		judge := judgeCPU
		if e == protocol.Model {
			judge = judgeModel
		}
		start := time.Now()
		v, err := judge(ctx, s, t, layout, o)
		if err != nil {
			return nil, err
		}
		v.Engine, v.Seconds = e, time.Since(start).Seconds()
		r.Verdicts = append(r.Verdicts, v)
	}
	r.Verdict = overall(r.Verdicts)
	return r, nil
}

func seedText(seed uint64) string { return fmt.Sprintf("%#x", seed) }

func name(s protocol.Subject, t *Target) SubjectName {
	return SubjectName{
		Protocol: s.Protocol.Name, Method: s.Method.Name, Grace: s.Grace.Name, Layout: s.Layout,
		Threads: s.Shape.Threads, Sites: s.Shape.Sites, Programs: s.Shape.Programs, Keys: s.Shape.Keys,
		Object: t.Object, Entry: t.EntryName,
	}
}

// modelProperties are the properties that the model judges.
var modelProperties = []protocol.Property{
	protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree, protocol.NoMiss, protocol.Fresh, protocol.ExpectedBytes,
}

func judgeModel(ctx context.Context, s protocol.Subject, t *Target, _ *jit.Layout, o Options) (Verdict, error) {
	for op, steps := range s.Protocol.Ops {
		if !slices.ContainsFunc(steps, func(st protocol.Step) bool { return st.Kind == protocol.Publish }) {
			return Verdict{Verdict: protocol.Unsupported, Reason: fmt.Sprintf(
				"%v never publishes: the model goes by the map's pointer", protocol.OpKind(op))}, nil
		}
	}
	res, err := model.Check(s, model.Options{
		MaxStates: o.MaxStates, Stop: func() bool { return ctx.Err() != nil },
	})
	if errors.Is(err, model.ErrUnsupported) {
		return Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	}
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Verdict: res.Verdict, Property: res.Property, ModelCounts: &ModelCounts{
		Properties: modelProperties, States: res.States, Transitions: res.Transitions, Depth: res.Depth,
		Explored: ModelShape{res.Threads, s.Shape.Sites, s.Shape.Programs, s.Shape.Keys},
	}}
	switch idle := neverExplored(res.Reached); {
	case res.Verdict == protocol.Proved && idle != "":
		v.Verdict, v.Reason = protocol.Vacuous, idle
	case res.Verdict == protocol.Proved && t.indirect():
		// Indirect callers act on the map's pointer, which the model has no thread for.
		v.Verdict, v.Reason = protocol.Safe, "for direct callers; indirect ones are not in the model"
	case res.Witness != nil:
		v.Witness = strings.Split(strings.TrimRight(res.Witness.String(), "\n"), "\n")
	case res.Verdict == protocol.Bounded:
		v.Reason = fmt.Sprintf("the bound on states was hit after %d", res.States)
		if ctx.Err() != nil {
			v.Reason = fmt.Sprintf("ended after %d states", res.States)
		}
	}
	return v, nil
}

// neverExplored names an operation that no execution of the model contains, as updates
// with a single program are none; a proof without it would prove less than it says.
func neverExplored(r model.Reached) string {
	switch {
	case r.Installs == 0:
		return "no installs were explored"
	case r.Updates == 0:
		return "no updates were explored"
	case r.Removes == 0:
		return "no removes were explored"
	}
	return ""
}

func judgeCPU(ctx context.Context, s protocol.Subject, t *Target, l *jit.Layout, o Options) (Verdict, error) {
	if err := exec.Supported(); err != nil {
		return Verdict{Verdict: protocol.Skipped, Reason: err.Error()}, nil
	}
	oracle, err := NewOracle(t, l)
	if errors.Is(err, interp.ErrBounded) {
		return Verdict{Verdict: protocol.Bounded, Reason: err.Error()}, nil
	}
	if err != nil {
		return Verdict{}, err
	}
	if o.Duration == 0 && len(o.Script) == 0 {
		o.Duration = DefaultDuration
	}
	c := cpu.Config{
		Subject: s, Layout: l, Oracle: oracle, Seed: o.Seed, Duration: o.Duration, Script: o.Script,
		StopAtFirst: o.StopAtFirst, NoBoost: o.NoBoost, Progress: o.Progress,
	}
	if err := t.configure(&c); err != nil {
		return Verdict{}, err
	}
	res, err := runCPU(ctx, s, t, c)
	var place *patcher.PlacementError
	var align *text.AlignmentError
	switch {
	case errors.As(err, &place) || errors.As(err, &align):
		return Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	case errors.Is(err, errNeedsChild):
		return Verdict{Verdict: protocol.Skipped, Reason: err.Error()}, nil
	case err != nil:
		return Verdict{}, err
	}
	v := cpuVerdict(res)
	if v.Verdict == protocol.NotObserved {
		v.Reason = oracle.blind()
	}
	return v, nil
}

func cpuVerdict(r *cpu.Result) Verdict {
	c := &CPUCounts{
		Executions: r.Executions, Installs: r.Installs, Updates: r.Updates, Removes: r.Removes, Cycles: r.Cycles,
		Pokes: r.Pokes, Traps: r.Traps, LateTraps: r.LateTraps, Waits: r.Waits, Boosts: r.Boosts, Loads: r.Loads,
		Overlaps: r.Overlaps.Sum(), OverlapsBy: r.Overlaps, FirstSeconds: r.FirstSeconds, Findings: r.Findings,
		Outcomes: Outcomes{Skip: r.Skips, Tail: r.Tails},
	}
	c.Boosted = r.Boosted
	v := Verdict{Verdict: protocol.NotObserved, CPUCounts: c}
	if len(r.Findings) == 0 {
		c.RateMax, c.Confidence = r.RateMax(), cpu.Confidence
		if v.Reason = r.Vacuous(); v.Reason != "" {
			v.Verdict = protocol.Vacuous
		}
		return v
	}
	first := r.Findings[0]
	v.Verdict, v.Property = protocol.Violated, first.Class.Property()
	for _, f := range r.Findings {
		v.Witness = append(v.Witness, f.String())
	}
	// The kept findings are a sample: all executions that went wrong count as the class
	// that says most.
	switch first.Class {
	case cpu.ClassA:
		c.Outcomes.A = r.Bad
	case cpu.ClassTorn:
		c.Outcomes.Torn = r.Bad
	case cpu.ClassCrash:
		c.Outcomes.Crash = r.Bad
	default:
		c.Outcomes.Other = r.Bad
	}
	return v
}
