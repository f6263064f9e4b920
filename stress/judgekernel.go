package stress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
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
		Config: o.live(protocol.Kernel), Threads: s.Shape.Threads, Spec: spec, Entry: t.Entry.Name, Input: in, Callers: o.Callers,
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
		c.Oracle, c.Found = oracle, there.Bytes
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
	// Programs may have sites too: nobody watches these, and what is said of the others does not
	// depend on them.
	w := newWatch(s, nil, t.Keys, recordsOfKernel, keep)
	facts := kernel.FactsOf()
	ctx, cancel := w.attach(ctx, &c.Config)
	defer cancel()
	res, err := kernel.Run(ctx, c)
	switch {
	case errors.Is(err, kernel.ErrUnsupported):
		return report.Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	case err != nil:
		return report.Verdict{}, fmt.Errorf("the kernel: %w", err)
	}
	if t := res.Trace; t != nil {
		w.report(&res.Result)
		if res.Watch.Noted == 0 && t.Conforms {
			t.Conforms, t.Reason = false, "nothing was seen"
		}
		if keep > 0 {
			if _, err := io.WriteString(o.Trace, t.Text); err != nil {
				return report.Verdict{}, err
			}
			t.Text = ""
		}
	}
	res.KernelFacts = facts
	return res.Verdict(), nil
}
