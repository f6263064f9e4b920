package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// Result is what a run saw.
type Result struct {
	live.Result
	report.KernelCounts // but for facts, which do not depend on the run
	// WaitedForReader counts the operations that ended only when a held sleepable reader went on.
	WaitedForReader uint64
}

// Verdict is what it comes to.
func (r *Result) Verdict() report.Verdict {
	counted := r.Result
	if r.Idle != "" { // operations need no executions beside them
		counted.Overlaps = report.Overlaps{Install: 1, Update: 1, Remove: 1}
	}
	v := counted.Verdict()
	v.Overlaps, v.OverlapsBy = r.Overlaps.Sum(), r.Overlaps
	v.Kernel = &r.KernelCounts
	return v
}

// latencies are recorded in nanoseconds, up to a minute.
type latencies [protocol.OpKinds]*hdrhistogram.Histogram

func newLatencies() latencies {
	var l latencies
	for i := range l {
		l[i] = hdrhistogram.New(1, time.Minute.Nanoseconds(), 3)
	}
	return l
}

func (l *latencies) add(op protocol.OpKind, d time.Duration) {
	_ = l[op].RecordValue(min(d.Nanoseconds(), time.Minute.Nanoseconds()))
}

func (l *latencies) sum() map[string]report.Latency {
	out := map[string]report.Latency{}
	us := func(ns int64) float64 { return float64(ns) / 1000 }
	for op, h := range l {
		out[protocol.OpKind(op).String()] = report.Latency{
			Count: h.TotalCount(), Median: us(h.ValueAtPercentile(50)), P90: us(h.ValueAtPercentile(90)),
			P99: us(h.ValueAtPercentile(99)), Max: us(h.Max()),
		}
	}
	return out
}

// outcomeOf is what values with these bits are, all in one.
func (r *run) outcomeOf(bits uint64) (out live.Outcome) {
	for i, o := range r.outcomes() {
		if bits>>i&1 != 0 {
			out.Skip, out.Tail = out.Skip || o.Skip, out.Tail || o.Tail
		}
	}
	return out
}

// classify says what was wrong with an execution.
func (r *run) classify(e record) live.Finding {
	f := live.Finding{Thread: live.None, Who: "checker", Count: 1}
	o := r.outcomeOf(r.bits[e.value])
	switch {
	case e.lost:
		f.Class, f.Text = live.ClassA, fmt.Sprintf("returned %#x without its caller's R6 to R9", e.value)
	case o == live.Outcome{}:
		f.Class, f.Text = live.ClassRegisters, fmt.Sprintf("returned %#x, which no path returns", e.value)
	case o.Skip && !o.Tail:
		f.Class = live.ClassMiss
		f.Text = fmt.Sprintf("returned %#x, having fallen through a key that held a program, %s", e.value, r.when(e))
	case o.Skip:
		f.Class = live.ClassStale
		f.Text = fmt.Sprintf("returned %#x, of a program that the key did not hold, or having fallen through where it held one, %s", e.value, r.when(e))
	default:
		f.Class = live.ClassStale
		f.Text = fmt.Sprintf("returned %#x, of a program that the key did not hold, %s", e.value, r.when(e))
	}
	return f
}

func (r *run) when(e record) string {
	_, kind, known := r.clock.between(e.from, e.to)
	if known && kind != kindNone && kind != kindSeveral {
		return "beside one " + protocol.OpKind(kind-1).String()
	}
	if e.from == e.to {
		return "between operations"
	}
	return "beside operations"
}

// counts reads the counters; the run may go on.
func (r *run) counts() (Result, error) {
	var t tally
	if err := readRows(r.rows, &t); err != nil {
		return Result{}, err
	}
	res := Result{
		Result: r.driver.Counts(),
		KernelCounts: report.KernelCounts{
			Callers: r.Callers, Releases: r.releases.Load(), Frees: r.frees.Load(), Unchecked: t.unchecked,
			Overlapped: map[string]uint64{}, Unwatched: r.unwatched, Uncheckable: r.uncheckable,
			Windows: r.windows, Idle: r.idle, Experiment: len(r.tried) > 0,
		},
	}
	res.Bad = t.bad
	for op := range r.overlapped {
		res.Overlapped[protocol.OpKind(op).String()] = r.overlapped[op].Load()
	}
	overlaps := t.overlaps
	for i, n := range t.counts {
		res.Executions += n
		if i == len(t.counts)-1 {
			break // no outcome
		}
		res.Count(r.outcomeOf(r.values[i].bits), n)
	}
	res.Canaries = res.Executions
	if r.Oracle != nil {
		res.Checked = res.Executions - t.unchecked
	}
	for _, e := range t.records {
		res.Findings = append(res.Findings, r.classify(e))
	}
	for _, th := range r.threads {
		res.Executions += th.executions.Load()
		res.Checked += th.checked.Load()
		res.Unchecked += th.unchecked.Load()
		res.Skips += th.skips.Load()
		res.Tails += th.tails.Load()
		res.Unknown += th.unknown.Load()
		res.Bad += th.bad.Load()
		for k := range overlaps {
			overlaps[k] += th.overlaps[k].Load()
		}
		th.mu.Lock()
		res.Findings = append(res.Findings, th.findings...)
		th.mu.Unlock()
	}
	res.Overlaps = report.Overlaps{
		Install: overlaps[1+protocol.Install], Update: overlaps[1+protocol.Update],
		Remove: overlaps[1+protocol.Remove], Several: overlaps[kindSeveral],
	}
	return res, nil
}

// enough says whether a run that ended now would say anything.
func (r *run) enough() bool {
	res, err := r.counts()
	return err != nil || res.Verdict().Verdict != protocol.Vacuous
}

// graceSamples is how many grace periods are measured: each takes some 10 ms.
const graceSamples = 5

// FactsOf asks the running kernel. What cannot be read is left out.
func FactsOf() report.KernelFacts {
	f := report.KernelFacts{
		Release: read("/proc/sys/kernel/osrelease"), Version: read("/proc/sys/kernel/version"),
		JIT:         readAll("/proc/sys/net/core/bpf_jit_*"),
		Mitigations: readAll("/sys/devices/system/cpu/vulnerabilities/*"),
	}
	var took []time.Duration
	for range graceSamples {
		start := time.Now()
		if !gracePeriod() {
			return f
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	f.GraceMS = float64(took[graceSamples/2].Microseconds()) / 1000
	return f
}

// readAll reads the files of a pattern, by their names.
func readAll(pattern string) map[string]string {
	out := map[string]string{}
	paths, _ := filepath.Glob(pattern) // fails on a malformed pattern alone
	for _, p := range paths {
		if text := read(p); text != "" {
			out[filepath.Base(p)] = text
		}
	}
	return out
}

func read(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
