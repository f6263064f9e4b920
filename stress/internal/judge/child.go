package judge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/signal"
	"syscall"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/child"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/steered/inside"
	"tailpoke/stress/internal/workload"
)

// childWork names the work of a child that runs a job on the cpu engine.
const childWork = "job"

// errNeedsChild is a mistake of the program that asks.
var errNeedsChild = errors.New("the engine cpu needs a child process, as the poke method may tear instructions: " +
	"call stress.Child first in main, or first in TestMain of a test")

// Child turns this process into a child if it was started as one, for a job or for one of the
// other works, or as the guest's part of the engine steered, and else returns.
func Child(others map[string]child.Work) {
	inside.Serve()
	works := maps.Clone(others)
	works[childWork] = func(in io.Reader) any { return childReply(in) }
	works[roundWork] = func(in io.Reader) any { return roundReplyTo(in) }
	child.Serve(works)
}

// parcel is a job for the cpu engine as a child reads it.
type parcel struct {
	Protocol    string          `json:"protocol"`
	Method      string          `json:"method"`
	Grace       string          `json:"grace"`
	Layout      string          `json:"layout"`
	Threads     int             `json:"threads"`
	Source      workload.Source `json:"source"`
	Script      string          `json:"script"`
	Seed        uint64          `json:"seed"`
	Duration    time.Duration   `json:"duration"`
	MinCycles   int             `json:"min_cycles"`
	Patience    time.Duration   `json:"patience"`
	StopAtFirst bool            `json:"stop_at_first"`
	NoBoost     bool            `json:"no_boost"`
	KeepTrace   int             `json:"keep_trace"`
}

func newParcel(j *Job) parcel {
	s := &j.Subject
	return parcel{
		Protocol: s.Protocol.String(), Method: s.Method.String(), Grace: s.Grace.Name, Layout: s.Layout,
		Threads: s.Shape.Threads, Source: j.Workload.Source, Script: j.Script.String(), Seed: j.Seed,
		Duration: j.duration(), MinCycles: j.MinCycles, Patience: j.patience(), StopAtFirst: j.StopAtFirst, NoBoost: j.NoBoost, KeepTrace: j.kept(),
	}
}

// job makes the job again.
func (p *parcel) job() (*Job, error) {
	s := protocol.Subject{Layout: p.Layout, Shape: protocol.Shape{Threads: p.Threads}}
	o := Options{Seed: p.Seed, Duration: p.Duration, MinCycles: p.MinCycles, Patience: p.Patience,
		StopAtFirst: p.StopAtFirst, NoBoost: p.NoBoost}
	var all, err error
	set := func() { all = errors.Join(all, err) }
	s.Protocol, err = protocol.ParseProtocol(p.Protocol)
	set()
	s.Method, err = protocol.ParseMethod(p.Method)
	set()
	s.Grace, err = protocol.GraceByName(p.Grace)
	set()
	o.Script, err = protocol.ParseScript(p.Script)
	set()
	w, err := p.Source.Workload(regress.Workload)
	if set(); all != nil {
		return nil, all
	}
	return NewJob(s, w, o)
}

// reply is what a child answers.
type reply struct {
	Result *cpu.Result `json:"result,omitempty"`
	Error  string      `json:"error,omitempty"`
}

// childReply runs the job that comes from in. SIGTERM ends it with what was seen until then.
func childReply(in io.Reader) reply {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	res, err := childRun(ctx, in)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Result: res}
}

func childRun(ctx context.Context, in io.Reader) (*cpu.Result, error) {
	var p parcel
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return nil, err
	}
	go awaitParent(in)
	j, err := p.job()
	if err != nil {
		return nil, err
	}
	j, oracle, err := j.foretold(ctx)
	if err != nil {
		return nil, err
	}
	return runTraced(ctx, j, oracle, p.KeepTrace)
}

// runCPU runs the cpu engine: here, or in a child if a thread may execute bytes that are no
// instruction, since these can be anything, a system call too.
func runCPU(ctx context.Context, j *Job, oracle *workload.Oracle) (*cpu.Result, error) {
	if j.Alone || !cpu.MayTear(j.Subject.Method) {
		return runTraced(ctx, j, oracle, j.kept())
	}
	if !child.Ready() {
		return nil, errNeedsChild
	}
	return inChild(ctx, newParcel(j))
}

// inChild runs a job in a child process. A child that a CPU fault kills is a finding: something
// that its threads executed did that.
func inChild(ctx context.Context, p parcel) (*cpu.Result, error) {
	start := time.Now()
	var r reply
	why, err := child.Ask(ctx, childWork, p, p.Duration+p.Patience, &r)
	switch {
	case err != nil:
		return nil, err
	case why != "":
		return died(why, time.Since(start)), nil
	case r.Error != "":
		return nil, errors.New(r.Error)
	}
	return r.Result, nil
}

// died makes a result of a child's death.
func died(why string, after time.Duration) *cpu.Result {
	text := "the process that executed the image died: " + why
	return &cpu.Result{Result: live.Result{
		Bad: 1, Findings: []live.Finding{{Class: live.ClassTorn, Thread: live.None, Text: text, Count: 1}},
		Seconds: after.Seconds(), FirstSeconds: after.Seconds(),
	}}
}
