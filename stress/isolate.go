package stress

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/child"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
)

// childJob is the work of a child that runs a [job] of the cpu engine.
const childJob = "job"

var errNeedsChild = errors.New("the poke method may tear instructions and needs a child process: call stress.Child first in main")

// job is a run of the cpu engine as a child reads it from its standard input.
type job struct {
	Protocol    string          `json:"protocol"`
	Method      string          `json:"method"`
	Grace       string          `json:"grace"`
	Layout      string          `json:"layout"`
	Threads     int             `json:"threads"`
	Source      workload.Source `json:"source"`
	Script      string          `json:"script"`
	Seed        uint64          `json:"seed"`
	Duration    time.Duration   `json:"duration"`
	StopAtFirst bool            `json:"stop_at_first"`
	NoBoost     bool            `json:"no_boost"`
	KeepTrace   int             `json:"keep_trace"`
}

// reply is what a child writes to its standard output.
type reply struct {
	Result *cpu.Result `json:"result,omitempty"`
	Error  string      `json:"error,omitempty"`
}

// Child turns this process into a child if it was started as one, and else returns. A
// program that calls [Run] calls it first in main, and a test binary in TestMain.
func Child() {
	child.Serve(map[string]child.Work{
		childJob:           func(in io.Reader) any { return jobReply(in) },
		regress.PluginWork: regress.PluginReply,
	})
}

// jobReply runs the job that comes from in. SIGTERM ends it with what was seen until then.
func jobReply(in io.Reader) reply {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	res, err := childRun(ctx, in)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Result: res}
}

func childRun(ctx context.Context, in io.Reader) (*cpu.Result, error) {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return nil, err
	}
	// The parent keeps the other end open: if it dies, nobody waits for the answer.
	go func() {
		_, _ = io.Copy(io.Discard, in)
		os.Exit(1)
	}()
	c := cpu.Config{
		Config:  live.Config{Seed: j.Seed, Duration: j.Duration, StopAtFirst: j.StopAtFirst},
		NoBoost: j.NoBoost,
	}
	var err error
	set := func(e error) { err = errors.Join(err, e) }
	var e error
	c.Subject.Protocol, e = protocol.ParseProtocol(j.Protocol)
	set(e)
	c.Subject.Method, e = protocol.ParseMethod(j.Method)
	set(e)
	c.Subject.Grace, e = protocol.GraceByName(j.Grace)
	set(e)
	c.Layout, e = jit.LayoutByName(j.Layout)
	set(e)
	c.Script, e = protocol.ParseScript(j.Script)
	set(e)
	t, e := j.Source.Workload(regress.Workload)
	if set(e); err != nil {
		return nil, err
	}
	c.Subject.Layout, c.Subject.Shape = j.Layout, t.Shape(j.Threads)
	if err := configure(&c, t); err != nil {
		return nil, err
	}
	if c.Oracle, err = t.Oracle(c.Layout, t.Context); err != nil {
		return nil, err
	}
	return runTraced(ctx, c, j.KeepTrace)
}

// runCPU runs the cpu engine: here, or in a child if a thread may execute bytes that
// are no instruction, since these can be anything, a system call too.
func runCPU(ctx context.Context, s protocol.Subject, t *Workload, c cpu.Config, keepTrace int) (*cpu.Result, error) {
	if !cpu.MayTear(s.Method) {
		return runTraced(ctx, c, keepTrace)
	}
	if !child.Ready() {
		return nil, errNeedsChild
	}
	return inChild(ctx, job{
		Protocol: s.Protocol.String(), Method: s.Method.String(), Grace: s.Grace.Name, Layout: s.Layout,
		Threads: s.Shape.Threads, Source: t.Source, Script: c.Script.String(), Seed: c.Seed,
		Duration: c.Duration, StopAtFirst: c.StopAtFirst, NoBoost: c.NoBoost, KeepTrace: keepTrace,
	})
}

// inChild runs a job in a child process. A child that a CPU fault kills is a finding:
// something that its threads executed did that.
func inChild(ctx context.Context, j job) (*cpu.Result, error) {
	start := time.Now()
	var r reply
	why, err := child.Ask(ctx, childJob, j, j.Duration, &r)
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
