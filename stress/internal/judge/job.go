package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// Job is a subject that is ready to be judged. Engines change nothing of it.
type Job struct {
	Subject  protocol.Subject // its shape, but for the threads, is the workload's
	Workload *workload.Workload
	Layout   *jit.Layout
	Options
}

// Options says how a subject is judged.
type Options struct {
	Duration    time.Duration   // of live engines; with a script, 0 runs the script alone
	Script      protocol.Script // for live engines, once, before random operations; all that the machine engine explores
	Seed        uint64
	StopAtFirst bool // live engines end with their first finding
	// MinCycles is how many cycles a live engine must count to say that it observed nothing; 0 is
	// DefaultMinCycles. Patience is how much longer than Duration it may go on for them; where
	// Duration is 0, it is twice DefaultDuration.
	MinCycles int
	Patience  time.Duration
	MaxStates int // bound of the engines that explore; 0: their own
	// MaxMemory bounds the memory of the process while an engine explores, in bytes; 0: nothing does.
	MaxMemory uint64
	// Needs is what the model's shape must have at least, beside what the workload makes of it.
	Needs   protocol.Shape
	NoBoost bool // the cpu engine runs as without the right to real-time priorities
	Callers int  // copies of the entry in the kernel engine; 0: its own number
	// Sleepable has the kernel engine execute a sleepable caller of its own, and is what its mutator does
	// while the caller is held: "remove" or "update". "" is the workload. The engine steered has sleepable
	// callers then, and knows "all" operations too.
	Sleepable string
	Whole     bool                  // the engine steered leaves no schedule out
	Progress  func(report.Progress) // about once a second
	Sofar     func(report.Verdict)  // likewise, of live engines: what was seen until then
	Alone     bool                  // this process is for the job alone, and may die of it
	Trace     io.Writer             // is given the beginning of a live engine's trace; nil: nothing
}

// DefaultDuration is how long a live engine runs.
const DefaultDuration = 5 * time.Second

// DefaultMinCycles is the least number of trials that anything is said of: 30 without a violation
// bound the rate at one in ten.
const DefaultMinCycles = 30

// NewJob makes a job, and looks at what every engine needs. An error that is [workload.ErrNoSite] comes
// with the job: the kernel engine needs less.
func NewJob(s protocol.Subject, w *workload.Workload, o Options) (*Job, error) {
	if w == nil {
		return nil, errors.New("no workload: there is nothing to execute")
	}
	if n := s.Shape.Threads; n < 1 || n > exec.MaxThreads {
		return nil, fmt.Errorf("%d threads: want 1 to %d", n, exec.MaxThreads)
	}
	layout, err := jit.LayoutByName(s.Layout)
	if err != nil {
		return nil, err
	}
	if o.Callers > kernel.MaxCallers {
		return nil, fmt.Errorf("--callers %d: want 1 to %d", o.Callers, kernel.MaxCallers)
	}
	s.Shape = w.Shape(s.Shape.Threads)
	return &Job{Subject: s, Workload: w, Layout: layout, Options: o}, w.Check()
}

// Named is the subject as reports name it.
func (j *Job) Named() *report.Subject {
	s, w := &j.Subject, j.Workload
	out := &report.Subject{
		Protocol: s.Protocol.Name, Method: s.Method.Name, Grace: s.Grace.Name, Layout: s.Layout,
		Threads: s.Shape.Threads, Sites: s.Shape.Sites, Programs: s.Shape.Programs, Keys: s.Shape.Keys,
		Object: w.Source.Name, Entry: w.Source.Entry,
	}
	if known, err := protocol.ProtocolByName(s.Protocol.Name); err != nil || !known.Same(s.Protocol) {
		out.ProtocolText = s.Protocol.String()
	}
	if known, err := protocol.MethodByName(s.Method.Name); err != nil || !known.Same(s.Method) {
		out.MethodText = s.Method.String()
	}
	return out
}

// Document is that of a section about the job.
func (j *Job) Document(s report.Section) *report.Document {
	d := report.New(s)
	d.Subject = j.Named()
	return d
}

// live is what a live engine is told.
func (j *Job) live(e protocol.Engine) live.Config {
	c := live.Config{
		Keys: j.Workload.Keys, Seed: j.Seed, Duration: j.duration(), Script: j.Script, StopAtFirst: j.StopAtFirst,
		Patience: j.patience(), Sofar: j.Sofar,
	}
	if c.Duration > 0 { // a script alone is [Job.unbounded]
		c.MinCycles = uint64(cmp.Or(j.MinCycles, DefaultMinCycles))
	}
	if j.Progress != nil {
		c.Progress = func(p report.Progress) {
			p.Engine, p.Whole = e, c.Duration.Seconds()
			j.Progress(p)
		}
	}
	return c
}

// unbounded takes the bound back from a verdict about a script alone: its calls are no sample.
func (j *Job) unbounded(v report.Verdict) report.Verdict {
	if j.duration() > 0 || v.Verdict != protocol.NotObserved {
		return v
	}
	v.RateMax, v.Confidence = 0, 0
	v.Reason = strings.TrimSuffix("a script alone: no bound on how often a violation could happen; "+v.Reason, "; ")
	return v
}

// duration is how long a live engine runs.
func (j *Job) duration() time.Duration {
	if j.Duration == 0 && len(j.Script) == 0 {
		return DefaultDuration
	}
	return j.Duration
}

// patience is how much longer a live engine may run.
func (j *Job) patience() time.Duration {
	if j.Duration == 0 && len(j.Script) == 0 {
		return 2 * DefaultDuration
	}
	return j.Patience
}

// maxKept bounds the items of a trace that is written to a file.
const maxKept = 50_000

// kept is how many items of a trace are kept as text.
func (j *Job) kept() int {
	if j.Trace == nil {
		return 0
	}
	return maxKept
}

// writeTrace writes the text of a trace, if it is wanted, and takes it out of the trace.
func (j *Job) writeTrace(t *report.Trace) error {
	if j.Trace == nil || t == nil {
		return nil
	}
	_, err := io.WriteString(j.Trace, j.Head()+t.Text)
	t.Text = ""
	return err
}

// checkScript refuses a script that does not fit the workload.
func (j *Job) checkScript() error {
	copies, keys, programs := 0, len(j.Workload.Keys), len(j.Workload.Programs)
	for i, c := range j.Script {
		switch c.Kind {
		case protocol.Load:
			copies++
		case protocol.Unload:
			copies = max(0, copies-1)
		}
		if copies >= exec.MaxEntries {
			return fmt.Errorf("call %d of the script (%v): threads execute at most %d copies", i+1, c, exec.MaxEntries-1)
		}
		if c.Key >= keys || c.Prog >= programs {
			return fmt.Errorf("call %d of the script (%v): there are %d keys and %d programs", i+1, c, keys, programs)
		}
	}
	return nil
}

// limits says why an engine that runs images of ours, with a context, cannot run this workload: they
// cannot be made, or it is not known what they may return; "" if it can.
func (j *Job) limits(until context.Context, ctx workload.Context) string {
	_, err := j.Workload.Images(j.Layout)
	if err == nil {
		_, err = j.Workload.Oracle(until, j.Layout, ctx)
	}
	if err == nil || errors.Is(err, interp.ErrBounded) { // a bound is a verdict
		return ""
	}
	return fmt.Sprintf("%v; the kernel engine runs what its verifier takes", err)
}

// ownWay says that a protocol loads, unloads or excludes in a way that only the model has; "" if
// it does these as the kernel does, whatever its operations are.
func ownWay(p protocol.Protocol) string {
	kernels := protocol.DefaultSubject().Protocol
	kernels.Ops, kernels.Readers = p.Ops, p.Readers
	if p.Same(kernels) {
		return ""
	}
	return "loads, unloads and mutexes are the kernel's here"
}

// explored is a shape that was explored with so many threads.
func explored(s protocol.Shape, threads int) report.ModelShape {
	return report.ModelShape{Threads: threads, Sites: s.Sites, Programs: s.Programs, Keys: s.Keys}
}
