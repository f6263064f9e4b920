package judge

import (
	"context"
	"errors"
	"fmt"

	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/workload"
)

// cpuEngine asks package cpu, in a child process where it must.
type cpuEngine struct{}

func (cpuEngine) Name() protocol.Engine { return protocol.CPU }
func (cpuEngine) Live() bool            { return true }
func (cpuEngine) Missing() error        { return exec.Supported() }

func (cpuEngine) About() string {
	return "the image's own bytes on this machine's CPUs, patched live: not-observed, violated or vacuous"
}

func (cpuEngine) Validate(j *Job) error { return j.checkScript() }

func (e cpuEngine) Judge(ctx context.Context, j *Job) (Answer, error) {
	if other := ownWay(j.Subject.Protocol); other != "" {
		return unsupported(other), nil
	}
	if n, kinds := j.Subject.Shape.Threads, j.Subject.Protocol.Kinds(); n < kinds {
		return unsupported(fmt.Sprintf("%d kinds of readers need as many threads: there are %d", kinds, n)), nil
	}
	if err := e.Missing(); err != nil {
		return skipped(err.Error()), nil
	}
	if why := j.limits(ctx, j.Workload.Context); why != "" {
		return unsupported(why), nil
	}
	if err := j.Workload.Traceable(); err != nil {
		return unsupported(err.Error()), nil
	}
	j, oracle, err := j.foretold(ctx)
	if errors.Is(err, interp.ErrBounded) {
		return without(protocol.Bounded, err.Error()), nil
	}
	if err != nil {
		return Answer{}, err
	}
	res, err := runCPU(ctx, j, oracle)
	var place *patcher.PlacementError
	var align *text.AlignmentError
	switch {
	case errors.As(err, &place) || errors.As(err, &align):
		return unsupported(err.Error()), nil
	case errors.Is(err, errNeedsChild):
		return skipped(err.Error()), nil
	case err != nil:
		return Answer{}, err
	}
	a := Answer{Verdict: res.Verdict()}
	if a.Verdict.Verdict == protocol.NotObserved {
		a.Reason = oracle.Blind()
	}
	return a, j.writeTrace(a.Trace)
}

// foretold is the job, and what its workload may return. Where that is not known its keys are given
// markers as well, which show what can be shown.
func (j *Job) foretold(ctx context.Context) (*Job, *workload.Oracle, error) {
	oracle, err := j.Workload.Oracle(ctx, j.Layout, j.Workload.Context)
	if err != nil || oracle.Unknown() == "" {
		return j, oracle, err
	}
	more := *j
	if more.Workload, err = j.Workload.Marked(); err == nil {
		oracle, err = more.Workload.Oracle(ctx, j.Layout, more.Workload.Context)
	}
	return &more, oracle, err
}

// cpuConfig says what the engine runs.
func cpuConfig(j *Job, oracle *workload.Oracle) (cpu.Config, error) {
	w := j.Workload
	c := cpu.Config{
		Config: j.live(protocol.CPU), Subject: j.Subject, Layout: j.Layout, NoBoost: j.NoBoost,
		Entry: w.Entry, Programs: w.Programs, Maps: w.Maps, Ctx: w.Context.Bytes, Packet: w.Context.Packet,
	}
	c.Oracle, c.Any, c.Objects = oracle, oracle.Unknown() != "", w.Context.Objects
	var err error
	c.Data, err = w.Data.Host()
	return c, err
}

// runTraced runs the engine in this process, and holds its trace against the model. The text of
// the trace is kept up to a number of items.
func runTraced(ctx context.Context, j *Job, oracle *workload.Oracle, keep int) (*cpu.Result, error) {
	c, err := cpuConfig(j, oracle)
	if err != nil {
		return nil, err
	}
	w := newWatch(j.Subject, nil, keep)
	if p := j.Workload.Deep(); p != nil {
		w.giveUp(p.Name + " has direct sites of its own, which come and go with the keys")
	}
	return runWatched(ctx, c, w)
}

func runWatched(ctx context.Context, c cpu.Config, w *watch) (*cpu.Result, error) {
	ctx, cancel := w.attach(ctx, &c.Config)
	defer cancel()
	res, err := cpu.Run(ctx, c)
	if err == nil {
		w.report(&res.Result)
	}
	return res, err
}
