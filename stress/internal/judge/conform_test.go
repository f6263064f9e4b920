package judge_test

import (
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// judged is what engines say of a choice.
func judged(t *testing.T, c stress.Choice, o stress.Options) *report.Document {
	t.Helper()
	s, w, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	r, err := stress.Run(t.Context(), s, w, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRunConforms: all that the patcher does in a run is a behaviour of the model, and is
// looked at; the trace that is written says so again.
func TestRunConforms(t *testing.T) {
	needCPU(t)
	for _, c := range []stress.Choice{
		{},
		{Protocol: "lazy", Sites: 4, Keys: 2, Programs: 3},
		{Protocol: "batched", Sites: 2},
		{Method: "word", Sites: 1},
	} {
		var text strings.Builder
		r := judged(t, c, stress.Options{Engines: []protocol.Engine{protocol.CPU}, Duration: 500 * time.Millisecond, Seed: 1, Trace: &text})
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
		if !again.Conforms || again.Overall() != report.Holds || uint64(again.Events) != tr.Consumed && again.Events < 25_000 {
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

// TestNotChecked: what the model has no room for is no finding, and not conforming either.
func TestNotChecked(t *testing.T) {
	needCPU(t)
	r := judged(t, stress.Choice{Sites: 9, Keys: 1}, stress.Options{
		Engines: []protocol.Engine{protocol.CPU}, Script: protocol.Script{{Kind: protocol.Put}, {Kind: protocol.Delete}},
	})
	v := r.Of(protocol.CPU)
	if tr := v.Trace; tr.Conforms || tr.Consumed != 0 || tr.Events == 0 || !strings.Contains(tr.Reason, "9 sites") || len(v.Findings) != 0 {
		t.Errorf("%+v, %v", tr, v.Findings)
	}
}

func TestCheckTrace(t *testing.T) {
	one := stress.Choice{Sites: 1}
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
	if _, err := checkTrace(stress.Choice{Protocol: "nosuch"}, "t.txt", ""); err == nil {
		t.Error("no such protocol, and no error")
	}
}

// checkTrace is CheckTrace's one section.
func checkTrace(c stress.Choice, file, text string) (*report.TraceCheck, error) {
	d, err := stress.CheckTrace(c, file, text)
	if err != nil {
		return nil, err
	}
	return d.Sections[0].(*report.TraceCheck), nil
}
