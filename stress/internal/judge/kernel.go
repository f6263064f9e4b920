package judge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tailpoke/internal/vm/guest"
	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// kernelEngine asks package kernel. A kernel has one protocol, one poke method and one flavour of
// grace periods: of other subjects it can say nothing.
type kernelEngine struct{}

func (kernelEngine) Name() protocol.Engine { return protocol.Kernel }
func (kernelEngine) Live() bool            { return true }
func (kernelEngine) Missing() error        { return kernel.Supported() }

func (kernelEngine) Validate(j *Job) error {
	if j.Sleepable == sleepableAll {
		return fmt.Errorf("--sleepable=%s is for the engine %s: the kernel engine removes or updates", sleepableAll, protocol.Steered)
	}
	return j.checkScript()
}

func (kernelEngine) About() string {
	return "programs in the running kernel, their prog arrays changed live, its text watched: not-observed, violated or vacuous"
}

func (e kernelEngine) Judge(ctx context.Context, j *Job) (Answer, error) {
	if err := j.Workload.Poked(); err != nil {
		return unsupported(err.Error()), nil
	}
	a, err := e.judge(ctx, j)
	if why := guest.Doubted(); why != "" && a.Verdict.Verdict == protocol.Violated {
		a.Verdict = doubted(a.Verdict, why)
	}
	return a, err
}

// doubted takes back what may be the emulator's fault.
func doubted(v report.Verdict, why string) report.Verdict {
	seen := string(v.Property)
	if len(v.Findings) > 0 {
		seen = v.Findings[0].Text
	}
	return report.Verdict{Engine: v.Engine, Verdict: protocol.Bounded, Reason: why + ": " + seen, CPUCounts: v.CPUCounts, Kernel: v.Kernel, Seconds: v.Seconds}
}

func (e kernelEngine) judge(ctx context.Context, j *Job) (Answer, error) {
	if err := e.Missing(); err != nil {
		return skipped(err.Error()), nil
	}
	if j.Sleepable != "" {
		return runSleepable(ctx, j)
	}
	if other := notTheKernels(j.Subject); other != "" {
		return unsupported(other), nil
	}
	c, blind, err := kernelConfig(ctx, j)
	var a Answer
	if err == nil {
		a, err = runKernel(ctx, j, c)
	}
	switch {
	case errors.Is(err, kernel.ErrUnsupported):
		return unsupported(err.Error()), nil
	case err != nil:
		return Answer{}, fmt.Errorf("the kernel: %w", err)
	}
	if a.Verdict.Verdict == protocol.NotObserved {
		a.Verdict = kernelHonest(a.Verdict, j.Workload, blind)
	}
	return a, nil
}

// kernelHonest takes back what a run without a finding does not say, and says what it cannot show.
func kernelHonest(v report.Verdict, w *workload.Workload, blind string) report.Verdict {
	k := v.Kernel
	var why []string
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	watched := v.Trace != nil && v.Trace.Conforms
	if k.Checked == 0 {
		v.RateMax, v.Confidence = 0, 0 // of executions nothing is known
		if watched {
			add("its slots alone were judged, not what it returns: %s", blind)
		} else {
			v.Verdict = protocol.Vacuous
			add("nothing was judged: %s", blind)
		}
	} else if blind != "" {
		add("%s", blind)
	} else if err := w.Traceable(); err != nil {
		add("%v", err)
	}
	switch {
	case k.Unwatched != "":
		add("nobody saw its sites change: %s", k.Unwatched)
	case k.Watch.Error != "":
		add("the watcher ended early: %s", k.Watch.Error)
	}
	if w := k.Windows; w != nil && w.Across == 0 {
		v.Verdict, v.RateMax, v.Confidence = protocol.Vacuous, 0, 0
		add("no site's window is known to lie across a page, and the emulator interrupts nowhere else")
		if w.Error != "" {
			add("the search for one ended early: %s", w.Error)
		}
	}
	if k.Uncheckable != "" {
		add("few executions were checked: %s", k.Uncheckable)
	}
	v.Reason = strings.Join(why, "; ")
	return v
}

// notTheKernels says in what a subject is not what a kernel carries out, whatever it is called; ""
// if it is.
func notTheKernels(s protocol.Subject) string {
	has, what := protocol.DefaultSubject(), ""
	switch {
	case !s.Protocol.Same(has.Protocol):
		what = "protocol"
	case !s.Method.Same(has.Method):
		what = "poke method"
	case s.Grace.Name != has.Grace.Name:
		what = "grace flavour"
	default:
		return ""
	}
	return "a kernel has a " + what + " of its own"
}

// kernelConfig says what the kernel runs, and knows what that may return: the kernel is asked what
// programs find in their context. blind says what of it the run cannot show, "" if nothing.
func kernelConfig(ctx context.Context, j *Job) (c kernel.Config, blind string, err error) {
	w := j.Workload
	spec := w.Collection()
	in := kernel.Input{Packet: w.Context.Packet, Context: w.Context.Bytes}
	there := w.Context
	if there.Bytes, there.Unknown, err = in.Seen(spec.Programs[w.Entry.Name].Type); err != nil {
		return c, "", err
	}
	c = kernel.Config{
		Config: j.live(protocol.Kernel), Threads: j.Subject.Shape.Threads, Spec: spec, Entry: w.Entry.Name,
		Input: in, Callers: j.Callers, AcrossPages: guest.ByEmulator(),
	}
	if b := guest.NewBeacon(); b != nil { // the host wants to know in what a kernel died
		c.Began, c.Ended = b.Began, b.Ended
	}
	for _, p := range w.Programs {
		c.Programs = append(c.Programs, p.Name)
	}
	oracle, err := w.Oracle(ctx, &jit.V612, there) // the layout of today's kernels, as far as programs can tell
	switch {
	case err != nil: // then anything may be returned
		blind = err.Error()
	case oracle.Unknown() != "":
		blind = oracle.Unknown()
	case len(oracle.Outcomes()) > kernel.MaxOutcomes:
		blind = fmt.Sprintf("it may return %d different values", len(oracle.Outcomes()))
	default:
		blind = oracle.Blind()
		c.Oracle, c.Found = oracle, there.Bytes
	}
	return c, blind, nil
}

// recordsOfKernel is what can be noted of operations that a kernel carries out.
var recordsOfKernel = []protocol.EventKind{protocol.Called, protocol.Returned}

// runKernel runs, and holds what the mutator did and the watcher saw against the model.
func runKernel(ctx context.Context, j *Job, c kernel.Config) (Answer, error) {
	// Programs may have sites too: these are not watched, and what is said of the others does not
	// depend on them.
	w := newWatch(j.Subject, recordsOfKernel, j.kept())
	facts := kernel.FactsOf()
	ctx, cancel := w.attach(ctx, &c.Config)
	defer cancel()
	res, err := kernel.Run(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	if t := res.Trace; t != nil {
		w.report(&res.Result)
		if res.Watch.Noted == 0 && t.Conforms {
			t.Conforms, t.Reason = false, "nothing was seen"
		}
	}
	res.KernelFacts = facts
	return Answer{Verdict: res.Verdict()}, j.writeTrace(res.Trace)
}
