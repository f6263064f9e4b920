package judge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"tailpoke/internal/process"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/child"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/report"
)

// roundWork names the work of a child that has a live engine judge a job, and tells what it sees.
const roundWork = "round"

// A Round is an engine on real CPUs in a process of its own.
type Round struct {
	Engine protocol.Engine
	// Told is given what was seen up to then, about once a second. Its error ends the round.
	Told func(report.Beat) error
	// Silence is how long the process may tell nothing.
	Silence time.Duration
}

// roundParcel is a round as its process reads it.
type roundParcel struct {
	Engine protocol.Engine `json:"engine"`
	parcel
}

// roundReply is what it answers.
type roundReply struct {
	Verdict  *report.Verdict  `json:"verdict,omitempty"`
	Findings []report.Finding `json:"findings,omitempty"` // of the verdict
	Trace    string           `json:"trace,omitempty"`    // its beginning, if that is wanted
	Error    string           `json:"error,omitempty"`
}

// Parcel is a job as text that needs no other file.
func Parcel(j *Job) (json.RawMessage, error) { return json.Marshal(newParcel(j)) }

// FromParcel makes a job of its text, with options of its own.
func FromParcel(text json.RawMessage, o Options) (*Job, error) {
	var p parcel
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	j, err := p.job()
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	j.Options = o
	return j, nil
}

// errMemory ends a round that has more memory than it may.
var errMemory = errors.New("it had more memory than it may")

// Run has the round done. Whatever becomes of its process, that is an end.
func (r *Round) Run(ctx context.Context, j *Job) report.Ended {
	if !child.Ready() {
		return report.Ended{How: report.Failed, Text: errNeedsChild.Error()}
	}
	var reply roundReply
	call := child.Call{
		Work: roundWork, In: roundParcel{r.Engine, newParcel(j)}, Limit: j.duration() + j.patience(), Silence: r.Silence,
		Told: func(raw json.RawMessage) error {
			var b report.Beat
			if err := json.Unmarshal(raw, &b); err != nil {
				return err
			}
			if has := b.Process.Memory; j.MaxMemory != 0 && has > j.MaxMemory {
				return fmt.Errorf("%w: %d MiB of %d MiB", errMemory, has>>20, j.MaxMemory>>20)
			}
			return r.Told(b)
		},
	}
	start := time.Now()
	why, err := call.Ask(ctx, &reply)
	var stuck *child.StuckError
	switch {
	case errors.As(err, &stuck) && errors.Is(err, child.ErrSilent):
		return report.Ended{How: report.Hung, Text: stuck.Why.Error(), Log: stuck.Stacks}
	case errors.As(err, &stuck) && errors.Is(err, errMemory):
		return report.Ended{How: report.Grew, Text: stuck.Why.Error(), Log: stuck.Stacks}
	case why != "" && cpu.MayTear(j.Subject.Method):
		v := died(why, time.Since(start)).Verdict()
		return report.Ended{How: report.Violating, Verdict: &v}
	case why != "":
		return report.Ended{How: report.Crashed, Text: "the process that executed the image died: " + why}
	case ctx.Err() != nil && reply.Verdict == nil:
		return report.Ended{How: report.Stopped}
	case err == nil && reply.Error != "":
		err = errors.New(reply.Error)
	case err == nil && reply.Verdict == nil:
		err = errors.New("the process of the round gave no verdict")
	}
	if err != nil {
		return report.Ended{How: report.Failed, Text: err.Error()}
	}
	if j.Trace != nil {
		if _, err := io.WriteString(j.Trace, reply.Trace); err != nil {
			return report.Ended{How: report.Failed, Text: err.Error()}
		}
	}
	reply.Verdict.Findings = reply.Findings
	end := report.Ended{How: report.Done, Verdict: reply.Verdict}
	if reply.Verdict.Verdict == protocol.Violated {
		end.How = report.Violating
	} else if ctx.Err() != nil {
		end.How = report.Stopped
	}
	return end
}

// roundReplyTo does a round in this process. SIGTERM ends it with what was seen until then.
func roundReplyTo(in io.Reader) roundReply {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var p roundParcel
	d := json.NewDecoder(in)
	if err := d.Decode(&p); err != nil {
		return roundReply{Error: err.Error()}
	}
	go awaitParent(in)
	var trace strings.Builder
	a, err := p.judge(ctx, &trace)
	if err != nil {
		return roundReply{Error: err.Error()}
	}
	return roundReply{Verdict: &a.Verdict, Findings: a.Verdict.Findings, Trace: trace.String()}
}

// awaitParent ends this process when nobody waits for its answer: the parent keeps the other end open
// as long as it lives.
func awaitParent(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(1)
}

// roundHeap is the memory from which the Go runtime of a round collects more often than a run's
// percentage says (live.Procs), in bytes: a round has some 30 MiB that live, and takes minutes.
const roundHeap = 96 << 20

// judge asks the engine, and tells what it sees.
func (p *roundParcel) judge(ctx context.Context, trace io.Writer) (Answer, error) {
	j, err := p.job()
	if err != nil {
		return Answer{}, err
	}
	e := ByName(p.Engine)
	if e == nil || !e.Live() {
		return Answer{}, fmt.Errorf("no live engine is called %q", p.Engine)
	}
	start := time.Now()
	j.Alone = true
	if p.KeepTrace > 0 {
		j.Trace = trace
	}
	debug.SetMemoryLimit(roundHeap)
	j.Sofar = func(v report.Verdict) {
		for i := range v.Findings {
			v.Findings[i].Engine = cmp.Or(v.Findings[i].Engine, p.Engine)
		}
		child.Tell(report.Beat{
			Seconds: time.Since(start).Seconds(), Counts: v.CPUCounts, Trials: v.Trials(), Bad: v.Bad(),
			Findings: v.Findings, Process: process.Resources(),
		})
	}
	return Ask(ctx, e, j)
}
