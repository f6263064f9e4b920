package stress

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// MutantsOptions says how the zoo is judged.
type MutantsOptions struct {
	Names    []string      // nil: all
	Runs     int           // of the cpu engine, for each mutant; 0: one
	Duration time.Duration // of a cpu run that finds nothing; 0: DefaultDuration
	// SafeDuration is the same for mutants that are safe, which always take all of it.
	SafeDuration time.Duration
	Seed         uint64
	Engines      []protocol.Engine                    // nil: all
	Progress     func(m report.Mutant, done, all int) // after each
}

// Mutants judges mutants of a subject on a workload. If ctx ends, the report has the
// mutants that were judged until then.
func Mutants(ctx context.Context, s protocol.Subject, w *Workload, o MutantsOptions) (*report.Mutants, error) {
	zoo := catalogue.Mutants()
	if len(o.Names) > 0 {
		all := zoo
		zoo = nil
		for _, n := range o.Names {
			i := slices.IndexFunc(all, func(m protocol.Mutant) bool { return m.Name == n })
			if i < 0 {
				return nil, fmt.Errorf("unknown mutant %q", n)
			}
			zoo = append(zoo, all[i])
		}
	}
	out := &report.Mutants{Engines: MutantEngines(), Mutants: []report.Mutant{}, Agree: true}
	hierarchy := sync.OnceValue(workload.Hierarchy)
	for _, m := range zoo {
		r, err := runMutant(ctx, s, w, hierarchy, m, o)
		if err != nil {
			return out, err
		}
		out.Mutants = append(out.Mutants, r)
		out.Agree = out.Agree && r.Agree
		if o.Progress != nil {
			o.Progress(r, len(out.Mutants), len(zoo))
		}
	}
	return out, nil
}

func runMutant(ctx context.Context, s protocol.Subject, w *Workload, hierarchy func() *Workload, m protocol.Mutant, o MutantsOptions) (report.Mutant, error) {
	r := report.Mutant{
		Name: m.Name, Origin: m.Origin, Why: m.Why, Property: m.Property, Expect: m.Expect,
		Found: map[protocol.Engine]protocol.Verdict{}, Broke: map[protocol.Engine]protocol.Property{},
		Seconds: map[protocol.Engine]float64{},
	}
	for _, e := range m.Edits {
		r.Edits = append(r.Edits, e.String())
	}
	s, err := m.Apply(s)
	if err != nil {
		return r, err
	}
	if m.Program == protocol.Hierarchy {
		w = hierarchy()
	}
	for i := range max(1, o.Runs) {
		ro := Options{Engines: judgesOf(m, o.Engines), Duration: o.Duration, Seed: o.Seed + uint64(i), StopAtFirst: true, Needs: m.Needs}
		if m.Safe() {
			ro.Duration = o.SafeDuration
		}
		ro.Patience = 2 * ro.Duration // a busy machine needs longer
		if i > 0 {
			// The model gives the same answer again.
			if !slices.Contains(ro.Engines, protocol.CPU) {
				break
			}
			ro.Engines = []protocol.Engine{protocol.CPU}
		}
		judged, err := Run(ctx, s, w, ro)
		if err != nil {
			return r, err
		}
		addRun(&r, judged)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
	}
	sumRuns(&r, m)
	return r, nil
}

// addRun takes the verdicts of one run. A violation in one run is one of the mutant.
func addRun(r *report.Mutant, judged *report.Document) {
	for _, v := range judged.Verdicts {
		if r.Found[v.Engine] != protocol.Violated {
			r.Found[v.Engine] = v.Verdict
			r.Seconds[v.Engine] = v.Seconds
		}
		if v.Verdict == protocol.Violated {
			r.Broke[v.Engine] = v.Property
		}
		switch {
		case v.Engine == protocol.Model:
			r.Witness = v.Witness
		case v.CPUCounts == nil:
		case v.Verdict == protocol.Violated:
			r.Detections = append(r.Detections, v.FirstSeconds)
		default:
			r.Missed++
		}
	}
}

// sumRuns compares what was found with what must be.
func sumRuns(r *report.Mutant, m protocol.Mutant) {
	if n := len(r.Detections); n > 0 {
		slices.Sort(r.Detections)
		r.Seconds[protocol.CPU] = (r.Detections[(n-1)/2] + r.Detections[n/2]) / 2
	}
	if m.Safe() {
		r.Missed = 0 // nothing was there to be found
	}
	r.Agree = true
	for e, v := range r.Found {
		// Safe is proved within bounds, as it is for a target with indirect callers.
		asProved := v == protocol.Safe && m.Expect[e] == protocol.Proved
		r.Agree = r.Agree && (v == m.Expect[e] || asProved)
	}
	// What a CPU sees first depends on chance, but not that an execution never ends, nor
	// that most runs see anything.
	r.Agree = r.Agree && r.Broke[protocol.CPU] != protocol.Progress && r.Missed <= len(r.Detections)
	if p, ok := r.Broke[protocol.Model]; ok {
		r.Agree = r.Agree && p == m.Property
	}
	if len(r.Broke) == 0 {
		r.Broke = nil
	}
}

// MutantEngines are the engines that mutants are judged by: those of which some mutant expects
// something. A kernel has one protocol alone.
func MutantEngines() []Engine {
	return slices.DeleteFunc(Engines(), func(e Engine) bool {
		return !slices.ContainsFunc(catalogue.Mutants(), func(m protocol.Mutant) bool { return m.Expect[e] != "" })
	})
}

// judgesOf are the engines that are asked and of which something is expected.
func judgesOf(m protocol.Mutant, asked []protocol.Engine) []protocol.Engine {
	out := []protocol.Engine{} // not nil, which would be all
	for _, e := range MutantEngines() {
		if _, expected := m.Expect[e]; expected && (asked == nil || slices.Contains(asked, e)) {
			out = append(out, e)
		}
	}
	return out
}
