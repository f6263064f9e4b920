package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// cpuEngine asks package cpu, in a child process where it must.
type cpuEngine struct{}

func (cpuEngine) Name() protocol.Engine { return protocol.CPU }
func (cpuEngine) Live() bool            { return true }
func (cpuEngine) Missing() error        { return exec.Supported() }

func (cpuEngine) About() string {
	return "the image's own bytes on this machine's CPUs, patched live: not-observed, violated or vacuous"
}

func (cpuEngine) Properties() []protocol.Property { return onRealCPUs() }

// onRealCPUs are the properties of the engines that see executions as they come.
func onRealCPUs() []protocol.Property { return append(live.Properties(), protocol.Conformance) }

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
	if m := j.Subject.Method; cpu.MayTear(m) && !hasText(m) {
		return unsupported("a process of its own reads the poke method as text, which has no word for all of its steps"), nil
	}
	if why := j.limits(ctx, j.Workload.Context); why != "" {
		return unsupported(why), nil
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
	case errors.As(err, &place) || errors.As(err, &align) || errors.Is(err, patcher.ErrNoRoom):
		return unsupported(err.Error()), nil
	case err != nil:
		return Answer{}, err
	}
	a := Answer{Verdict: res.Verdict()}
	if a.Verdict.Verdict == protocol.NotObserved {
		a.Verdict = j.unbounded(cpuHonest(a.Verdict, j, oracle))
	}
	return a, j.writeTrace(a.Trace)
}

// hasText reports whether a method's text is read back.
func hasText(m protocol.Method) bool {
	read, err := protocol.ParseMethod(m.String())
	return err == nil && read.Same(m)
}

// cpuHonest takes back what a run without a finding does not say, and says what it cannot show.
func cpuHonest(v report.Verdict, j *Job, o *workload.Oracle) report.Verdict {
	w, tails := j.Workload, max(v.Outcomes.Tail, v.Traps) // what trapped was at a site
	if least := j.live(protocol.CPU).MinCycles; tails < max(1, least) && j.duration() > 0 {
		v.Verdict, v.RateMax, v.Confidence = protocol.Vacuous, 0, 0
		v.Reason = fmt.Sprintf("%d executions are known to have taken a tail call, or to have been at one while it was poked, of at least %d", tails, max(1, least))
		return v
	}
	why := []string{o.Blind()}
	if tails < v.Cycles { // each of them saw one cycle at most
		v.RateMax = min(1, v.RateMax*float64(v.Cycles)/float64(tails))
		why = append(why, fmt.Sprintf("%d executions are known to have taken a tail call or trapped at one, fewer than there were cycles", tails))
	}
	if v.Outcomes.Tail == 0 { // traps alone say which
		why = append(why, "nothing tells which program ran")
		v.Properties = slices.DeleteFunc(slices.Clone(v.Properties), func(p protocol.Property) bool { return p == protocol.NoMiss || p == protocol.Fresh })
	}
	if err := w.Poked(); err != nil {
		why = append(why, err.Error())
	} else if err := w.Traceable(); err != nil {
		why = append(why, err.Error())
		v.Properties = slices.DeleteFunc(slices.Clone(v.Properties), func(p protocol.Property) bool { return p == protocol.NeverA })
	}
	v.Reason = strings.Join(slices.DeleteFunc(why, func(s string) bool { return s == "" }), "; ")
	return v
}

// foretold is the job, and what its workload may return. Where that is not known, or is the same with
// and without a tail call, its keys are given markers as well, which show what can be shown, and the
// packet is the one with which most trials end in a marker.
func (j *Job) foretold(ctx context.Context) (*Job, *workload.Oracle, error) {
	oracle, err := j.Workload.Oracle(ctx, j.Layout, j.Workload.Context)
	tails := func(o live.Outcome) bool { return o.Tail && !o.Skip }
	if err != nil || oracle.Unknown() == "" && slices.ContainsFunc(oracle.Outcomes(), tails) {
		return j, oracle, err
	}
	more := *j
	best, err := j.Workload.Best(j.Layout, func() (workload.Context, error) { return j.bestContext(more) })
	if err != nil {
		return j, nil, err
	}
	if more.Workload, err = j.Workload.Marked(best); err == nil {
		oracle, err = more.Workload.Oracle(ctx, j.Layout, best)
	}
	return &more, oracle, err
}

// bestContext is the context with which most trials end in a marker.
func (j *Job) bestContext(more Job) (best workload.Context, err error) {
	best, most := j.Workload.Context, uint64(0)
	for _, there := range j.Workload.Contexts() {
		if more.Workload, err = j.Workload.Marked(there); err != nil {
			return best, err
		}
		c, err := cpuConfig(&more, more.Workload.Blind(j.Layout, there))
		if err != nil {
			return best, err
		}
		n, err := cpu.Reaches(c, more.Workload.Markers())
		if err != nil {
			return best, err
		}
		if n > most || n == 0 && most == 0 && there.Objects { // with numbers alone less can happen
			best, most = there, n
		}
	}
	return best, nil
}

// cpuConfig says what the engine runs.
func cpuConfig(j *Job, oracle *workload.Oracle) (cpu.Config, error) {
	w := j.Workload
	c := cpu.Config{
		Config: j.live(protocol.CPU), Subject: j.Subject, Layout: j.Layout, NoBoost: j.NoBoost,
		Entry: w.Entry, Programs: w.Programs, Maps: w.Maps, Ctx: w.Context.Bytes, Packet: w.Context.Packet,
	}
	c.Oracle, c.Any, c.Objects = oracle, oracle.Unknown() != "" || w.CallsUnknown(), w.Context.Objects
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
	if res != nil {
		w.report(&res.Result)
		err = res.Keep(err)
	}
	return res, err
}
