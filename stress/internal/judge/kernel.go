package judge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tailpoke/internal/vm/guest"
	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/workload"
)

// kernelEngine asks package kernel. A kernel has one protocol, one poke method and one flavour of
// grace periods: of other subjects it can say nothing.
type kernelEngine struct{}

func (kernelEngine) Name() protocol.Engine { return protocol.Kernel }
func (kernelEngine) Live() bool            { return true }
func (kernelEngine) Missing() error        { return kernel.Supported() }

func (kernelEngine) Validate(j *Job) error {
	if s := j.Sleepable; s == sleepableAll || s == protocol.Install.String() {
		return fmt.Errorf("--sleepable=%s is for the engine %s: the kernel engine removes or updates", s, protocol.Steered)
	}
	return j.checkScript()
}

func (kernelEngine) About() string {
	return "programs in the running kernel, their prog arrays changed live, its text watched: not-observed, violated or vacuous"
}

func (kernelEngine) Properties() []protocol.Property { return onRealCPUs() }

func (e kernelEngine) Judge(ctx context.Context, j *Job) (Answer, error) {
	a, err := e.judge(ctx, j)
	if why := guest.Doubted(); why != "" && a.Verdict.Verdict == protocol.Violated {
		a.Verdict = doubted(a.Verdict, why)
	}
	return a, err
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
	k, err := kernelConfig(ctx, j)
	var a Answer
	if err == nil {
		a, err = runKernel(ctx, j, k)
	}
	switch {
	case errors.Is(err, errNothing):
		return without(protocol.Vacuous, err.Error()), nil
	case errors.Is(err, kernel.ErrUnsupported):
		return unsupported(err.Error()), nil
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return without(protocol.Bounded, fmt.Sprintf("it ended before anything was executed: %v", err)), nil
	case err != nil:
		return Answer{}, fmt.Errorf("the kernel: %w", err)
	}
	if v := a.Verdict.Verdict; v == protocol.NotObserved || v == protocol.Vacuous {
		a.Verdict = j.unbounded(kernelHonest(a.Verdict, k.workload, k.blind, k.fit.Missed))
	}
	return a, nil
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

// kernelJob is what the kernel engine does for a job.
type kernelJob struct {
	kernel.Config
	workload *workload.Workload // as far as the kernel takes it
	fit      *kernel.Fit
	blind    string // what of it the run cannot show, "" if nothing
}

// kernelConfig says what the kernel runs, and knows what that may return: the kernel is asked what it
// takes, and what programs find in their context.
func kernelConfig(ctx context.Context, j *Job) (k *kernelJob, err error) {
	w := j.Workload
	k = &kernelJob{Config: kernel.Config{
		Config: j.live(protocol.Kernel), Threads: j.Subject.Shape.Threads, Spec: w.Collection(), Entry: w.Entry.Name,
		Input: kernel.Input{Packet: workload.DefaultPacket(), Context: w.Context.Bytes}, Callers: j.Callers, AcrossPages: guest.ByEmulator(),
	}}
	if p := w.Context.Packet; p != nil {
		k.Input.Packet = p
	}
	if b := guest.NewBeacon(); b != nil { // the host wants to know in what a kernel died
		k.Began, k.Ended = b.Began, b.Ended
	}
	for _, p := range w.Programs {
		k.Programs = append(k.Programs, p.Name)
	}
	if k.fit, err = kernel.Survey(ctx, k.Config); err != nil {
		return nil, err
	}
	k.Spec, k.Programs, k.Keys = k.fit.Spec, k.fit.Programs, k.fit.Keys
	if len(k.Keys) == 0 {
		return nil, fmt.Errorf("%w: %s has no prog array whose keys change anything", kernel.ErrUnsupported, w.Entry.Name)
	}
	if k.workload, err = w.Fitted(k.Keys, k.Programs, k.Spec.Programs); err != nil {
		return nil, err
	}
	for _, key := range k.Keys {
		k.Lines = append(k.Lines, w.Lines(key))
	}
	if k.fit.Most > manySites && k.Callers == 0 {
		k.Callers = 1
	}
	if err := k.learn(ctx); err != nil {
		return nil, err
	}
	if k.fit.Most == 0 && k.Oracle == nil {
		return nil, fmt.Errorf("%w: no key changes a byte of its images, as its tail calls%s are indirect, and what it returns is not known: %s", errNothing, w.CalledAt(" at "), k.blind)
	}
	return k, nil
}

// errNothing says that a run would show nothing, though the kernel takes the subject.
var errNothing = errors.New("nothing to judge")

// manySites is how many sites of a key are many: a removal waits for a grace period for each of them, in
// each caller.
const manySites = 4

// learn finds out what may be returned.
func (k *kernelJob) learn(ctx context.Context) (err error) {
	there := k.workload.Context
	if there.Bytes, there.Unknown, err = k.Input.Seen(k.Spec.Programs[k.Entry].Type); err != nil {
		return err
	}
	begun := time.Now()
	oracle, err := k.workload.Oracle(ctx, &jit.V612, there) // the layout of today's kernels, as far as programs can tell
	if err == nil && oracle.Unknown() == "" {
		_, err = oracle.Legal(k.full())
	}
	switch {
	case err != nil: // then anything may be returned
		k.blind = err.Error()
	case oracle.Unknown() != "":
		k.blind = oracle.Unknown()
	case time.Since(begun) > foretell: // for each operation it is asked twice
		k.blind = "it takes too long to find out what it may return"
	case len(oracle.Outcomes()) > kernel.MaxOutcomes:
		k.blind = fmt.Sprintf("it may return %d different values", len(oracle.Outcomes()))
	default:
		k.blind = oracle.Blind()
		k.Oracle, k.Found = oracle, there.Bytes
	}
	return nil
}

// foretell is how long it may take to find out what may be returned, with any contents of the keys and
// with one.
const foretell = 2 * time.Second

// full are contents of the keys: each holds the first program.
func (k *kernelJob) full() [][]int {
	held := make([][]int, len(k.Keys))
	for i := range held {
		held[i] = []int{0}
	}
	return held
}

// recordsOfKernel is what can be noted of operations that a kernel carries out.
var recordsOfKernel = []protocol.EventKind{protocol.Called, protocol.Returned}

// runKernel runs, and holds what the mutator did and the watcher saw against the model.
func runKernel(ctx context.Context, j *Job, k *kernelJob) (Answer, error) {
	// Programs may have sites too: these are not watched, and what is said of the others does not
	// depend on them.
	subject := j.Subject
	subject.Shape = k.workload.Shape(subject.Shape.Threads)
	w := newWatch(subject, recordsOfKernel, j.kept())
	facts := kernel.FactsOf()
	ctx, cancel := w.attach(ctx, &k.Config.Config)
	defer cancel()
	res, err := kernel.Run(ctx, k.Config)
	if res == nil {
		return Answer{}, err
	}
	if t := res.Trace; t != nil {
		w.report(&res.Result)
		if res.Watch.Noted == 0 && t.Conforms {
			t.Conforms, t.Reason = false, "nothing was seen"
		}
	}
	if err := res.Keep(err); err != nil {
		return Answer{}, err
	}
	res.KernelFacts, res.Made, res.Left, res.As = facts, len(k.fit.Made), k.fit.Left, k.fit.As
	return Answer{Verdict: res.Verdict()}, j.writeTrace(res.Trace)
}
