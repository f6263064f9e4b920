package stress

import (
	"context"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// TestRunConforms: all that the patcher does in a run is a behaviour of the model, and is
// looked at; the trace that is written says so again.
func TestRunConforms(t *testing.T) {
	needCPU(t)
	for _, c := range []Choice{
		{},
		{Protocol: "lazy", Sites: 4, Keys: 2, Programs: 3},
		{Protocol: "batched", Sites: 2},
		{Method: "word", Sites: 1},
	} {
		var text strings.Builder
		r := run(t, c, Options{Engines: []protocol.Engine{protocol.CPU}, Duration: 500 * time.Millisecond, Seed: 1, Trace: &text})
		v := r.Of(protocol.CPU)
		tr := v.Trace
		if v.Verdict != protocol.NotObserved || tr == nil || !tr.Conforms || tr.Consumed == 0 || tr.Consumed+tr.Omitted != tr.Events || tr.Text != "" {
			t.Fatalf("%+v: %s %v, trace %+v", c, v.Verdict, v.Findings, tr)
		}
		if said := strings.Contains(text.String(), " omitted "); said != (tr.Omitted > 0) {
			t.Errorf("%+v: the trace says of omitted operations: %v; %+v", c, said, tr)
		}
		again, err := checkTrace(c, "t.txt", text.String())
		if err != nil {
			t.Fatal(err)
		}
		if !again.Conforms || again.Overall() != report.Holds || uint64(again.Events) != tr.Consumed && again.Events < maxKept/2 {
			t.Errorf("%+v: read back: %+v", c, again)
		}
		other := c
		if other.Protocol = "batched"; c.Protocol == "batched" {
			other.Protocol = "kernel"
		}
		if again, err = checkTrace(other, "t.txt", text.String()); err != nil || again.Overall() != report.Violated || again.Line == 0 || len(again.Allowed) == 0 {
			t.Errorf("%+v as %s: %v, %+v", c, other.Protocol, err, again)
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
	tr := r.Of(protocol.CPU).Trace
	for _, part := range []string{"key 0 has 2 sites\nkey 0 remove called\n", "key 0 remove returned\nkey 0 has 1 sites\nkey 0 install called "} {
		if tr == nil || !tr.Conforms || tr.Events == 0 || !strings.Contains(text.String(), part) {
			t.Fatalf("%+v of\n%s, want %s", tr, text.String(), part)
		}
	}
}

// config is what the cpu engine runs of a choice.
func config(t *testing.T, c Choice) cpu.Config {
	t.Helper()
	s, target, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	layout, err := check(s, target)
	if err != nil {
		t.Fatal(err)
	}
	s.Shape = target.Shape(s.Shape.Threads)
	cfg := cpu.Config{Config: live.Config{Duration: time.Minute, Seed: 1, StopAtFirst: true}, Subject: s, Layout: layout}
	if cfg.Oracle, err = target.Oracle(layout, target.Context); err != nil {
		t.Fatal(err)
	}
	if err := configure(&cfg, target); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestPatcherGoneWrong: a patcher that carries out another protocol than the one that is
// judged is found, though no execution goes wrong. It is the first finding, and ends a run
// that ends with the first one.
func TestPatcherGoneWrong(t *testing.T) {
	needCPU(t)
	cfg := config(t, Choice{Sites: 2, Threads: 2})
	judged := cfg
	judged.Subject.Protocol = config(t, Choice{Protocol: "batched"}).Subject.Protocol
	w := newWatch(judged.Subject, judged.Programs, judged.Keys, nil, 0)
	ctx, cancel := w.attach(context.Background(), &cfg.Config)
	defer cancel()
	res, err := cpu.Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.report(&res.Result)
	if res.Seconds > 40 {
		t.Errorf("the run went on for %.1f s", res.Seconds)
	}
	v := res.Verdict()
	const want = "the model allows key 0 remove poked site 1 bypass=jump"
	if v.Verdict != protocol.Violated || v.Property != protocol.Conformance || len(v.Findings) != 1 ||
		v.Findings[0].Place != (report.Place{}) || v.Findings[0].Property != protocol.Conformance ||
		!strings.HasPrefix(v.Findings[0].Text, "item ") || !strings.HasSuffix(v.Findings[0].Text, want) {
		t.Errorf("%s %s: %+v", v.Verdict, v.Property, v.Findings)
	}
	if v.Trace.Conforms || v.Trace.Consumed == 0 || v.Outcomes.Other != 1 || v.FirstSeconds == 0 {
		t.Errorf("%+v, %+v", v.Trace, v.CPUCounts)
	}
}

// TestNotChecked: what the model has no room for is no finding, and not conforming either.
func TestNotChecked(t *testing.T) {
	needCPU(t)
	r := run(t, Choice{Sites: 9, Keys: 1}, Options{
		Engines: []protocol.Engine{protocol.CPU}, Script: protocol.Script{{Kind: protocol.Put}, {Kind: protocol.Delete}},
	})
	v := r.Of(protocol.CPU)
	if tr := v.Trace; tr.Conforms || tr.Consumed != 0 || tr.Events == 0 || !strings.Contains(tr.Reason, "9 sites") || len(v.Findings) != 0 {
		t.Errorf("%+v, %v", tr, v.Findings)
	}
}

func TestCheckTrace(t *testing.T) {
	one := Choice{Sites: 1}
	for text, want := range map[string]report.Overall{
		"":                        report.NoAnswer,
		"key 0 has 1 sites":       report.NoAnswer,
		"key 0 has 9 sites":       report.NoAnswer,
		"key 0 install called p1": report.Holds,
		"key 0 remove called":     report.Violated,
		"key 0 saw site 0 bypass=jump target=nop": report.Holds,
		"key 0 saw site 0 bypass=nop target=nop":  report.Violated,
	} {
		r, err := checkTrace(one, "t.txt", text)
		if err != nil {
			t.Fatal(err)
		}
		if r.Overall() != want || r.Conforms != (want == report.Holds) || (r.Reason != "") != (want == report.NoAnswer) || (r.Line != 0) != (want == report.Violated) {
			t.Errorf("%q: %+v", text, r)
		}
	}
	if _, err := checkTrace(one, "t.txt", "key 0\nkey 0 install jumped"); err == nil || err.Error() != "t.txt:1:6: expected install, update, remove, saw, has or omitted, found the end of the text" {
		t.Error(err)
	}
	if _, err := checkTrace(Choice{Protocol: "nosuch"}, "t.txt", ""); err == nil {
		t.Error("no such protocol, and no error")
	}
}

// checkTrace is CheckTrace's one section.
func checkTrace(c Choice, file, text string) (*report.TraceCheck, error) {
	d, err := CheckTrace(c, file, text)
	if err != nil {
		return nil, err
	}
	return d.Sections[0].(*report.TraceCheck), nil
}
