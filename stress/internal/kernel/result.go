package kernel

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Class is what was wrong with an execution, in the words of the cpu engine.
type Class string

// The classes of findings.
const (
	ClassA         Class = "a"         // callee-saved registers were lost: an unwind, and no tail call
	ClassRegisters Class = "registers" // a value that no path returns
	ClassMiss      Class = "miss"      // it fell through a key that held a program
	ClassStale     Class = "stale"     // it ran a program that its key did not hold
	ClassBytes     Class = "bytes"     // a slot held what is no instruction of it
	ClassEndless   Class = "endless"   // an operation did not end
)

// Finding is something that broke a property.
type Finding struct {
	Class  Class
	Thread int    // that saw it, or None
	Who    string // saw it where no thread did
	Text   string
	Count  int
}

// Result is what a run saw.
type Result struct {
	Executions uint64
	Checked    uint64 // of these, against what was legal
	Unchecked  uint64 // spanned too many phases for that
	Installs   uint64
	Updates    uint64
	Removes    uint64
	Cycles     uint64 // removes of a program that an update had put there
	Loads      uint64 // copies of the entry that came and went
	Releases   uint64 // prog arrays that were let go while a caller's sites jumped
	Frees      uint64 // programs that only their key held

	// Overlapped counts, by kind, the operations beside which the entry was executed by checkers.
	Overlapped                                                       map[string]uint64
	OverlapsInstall, OverlapsUpdate, OverlapsRemove, OverlapsSeveral uint64

	Skips, Tails uint64 // executions that returned what those without a tail call return, and others
	Bad          uint64
	Findings     []Finding

	Latencies    map[string]report.Latency // by operation
	Watch        *Watch                    // nil: nobody watched
	Unwatched    string                    // why
	Uncheckable  string                    // why no caller checked itself, though what is legal was known
	Seconds      float64
	FirstSeconds float64 // when the first finding was noticed; 0 if there is none
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

// outcomeOf is an outcome that a value with these bits is, or nil.
func (r *run) outcomeOf(bits uint64) *Outcome {
	for i := range r.Outcomes {
		if bits>>i&1 != 0 {
			return &r.Outcomes[i]
		}
	}
	return nil
}

// classify says what was wrong with an execution.
func (r *run) classify(e record) Finding {
	f := Finding{Thread: None, Who: "checker", Count: 1}
	o := r.outcomeOf(r.bits[e.value])
	switch {
	case e.lost:
		f.Class, f.Text = ClassA, fmt.Sprintf("returned %#x without its caller's R6 to R9", e.value)
	case o == nil:
		f.Class, f.Text = ClassRegisters, fmt.Sprintf("returned %#x, which no path returns", e.value)
	case o.Skip && !o.Tail:
		f.Class, f.Text = ClassMiss, fmt.Sprintf("returned %#x, having fallen through a key that held a program, %s", e.value, r.when(e))
	default:
		f.Class, f.Text = ClassStale, fmt.Sprintf("returned %#x, of a program that the key did not hold, %s", e.value, r.when(e))
	}
	return f
}

func (r *run) when(e record) string {
	if _, kind, known := r.clock.between(e.from, e.to); known && kind != kindNone && kind != kindSeveral {
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
		Installs: r.installs.Load(), Updates: r.updates.Load(), Removes: r.removes.Load(), Cycles: r.cycles.Load(),
		Loads: r.loads.Load(), Releases: r.releases.Load(), Frees: r.frees.Load(),
		Overlapped: map[string]uint64{}, Unchecked: t.unchecked, Bad: t.bad, Seconds: time.Since(r.start).Seconds(),
	}
	for op := range r.overlapped {
		res.Overlapped[protocol.OpKind(op).String()] = r.overlapped[op].Load()
	}
	overlaps := t.overlaps
	for i, n := range t.counts {
		res.Executions += n
		if i == len(t.counts)-1 {
			break // no outcome
		}
		if o := r.outcomeOf(r.values[i].bits); o.Tail {
			res.Tails += n
		} else {
			res.Skips += n
		}
	}
	res.Checked = res.Executions - t.unchecked
	for _, e := range t.records {
		res.Findings = append(res.Findings, r.classify(e))
	}
	for _, th := range r.threads {
		res.Executions += th.executions.Load()
		res.Checked += th.checked.Load()
		res.Unchecked += th.unchecked.Load()
		res.Skips += th.skips.Load()
		res.Tails += th.tails.Load()
		res.Bad += th.bad.Load()
		for k := range overlaps {
			overlaps[k] += th.overlaps[k].Load()
		}
		th.mu.Lock()
		res.Findings = append(res.Findings, th.findings...)
		th.mu.Unlock()
	}
	res.OverlapsInstall, res.OverlapsUpdate = overlaps[1+protocol.Install], overlaps[1+protocol.Update]
	res.OverlapsRemove, res.OverlapsSeveral = overlaps[1+protocol.Remove], overlaps[kindSeveral]
	return res, nil
}

// order ranks the classes: what says most about the fault comes first.
var order = []Class{ClassBytes, ClassA, ClassMiss, ClassStale, ClassRegisters, ClassEndless}

const keepFindings = 16

// merge counts equal findings as one and puts those first that say most.
func merge(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		i := slices.IndexFunc(out, func(o Finding) bool { return o.Class == f.Class && o.Text == f.Text })
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Count += f.Count
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return slices.Index(order, a.Class) - slices.Index(order, b.Class)
	})
	return out[:min(len(out), keepFindings)]
}
