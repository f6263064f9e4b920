package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tailpoke/jit/interp"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/internal/step"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// How far the machine engine goes where no script says: so many threads, and any operations up to
// so many, as long as that takes no more states.
const (
	machineThreads = 2
	machineOps     = 3
	machineStates  = 1 << 20
)

// machineEngine asks package sim, and has package step take its witnesses to real CPUs.
type machineEngine struct{}

func (machineEngine) Name() protocol.Engine { return protocol.Machine }
func (machineEngine) Live() bool            { return false }
func (machineEngine) Missing() error        { return nil }

func (machineEngine) About() string {
	return "the image's own bytes on simulated CPUs, every interleaving and weak fetch: safe within bounds, violated or bounded"
}

func (machineEngine) Properties() []protocol.Property { return sim.Properties() }

func (machineEngine) Validate(j *Job) error { return j.checkScript() }

// Judge asks about little first: keys that do not change, then every single operation, any two,
// and so on. What it says is about the most that it could go through.
func (machineEngine) Judge(ctx context.Context, j *Job) (Answer, error) {
	if err := j.Workload.Poked(); err != nil {
		return unsupported(err.Error()), nil
	}
	if other := ownWay(j.Subject.Protocol); other != "" {
		return unsupported(other), nil
	}
	if why := j.limits(ctx, j.Workload.Context.WithoutPacket()); why != "" {
		return unsupported(why), nil
	}
	if there := j.Workload.Context; there.Packet != nil {
		tails := func(o live.Outcome) bool { return o.Tail }
		if o, err := j.Workload.Oracle(ctx, j.Layout, there.WithoutPacket()); err == nil && !slices.ContainsFunc(o.Outcomes(), tails) {
			return unsupported(j.Workload.Entry.Name + " takes no tail call without a packet, and simulated CPUs have none; other engines do"), nil
		}
	}
	if n := len(j.Script); n > sim.MaxCalls {
		return unsupported(fmt.Sprintf("a script of %d calls: at most %d are explored; the cpu engine and the kernel engine carry out more", n, sim.MaxCalls)), nil
	}
	for i, c := range j.Script {
		if c.Kind == protocol.Load || c.Kind == protocol.Unload {
			return unsupported(fmt.Sprintf("call %d of the script (%v): copies come and go in the cpu engine and the kernel engine alone", i+1, c)), nil
		}
	}
	c, err := machineConfig(ctx, j)
	if err != nil {
		return Answer{}, err
	}
	ctx, x := j.explore(ctx, protocol.Machine)
	defer x.end()
	c.Far = x.far
	if j.MaxStates != 0 {
		c.MaxStates = j.MaxStates
	}
	if len(j.Script) > 0 {
		c.Script = j.Script
		r, err := sim.Check(ctx, c)
		return machineAnswer(&c, r, err)
	}
	still := c
	still.Script, still.Subject.Shape.Threads = protocol.Script{}, 1
	for i := range c.Keys {
		still.Held = append(still.Held, i%len(c.Programs))
	}
	r, err := sim.Check(ctx, still)
	if err != nil || !clean(r) {
		return machineAnswer(&still, r, err)
	}
	if r, err = deepen(ctx, &c); err == nil && r.Verdict == protocol.Bounded && ctx.Err() == nil {
		c.Forward, c.Subject.Shape.Threads = true, c.Subject.Protocol.Kinds()
		r, err = deepen(ctx, &c)
	}
	return machineAnswer(&c, r, err)
}

// clean says that an answer leaves the question open what more operations would show.
func clean(r *sim.Result) bool { return r.Verdict == protocol.Safe || r.Verdict == protocol.Vacuous }

// deepen checks any one operation, any two, and so on, until something is found or a bound is hit:
// then what was found with fewer stands. One alone is an install, as keys are empty: where a bound was
// hit after that, there is no answer.
func deepen(ctx context.Context, c *sim.Config) (*sim.Result, error) {
	var last *sim.Result
	for ops := 1; ops <= machineOps; ops++ {
		more := *c
		more.MaxOps = ops
		r, err := sim.Check(ctx, more)
		if err != nil {
			return nil, err
		}
		if r.Verdict == protocol.Bounded && last != nil {
			if ops > 2 {
				break
			}
			why := r.Reason + " of any 2 operations"
			if ctx.Err() != nil {
				why = fmt.Sprintf("%v after any 1 operation", context.Cause(ctx))
			}
			r.Reason = why + ": no update and no remove was explored"
			return r, nil
		}
		if last, c.MaxOps = r, ops; !clean(r) {
			break
		}
	}
	return last, nil
}

// machineConfig makes what the engine explores, but for how far it goes.
func machineConfig(until context.Context, j *Job) (sim.Config, error) {
	w, s := j.Workload, j.Subject
	ctx := w.Context.WithoutPacket() // a simulated machine has no memory for one
	if w.CallsUnknown() || len(w.Programs) > sim.MaxPrograms {
		var err error
		if w, err = w.Marked(w.Context); err != nil {
			return sim.Config{}, err
		}
	}
	s.Shape.Threads = max(min(s.Shape.Threads, machineThreads), s.Protocol.Kinds())
	c := sim.Config{
		Subject: s, Layout: j.Layout, Entry: w.Entry, Programs: w.Simulated(sim.MaxPrograms), Maps: w.Maps, Keys: w.Keys[:min(len(w.Keys), sim.MaxKeys)],
		Ctx: ctx.Bytes, MaxStates: machineStates, Compile: w.Compile,
	}
	var err error
	if c.Data, err = simulated(w.Data); err != nil {
		return c, err
	}
	oracle, err := w.Oracle(until, j.Layout, ctx)
	switch {
	case errors.Is(err, interp.ErrBounded): // then anything may be returned
	case err != nil:
		return c, err
	case oracle.Unknown() != "" || len(c.Data) > 0 || w.CallsHelpers(): // likewise: they are others here
	default:
		for _, out := range oracle.Outcomes() {
			c.Outcomes = append(c.Outcomes, out.Value)
		}
	}
	return c, nil
}

// simulated are maps for simulated CPUs.
func simulated(data workload.Maps) (map[string]sim.Map, error) {
	flat, err := data.Flat(sim.MaxData)
	if err != nil || len(flat) == 0 {
		return nil, err
	}
	out := map[string]sim.Map{}
	for name, m := range flat {
		out[name] = sim.Map(m)
	}
	return out, nil
}

// machineAnswer puts a result of what was explored in the report's words.
func machineAnswer(c *sim.Config, r *sim.Result, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	if r.Verdict == protocol.Unsupported {
		return unsupported(r.Reason), nil
	}
	a := Answer{Verdict: report.Verdict{
		Verdict: r.Verdict, Property: r.Property, Reason: r.Reason, Witness: r.Witness,
		Properties: sim.Properties(),
		ModelCounts: &report.ModelCounts{
			States: uint64(r.States), Transitions: uint64(r.Transitions), Depth: r.Depth,
			Explored: explored(c.Subject.Shape, c.Subject.Shape.Threads), Narrow: c.Script != nil || c.Forward,
		},
	}}
	if c.Script == nil {
		a.Explored.Operations = c.MaxOps
	}
	if r.Verdict == protocol.Safe {
		a.Reason = r.Bound
		if c.Outcomes == nil {
			a.Reason += "; helpers return 0, every execution finds maps as the object has them, and what it returns is not judged"
		}
		if c.Forward {
			a.Reason += "; a CPU that has seen the newest bytes of a slot sees no older ones"
		}
	}
	if r.Witness != nil {
		a.Depth = len(r.Witness.Steps)
		a.Recorded = &Recorded{Explored: newMachineExplored(c), Choices: r.Witness.Choices()}
	}
	return a, nil
}

// machineExplored is the part of a [sim.Config] that no subject says.
type machineExplored struct {
	Threads int     `json:"threads"`
	Script  *string `json:"script"` // null: any operations, up to MaxOps
	MaxOps  int     `json:"max_ops"`
	Held    []int   `json:"held"` // the program of each key; null: all are empty
	Forward bool    `json:"forward"`
}

func newMachineExplored(c *sim.Config) *machineExplored {
	e := &machineExplored{Threads: c.Subject.Shape.Threads, MaxOps: c.MaxOps, Held: c.Held, Forward: c.Forward}
	if c.Script != nil {
		text := c.Script.String()
		e.Script, e.MaxOps = &text, 0
	}
	return e
}

func (machineEngine) Explored() any { return &machineExplored{} }

// Replay takes the steps on images that are compiled anew. What an execution may return is
// computed anew too.
func (machineEngine) Replay(ctx context.Context, j *Job, explored any, choices []witness.Choice) (*Replayed, error) {
	if other := ownWay(j.Subject.Protocol); other != "" {
		return nil, fmt.Errorf("subject.protocol: %s", other)
	}
	c, err := machineConfig(ctx, j)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	e := explored.(*machineExplored)
	c.Subject.Shape.Threads, c.MaxOps, c.Held, c.Forward = e.Threads, e.MaxOps, e.Held, e.Forward
	if e.Script != nil {
		if c.Script, err = protocol.ParseScript(*e.Script); err != nil {
			return nil, fmt.Errorf("explored.script:%w", err)
		}
	}
	found, err := sim.Replay(c, choices)
	switch {
	case errors.Is(err, sim.ErrHolds):
		return nil, fmt.Errorf("%w: %w", ErrNotReplayed, err)
	case err != nil:
		return nil, fmt.Errorf("replay: %w", err)
	}
	return &Replayed{found, func() (*report.Stepped, error) { return step.Replay(c, found) }}, nil
}
