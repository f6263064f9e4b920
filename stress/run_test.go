package stress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/report"
)

// run judges a choice of subject, which must be valid. Where a busy machine let too little happen in
// the time given, it takes longer.
func run(t *testing.T, c Choice, o Options) *report.Document {
	t.Helper()
	s, target, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; o.Duration *= 5 {
		r, err := Run(context.Background(), s, target, o)
		if err != nil {
			t.Fatal(err)
		}
		idle := func(v report.Verdict) bool { return v.Verdict == protocol.Vacuous }
		if o.Duration == 0 || o.Duration > time.Minute || !slices.ContainsFunc(r.Verdicts, idle) {
			return r
		}
		t.Logf("nothing was tested in %v", o.Duration)
	}
}

// TestMainJob is the kernel's protocol on the program of the main job.
func TestMainJob(t *testing.T) {
	needCPU(t)
	c := Choice{}
	if testing.Short() {
		c.Sites = 1
	}
	r := run(t, c, Options{Duration: 2 * time.Second, Seed: 1})
	m, x, v := r.Of(protocol.Model), r.Of(protocol.Machine), r.Of(protocol.CPU)
	t.Logf("model %s: %d states in %.3f s; machine %s: %d states; cpu %s: %d executions, %d cycles, overlaps %+v",
		m.Verdict, m.States, m.Seconds, x.Verdict, x.States, v.Verdict, v.Executions, v.Cycles, v.OverlapsBy)
	if r.Verdict != report.Holds || m.Verdict != protocol.Proved || x.Verdict != protocol.Safe || v.Verdict != protocol.NotObserved {
		t.Errorf("%s: model %s, machine %s, cpu %s %v", r.Verdict, m.Verdict, x.Verdict, v.Verdict, v.Findings)
	}
	if v.Executions == 0 || v.Cycles == 0 || v.Pokes == 0 || v.Traps == 0 || v.Waits == 0 || v.Loads == 0 {
		t.Errorf("something never happened: %+v", v.CPUCounts)
	}
	if o := v.Outcomes; o.Skip == 0 || o.Tail == 0 || o.A+o.Torn+o.Crash+o.Other != 0 {
		t.Errorf("outcomes %+v", o)
	}
}

// TestSubjects judges the built-in protocols, layouts and methods in several shapes.
func TestSubjects(t *testing.T) {
	needCPU(t)
	for _, c := range []Choice{
		{Protocol: "batched", Sites: 4, Keys: 2, Programs: 3},
		{Protocol: "lazy", Sites: 3, Keys: 1},
		{Layout: "seed", Sites: 2, Keys: 1},
		{Layout: "seed"},
		{Layout: "v6.12+ibt", Sites: 1},
		{Protocol: "batched"},
		{Method: "word", Sites: 1},
		{Sites: 1, Threads: 2},
	} {
		r := run(t, c, Options{Engines: []protocol.Engine{protocol.CPU}, Duration: 500 * time.Millisecond, Seed: 2})
		if v := r.Of(protocol.CPU); v.Verdict != protocol.NotObserved {
			t.Errorf("%+v: %s %s %v", c, v.Verdict, v.Reason, v.Findings)
		}
	}
}

func TestWithoutPriorities(t *testing.T) {
	needCPU(t)
	r := run(t, Choice{Sites: 1, Threads: 8}, Options{
		Engines: []protocol.Engine{protocol.CPU}, Duration: time.Second, Seed: 3, NoBoost: true,
	})
	v := r.Of(protocol.CPU)
	if v.Verdict != protocol.NotObserved || v.Boosts != 0 {
		t.Errorf("%s %s, %d boosts, %v", v.Verdict, v.Reason, v.Boosts, v.Findings)
	}
}

// TestNothingOverlapped: a run that never updates has not tested updates.
func TestNothingOverlapped(t *testing.T) {
	needCPU(t)
	r := run(t, Choice{Sites: 1}, Options{
		Engines: []protocol.Engine{protocol.CPU}, Script: protocol.Script{{Kind: protocol.Put}, {Kind: protocol.Delete}},
	})
	if v := r.Of(protocol.CPU); v.Verdict != protocol.Vacuous || r.Verdict != report.NoAnswer || v.Reason == "" {
		t.Errorf("%s (%s), overall %s", v.Verdict, v.Reason, r.Verdict)
	}
}

func TestBoundIsNoAnswer(t *testing.T) {
	r := run(t, Choice{}, Options{Engines: []protocol.Engine{protocol.Model}, MaxStates: 10})
	if v := r.Of(protocol.Model); v.Verdict != protocol.Bounded || r.Verdict != report.NoAnswer {
		t.Errorf("%s, overall %s", v.Verdict, r.Verdict)
	}
}

func TestCancelledRunReports(t *testing.T) {
	needCPU(t)
	s, target, err := Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	r, err := Run(ctx, s, target, Options{Engines: []protocol.Engine{protocol.CPU}, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Of(protocol.CPU); v.Executions == 0 || v.Seconds > 60 {
		t.Errorf("%+v", v.CPUCounts)
	}
}

func TestBadSubjects(t *testing.T) {
	for _, c := range []Choice{
		{Threads: -1}, {Threads: 100_000}, {Layout: "v4.2"}, {Protocol: "none"}, {Protocol: "testdata"}, {Protocol: "./missing"},
		{Method: "none"}, {Grace: "none"}, {Entry: "x"}, {Object: "bpf/tailcalls.o"},
		{Object: "bpf/tailcalls.o", Entry: "x"}, {Object: "bpf/tailcalls.o", Entry: "dispatch", Sites: 1},
		{Object: "bpf/tailcalls.c", Entry: "dispatch"}, {Object: "bpf", Entry: "dispatch"},
		{Sites: -1}, {Sites: 1000}, {Programs: 1000}, {Keys: 1000}, {Sites: 1, Keys: 2},
	} {
		s, target, err := c.Resolve()
		if err == nil {
			_, err = Run(context.Background(), s, target, Options{Engines: []protocol.Engine{}})
		}
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestReportJSON pins the names that other programs read.
func TestReportJSON(t *testing.T) {
	raw, err := json.Marshal(run(t, Choice{Sites: 1}, Options{Engines: []protocol.Engine{protocol.Model}, Seed: 255}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"schema":"stress/verdict/2","subject":{"protocol":"kernel","method":"int3","grace":"epoch","layout":"v5.10","threads":16,"sites":1,"programs":2,"keys":1},"seed":"0xff","verdicts":[{"engine":"model","verdict":"proved"`,
		`"properties":["never-a"`, `"states":`, `"transitions":`, `"seconds":`, `"verdict":"holds"}`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}

// TestChildConforms: a run in a child process has its trace checked there.
func TestChildConforms(t *testing.T) {
	needCPU(t)
	s, target, err := Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if s.Method, err = protocol.ParseMethod("method bytes\n bytes; sync"); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	r, err := Run(context.Background(), s, target, Options{
		Engines: []protocol.Engine{protocol.CPU}, Script: protocol.Script{
			{Kind: protocol.Put}, {Kind: protocol.Load}, {Kind: protocol.Delete}, {Kind: protocol.Unload}, {Kind: protocol.Put},
		}, Trace: &text,
	})
	if err != nil {
		t.Fatal(err)
	}
	tr, items := r.Of(protocol.CPU).Trace, regexp.MustCompile(`(?m) at \d+$`).ReplaceAllString(text.String(), "")
	for _, part := range []string{"key 0 has 2 sites\nkey 0 remove called\n", "key 0 remove returned\nkey 0 has 1 site\nkey 0 install called "} {
		if tr == nil || !tr.Conforms || tr.Events == 0 || !strings.Contains(items, part) {
			t.Fatalf("%+v of\n%s, want %s", tr, text.String(), part)
		}
	}
}

// TestOneWitness: where both engines have a witness, the file has the machine's, whole; where that
// cannot judge, the model's; and none where nothing is violated.
func TestOneWitness(t *testing.T) {
	both := []protocol.Engine{protocol.Model, protocol.Machine}
	for mutant, want := range map[string]protocol.Engine{
		"no-grace": protocol.Machine, "no-mutex": protocol.Model, "free-after-wait": "",
	} {
		i := slices.IndexFunc(catalogue.Mutants(), func(m protocol.Mutant) bool { return m.Name == mutant })
		m := catalogue.Mutants()[i]
		s, w, err := Choice{Sites: 1}.Resolve()
		if err == nil {
			s, err = m.Apply(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		var kept bytes.Buffer
		r, err := Run(t.Context(), s, w, Options{Engines: both, Needs: m.Needs, Witness: &kept})
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Engine protocol.Engine }
		if kept.Len() > 0 {
			if err := json.Unmarshal(kept.Bytes(), &file); err != nil {
				t.Errorf("%s: %v", mutant, err)
			}
		}
		if file.Engine != want {
			t.Errorf("%s: the witness is of %q, want %q: %+v", mutant, file.Engine, want, r.Verdicts)
		}
	}
}

// TestRowsAsTheyCome: who reads along is told what is judged, and then each row, once and in the order
// of the document.
func TestRowsAsTheyCome(t *testing.T) {
	s, target, err := Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	var about []*report.Subject
	var rows []report.Verdict
	d, err := Run(t.Context(), s, target, Options{
		Engines: []protocol.Engine{protocol.Model, protocol.Machine},
		Begin:   func(s *report.Subject) { about = append(about, s) },
		Row:     func(v report.Verdict) { rows = append(rows, v) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(about) != 1 || about[0].Sites != 1 || len(rows) != 2 || len(d.Verdicts) != 2 {
		t.Fatalf("%d subjects, %d rows of %d", len(about), len(rows), len(d.Verdicts))
	}
	for i := range rows {
		if rows[i].Engine != d.Verdicts[i].Engine || rows[i].States != d.Verdicts[i].States {
			t.Errorf("row %d: %+v, in the document %+v", i, rows[i], d.Verdicts[i])
		}
	}
}

// TestProgressOfExploration: what explores says how far it is, while it is at it.
func TestProgressOfExploration(t *testing.T) {
	s, target, err := Choice{Sites: 8, Keys: 4, Programs: 6}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var first report.Progress
	d, err := Run(ctx, s, target, Options{
		Engines: []protocol.Engine{protocol.Model},
		Progress: func(p report.Progress) {
			first = p
			cancel()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if first.Engine != protocol.Model || !first.Explores || first.States == 0 || first.Level == 0 || first.Depth == 0 || first.Memory == 0 {
		t.Errorf("%+v", first)
	}
	if v := d.Of(protocol.Model); v.Verdict != protocol.Bounded || v.States < first.States {
		t.Errorf("%s after %d states, then %d", v.Verdict, first.States, v.States)
	}
}

// fails is an engine that the harness fails for.
type fails struct{ judge.Engine }

func (fails) Judge(context.Context, *judge.Job) (judge.Answer, error) {
	return judge.Answer{}, errors.New("the harness fails")
}

// TestErrorBehindAViolation: an engine that fails takes back no violation that another one has seen, nor
// its witness. Beside it nothing holds.
func TestErrorBehindAViolation(t *testing.T) {
	machine := judge.ByName(protocol.Machine)
	for name, want := range map[string]report.Overall{"forget-one": report.Violated, "epoch": ""} {
		s, w, err := Choice{Sites: 1, Threads: 2, Grace: name}.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		var witness bytes.Buffer
		o := Options{Witness: &witness}
		j, _, err := o.job(s, w)
		if err != nil {
			t.Fatal(err)
		}
		d, err := o.ask(t.Context(), j, []judge.Engine{machine, fails{machine}})
		switch {
		case err == nil:
			t.Errorf("%q: no error", name)
		case want == "" && d != nil:
			t.Errorf("%q: %s", name, d.Verdict)
		case want != "" && (d == nil || d.Verdict != want || witness.Len() == 0):
			t.Errorf("%q: %+v, %d bytes of a witness", name, d, witness.Len())
		}
	}
}
