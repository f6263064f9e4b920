package metrics

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"tailpoke/stress/report"
)

// ContentType is that of the text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Text writes what a document of a soak says.
func Text(w io.Writer, d *report.Document) error {
	var f families
	f.about(d)
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		f.of(gauge, "verdict_info", "What the engine says of the subject.").
			add(1, "engine", string(v.Engine), "verdict", string(v.Verdict), "property", string(v.Property))
		if v.CPUCounts != nil {
			f.counts(string(v.Engine), v.CPUCounts)
		}
	}
	for _, s := range d.Sections {
		if s, ok := s.(*report.Soak); ok {
			f.soak(s)
		}
	}
	f.findings(d)
	return f.write(w)
}

// about says what is soaked, and by what.
func (f *families) about(d *report.Document) {
	if t := d.Tool; t.Version != "" {
		f.of(gauge, "build_info", "The command that soaks.").add(1, "version", t.Version, "revision", t.Revision, "go", t.Go)
	}
	if s := d.Subject; s != nil {
		f.of(gauge, "subject_info", "What is soaked.").
			add(1, "protocol", s.Protocol, "method", s.Method, "grace", s.Grace, "layout", s.Layout)
		f.of(gauge, "subject_threads", "Threads that execute the subject.").add(float64(s.Threads))
	}
}

// counts are those of a live engine.
func (f *families) counts(engine string, c *report.CPUCounts) {
	of := func(name, help string, n uint64, labels ...string) {
		f.of(counter, name, help).add(float64(n), append([]string{"engine", engine}, labels...)...)
	}
	of("executions_total", "Executions of the entry.", c.Executions)
	const operations = "Operations of the mutator that were carried out."
	of("operations_total", operations, c.Installs, "operation", "install")
	of("operations_total", operations, c.Updates, "operation", "update")
	of("operations_total", operations, c.Removes, "operation", "remove")
	of("cycles_total", "Installs that were followed by an update and a remove.", c.Cycles)
	of("loads_total", "Copies of the entry that were loaded.", c.Loads)
	const overlaps = "Executions that ran while an operation did."
	of("overlaps_total", overlaps, c.OverlapsBy.Install, "operation", "install")
	of("overlaps_total", overlaps, c.OverlapsBy.Update, "operation", "update")
	of("overlaps_total", overlaps, c.OverlapsBy.Remove, "operation", "remove")
	of("overlaps_total", overlaps, c.OverlapsBy.Several, "operation", "several")
	const outcomes = "Executions by what became of them; skip and tail are as they must be."
	for _, o := range []struct {
		name  string
		count uint64
	}{
		{"skip", c.Outcomes.Skip}, {"tail", c.Outcomes.Tail}, {"a", c.Outcomes.A}, {"torn", c.Outcomes.Torn},
		{"crash", c.Outcomes.Crash}, {"other", c.Outcomes.Other}, {"unrecorded", c.Outcomes.Unrecorded},
	} {
		of("outcomes_total", outcomes, o.count, "outcome", o.name)
	}
	if p := c.PatcherCounts; p != nil {
		of("pokes_total", "Pokes that changed a byte.", p.Pokes)
		of("traps_total", "Threads that met int3 in a poke.", p.Traps)
		of("late_traps_total", "Of these, traps whose poke was over when they were handled.", p.LateTraps)
		of("grace_periods_total", "Grace periods that operations waited for.", p.Waits)
	}
	if n := c.Near; n != nil {
		of("watched_pokes_total", "Pokes at whose beginning it was looked where threads stood.", n.Pokes)
		of("near_pokes_total", "Of these, pokes that began while a thread stood between the slots of a site.", n.InWindow)
		of("near_threads_total", "Threads that stood there, over all these pokes.", n.Threads)
	}
	if t := c.Trace; t != nil {
		of("trace_events_total", "Events of the patcher.", t.Events)
		of("trace_checked_events_total", "Of these, events that the model explains.", t.Consumed)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Durations)) {
		f.durations(engine, name, c.Durations[name])
	}
}

// durations is a histogram. Its sum is not known: it is left out, and so are empty buckets.
func (f *families) durations(engine, name string, h report.Histogram) {
	of := f.of(histogram, "duration_seconds", "How long operations took, and grace periods; the sum is not kept.")
	below := uint64(0)
	bucket := func(bound string) {
		of.samples = append(of.samples, sample{"_bucket", []string{"engine", engine, "of", name, "le", bound}, float64(below)})
	}
	for i, n := range h {
		below += n
		if i < report.HistogramBuckets-1 { // the last one has no bound
			bucket(strconv.FormatFloat(h.Bound(i)*1e-6, 'g', 6, 64))
		}
	}
	bucket("+Inf")
	of.samples = append(of.samples, sample{"_count", []string{"engine", engine, "of", name}, float64(below)})
}

// soak is what is known of a soak alone.
func (f *families) soak(s *report.Soak) {
	f.of(counter, "runs_total", "Starts of the command on the state.").add(float64(len(s.Runs)))
	if began, err := time.Parse(time.RFC3339, s.Began); err == nil {
		f.of(gauge, "began_timestamp_seconds", "When the first run began.").add(float64(began.Unix()))
	}
	for i := range s.Engines {
		f.engine(&s.Engines[i])
	}
}

// failures are the ends of rounds that nobody wanted. The others are no counters: that of a round in
// progress is not known yet.
var failures = []report.End{report.Crashed, report.Hung, report.Grew, report.Failed}

func (f *families) engine(e *report.SoakEngine) {
	engine := []string{"engine", string(e.Engine)}
	f.of(counter, "rounds_total", "Rounds that were begun, each in a process of its own.").add(float64(e.Rounds), engine...)
	for _, end := range failures {
		f.of(counter, "failed_rounds_total", "Rounds that ended as no round should.").
			add(float64(e.Ends[end]), append(slices.Clone(engine), "end", string(end))...)
	}
	f.of(counter, "run_seconds_total", "How long the engine ran, over all rounds.").add(e.Seconds, engine...)
	f.of(counter, "trials_total", "Cycles that bound the rate of violations.").add(float64(e.Trials), engine...)
	if len(e.Series) == 0 {
		return
	}
	last := &e.Series[len(e.Series)-1]
	bound := last.RateMax
	if bound == 0 { // something was seen
		bound = 1
	}
	f.of(gauge, "violation_rate_bound_ratio", "Violations a cycle at most, with confidence; 1 says nothing, as where one was seen.").
		add(bound, engine...)
	f.of(gauge, "sample_timestamp_seconds", "When the engine said this.").add(float64(last.At), engine...)
	for _, p := range []struct {
		name string
		has  report.Resources
	}{{"child", last.Child}, {"parent", last.Parent}} {
		labels := append(slices.Clone(engine), "process", p.name)
		f.of(gauge, "memory_resident_bytes", "Resident memory, of the process of the round and of the one that keeps the state.").
			add(float64(p.has.Memory), labels...)
		f.of(gauge, "open_files", "Descriptors of these.").add(float64(p.has.Files), labels...)
		f.of(gauge, "goroutines", "Goroutines of these.").add(float64(p.has.Goroutines), labels...)
		f.of(gauge, "threads", "Threads of these, as the system counts them.").add(float64(p.has.Threads), labels...)
	}
}

// findings are those of the document and of its verdicts, summed by what they are.
func (f *families) findings(d *report.Document) {
	all := slices.Clone(d.Findings)
	for i := range d.Verdicts {
		all = append(all, d.Verdicts[i].Findings...)
	}
	type what struct{ engine, kind, property string }
	count, distinct := map[what]int{}, map[what]int{}
	var order []what
	for i := range all {
		is := what{string(all[i].Engine), string(all[i].Kind), string(all[i].Property)}
		if distinct[is]++; distinct[is] == 1 {
			order = append(order, is)
		}
		count[is] += all[i].Count
	}
	for _, is := range order {
		labels := []string{"engine", is.engine, "kind", is.kind, "property", is.property}
		f.of(counter, "findings_total", "How often something was found.").add(float64(count[is]), labels...)
		f.of(gauge, "distinct_findings", "Findings, equal ones counted once.").add(float64(distinct[is]), labels...)
	}
}
