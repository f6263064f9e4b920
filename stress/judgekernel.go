package stress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

// MaxCallers is how many copies of the entry the kernel engine executes at most.
const MaxCallers = kernel.MaxCallers

// recordsOfKernel is what can be noted of operations that a kernel carries out.
var recordsOfKernel = []protocol.EventKind{protocol.Called, protocol.Returned}

// judgeKernel runs the target's programs in the running kernel. It has one protocol, one poke method
// and one flavour of grace periods: of other subjects it can say nothing.
func judgeKernel(ctx context.Context, s protocol.Subject, t *Workload, _ *jit.Layout, o Options) (report.Verdict, error) {
	if err := kernel.Supported(); err != nil {
		return report.Verdict{Verdict: protocol.Skipped, Reason: err.Error()}, nil
	}
	if other := notTheKernels(s); other != "" {
		return report.Verdict{Verdict: protocol.Unsupported, Reason: other}, nil
	}
	c, blind, err := kernelConfig(s, t, o)
	switch {
	case errors.Is(err, kernel.ErrUnsupported):
		return report.Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	case err != nil:
		return report.Verdict{}, err
	}
	v, err := runKernel(ctx, s, t, c, o)
	if err != nil || v.Verdict != protocol.NotObserved {
		return v, err
	}
	return kernelHonest(v, t, blind), nil
}

// kernelHonest takes back what a run without a finding does not say, and says what it cannot show.
func kernelHonest(v report.Verdict, t *Workload, blind string) report.Verdict {
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
	} else if err := t.Traceable(); err != nil {
		add("%v", err)
	}
	switch {
	case k.Unwatched != "":
		add("nobody saw its sites change: %s", k.Unwatched)
	case k.Watch.Error != "":
		add("the watcher ended early: %s", k.Watch.Error)
	}
	if k.Uncheckable != "" {
		add("few executions were checked: %s", k.Uncheckable)
	}
	v.Reason = strings.Join(why, "; ")
	return v
}

// notTheKernels says in what a subject is not what a kernel carries out; "" if it is.
func notTheKernels(s protocol.Subject) string {
	d := protocol.DefaultSubject()
	for _, part := range []struct{ what, asked, has string }{
		{"protocol", s.Protocol.String(), d.Protocol.String()},
		{"poke method", s.Method.String(), d.Method.String()},
		{"grace flavour", s.Grace.Name, d.Grace.Name},
	} {
		if part.asked != part.has {
			return "a kernel has a " + part.what + " of its own"
		}
	}
	return ""
}

// kernelConfig says what the kernel runs, and knows what that may return: the kernel is asked what
// programs find in their context. blind says what of it the run cannot show, "" if nothing.
func kernelConfig(s protocol.Subject, t *Workload, o Options) (c kernel.Config, blind string, err error) {
	spec := t.Collection()
	in := kernel.Input{Packet: t.Context.Packet, Context: t.Context.Bytes}
	there := t.Context
	if there.Bytes, err = in.Seen(spec.Programs[t.Entry.Name].Type); err != nil {
		return c, "", err
	}
	layout, err := jit.LayoutByName(kernelLayout)
	if err != nil {
		return c, "", err
	}
	c = kernel.Config{
		Threads: s.Shape.Threads, Spec: spec, Entry: t.Entry.Name, Input: in,
		Callers: o.Callers, Seed: o.Seed, Duration: o.Duration, Script: o.Script, StopAtFirst: o.StopAtFirst,
	}
	if c.Duration == 0 && len(c.Script) == 0 {
		c.Duration = DefaultDuration
	}
	for _, p := range t.Programs {
		c.Programs = append(c.Programs, p.Name)
	}
	c.Keys = t.Keys
	oracle, err := t.Oracle(layout, there)
	switch {
	case err != nil: // then anything may be returned
		blind = err.Error()
	case len(oracle.Outcomes()) > kernel.MaxOutcomes:
		blind = fmt.Sprintf("it may return %d different values", len(oracle.Outcomes()))
	default:
		blind = oracle.Blind()
		c.Legal = oracle.Legal
		c.Found = there.Bytes
		c.WrittenLo, c.WrittenHi = oracle.Written()
		for _, out := range oracle.Outcomes() {
			c.Outcomes = append(c.Outcomes, kernel.Outcome(out))
		}
	}
	if o.Progress != nil {
		c.Progress = func(r kernel.Result) { o.Progress(protocol.Kernel, *kernelResult(&r)) }
	}
	return c, blind, nil
}

// kernelLayout is the layout of the kernels that are asked, as far as programs can tell.
const kernelLayout = "v6.12"

// runKernel runs and holds what the mutator did and the watcher saw against the model.
func runKernel(ctx context.Context, s protocol.Subject, t *Workload, c kernel.Config, o Options) (report.Verdict, error) {
	keep := 0
	if o.Trace != nil && !o.asks(protocol.CPU) { // one file holds one trace
		keep = maxKept
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start, after := time.Now(), time.Duration(0)
	// Programs may have sites too: nobody watches these, and what is said of the others does not
	// depend on them.
	w := newWatch(s, nil, t.Keys, recordsOfKernel, keep)
	w.missed = func() {
		if after = time.Since(start); c.StopAtFirst {
			cancel()
		}
	}
	events := uint64(0)
	c.Trace = func(items []protocol.Item) {
		for _, it := range items {
			if it.Kind == protocol.Happened {
				events++
			}
		}
		w.take(items)
	}
	facts := kernel.FactsOf()
	res, err := kernel.Run(ctx, c)
	switch {
	case errors.Is(err, kernel.ErrUnsupported):
		return report.Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	case err != nil:
		return report.Verdict{}, fmt.Errorf("the kernel: %w", err)
	}
	out := kernelResult(res)
	if res.Watch != nil {
		out.Trace = &report.Trace{Events: events}
		w.report(out, after)
		if res.Watch.Noted == 0 && out.Trace.Conforms {
			out.Trace.Conforms, out.Trace.Reason = false, "nothing was seen"
		}
		if keep > 0 {
			if _, err := io.WriteString(o.Trace, out.Trace.Text); err != nil {
				return report.Verdict{}, err
			}
			out.Trace.Text = ""
		}
	}
	v := cpuVerdict(out)
	v.PatcherCounts = nil // the kernel tells nobody
	v.Kernel = &report.KernelCounts{
		KernelFacts: facts, Callers: cmp.Or(c.Callers, kernel.DefaultCallers), Uncheckable: res.Uncheckable, Checked: res.Checked, Unchecked: res.Unchecked,
		Releases: res.Releases, Frees: res.Frees, Overlapped: res.Overlapped, Latencies: res.Latencies, Unwatched: res.Unwatched,
	}
	if res.Watch != nil {
		v.Kernel.Watch = &res.Watch.Watch
		v.Kernel.Phases, v.Kernel.Foreign = res.Watch.Coverage(s.Protocol, s.Method)
	}
	return v, nil
}

// kernelResult puts a result in the words of the cpu engine.
func kernelResult(r *kernel.Result) *cpu.Result {
	out := &cpu.Result{
		Executions: r.Executions, Installs: r.Installs, Updates: r.Updates, Removes: r.Removes, Cycles: r.Cycles, Loads: r.Loads,
		Overlaps: report.Overlaps{Install: r.OverlapsInstall, Update: r.OverlapsUpdate, Remove: r.OverlapsRemove, Several: r.OverlapsSeveral},
		Skips:    r.Skips, Tails: r.Tails, Bad: r.Bad, Seconds: r.Seconds, FirstSeconds: r.FirstSeconds, Boosted: true,
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, cpu.Finding{Class: cpu.Class(f.Class), Thread: f.Thread, Who: f.Who, Text: f.Text, Count: f.Count})
	}
	return out
}
