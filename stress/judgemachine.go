package stress

import (
	"context"
	"errors"
	"fmt"

	"tailpoke/jit"
	"tailpoke/jit/interp"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/report"
)

// How far the machine engine goes where no script says: so many threads, and any operations up to
// so many, as long as that takes no more states.
const (
	machineThreads = 2
	machineOps     = 3
	machineStates  = 1 << 20
)

// judgeMachine asks the machine engine, about little first: keys that do not change, then every
// single operation, any two, and so on. What it says is about the most that it could go through.
func judgeMachine(ctx context.Context, s protocol.Subject, t *Workload, l *jit.Layout, o Options) (report.Verdict, error) {
	if v, own := ownWay(s.Protocol); own {
		return v, nil
	}
	if len(t.Keys) > sim.MaxKeys {
		return report.Verdict{Verdict: protocol.Unsupported, Reason: fmt.Sprintf("%d keys change: at most %d can", len(t.Keys), sim.MaxKeys)}, nil
	}
	c, err := machineConfig(s, t, l)
	if err != nil {
		return report.Verdict{}, err
	}
	if o.MaxStates != 0 {
		c.MaxStates = o.MaxStates
	}
	if len(o.Script) > 0 {
		c.Script = o.Script
		r, err := sim.Check(ctx, c)
		if err != nil {
			return report.Verdict{}, err
		}
		return machineAnswer(s, t, o, r, &c)
	}
	still := c
	still.Script, still.Subject.Shape.Threads = protocol.Script{}, 1
	for i := range t.Keys {
		still.Held = append(still.Held, i%len(t.Programs))
	}
	r, err := sim.Check(ctx, still)
	if err != nil {
		return report.Verdict{}, err
	}
	if !clean(r) {
		return machineAnswer(s, t, o, r, &still)
	}
	if r, err = deepen(ctx, &c); err == nil && r.Verdict == protocol.Bounded && ctx.Err() == nil {
		c.Forward, c.Subject.Shape.Threads = true, 1
		r, err = deepen(ctx, &c)
	}
	if err != nil {
		return report.Verdict{}, err
	}
	return machineAnswer(s, t, o, r, &c)
}

// clean says that an answer leaves the question open what more operations would show.
func clean(r *sim.Result) bool {
	return r != nil && (r.Verdict == protocol.Safe || r.Verdict == protocol.Vacuous)
}

// deepen checks any one operation, any two, and so on, until something is found or a bound is hit:
// then what was found with fewer stands.
func deepen(ctx context.Context, c *sim.Config) (*sim.Result, error) {
	var last *sim.Result
	for c.MaxOps = 1; c.MaxOps <= machineOps; c.MaxOps++ {
		r, err := sim.Check(ctx, *c)
		if err != nil {
			return nil, err
		}
		if r.Verdict == protocol.Bounded && last != nil {
			break
		}
		if last = r; !clean(r) {
			break
		}
	}
	return last, nil
}

func machineConfig(s protocol.Subject, t *Workload, l *jit.Layout) (sim.Config, error) {
	ctx := t.Context.WithoutPacket() // a simulated machine has no memory for one
	s.Shape.Threads = min(s.Shape.Threads, machineThreads)
	c := sim.Config{
		Subject: s, Layout: l, Entry: t.Entry, Programs: t.Programs, Maps: t.Maps,
		Ctx: ctx.Bytes, MaxStates: machineStates, Compile: t.Compile,
	}
	c.Keys = t.Keys
	oracle, err := t.Oracle(l, ctx)
	switch {
	case errors.Is(err, interp.ErrBounded): // then anything may be returned
	case err != nil:
		return c, err
	default:
		for _, out := range oracle.Outcomes() {
			c.Outcomes = append(c.Outcomes, out.Value)
		}
	}
	return c, nil
}

func machineVerdict(r *sim.Result, c *sim.Config) report.Verdict {
	if r == nil {
		return report.Verdict{}
	}
	v := report.Verdict{Verdict: r.Verdict, Property: r.Property, Reason: r.Reason, ModelCounts: &report.ModelCounts{
		Properties: sim.Properties(), States: uint64(r.States), Transitions: uint64(r.Transitions), Depth: r.Depth,
		Explored: explored(c.Subject.Shape, c.Subject.Shape.Threads),
	}}
	if r.Verdict == protocol.Safe {
		v.Reason = r.Bound
		if c.Forward {
			v.Reason += "; a CPU that has seen the newest bytes of a slot sees no older ones"
		}
	}
	if r.Witness != nil {
		v.Depth = len(r.Witness.Steps)
		v.Witness = r.Witness
	}
	if r.Verdict == protocol.Unsupported {
		v.ModelCounts = nil
	}
	return v
}
