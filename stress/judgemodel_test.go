package stress

import (
	"context"
	"strings"
	"testing"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// modelOf asks the model about a target.
func modelOf(t *testing.T, s protocol.Subject, target *Workload, o Options) report.Verdict {
	t.Helper()
	s.Shape = target.Shape(1)
	v, err := judgeModel(context.Background(), s, target, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestModelShape: the model is asked for returns into a caller and for sites in programs
// where the target has them, and only there.
func TestModelShape(t *testing.T) {
	generated, err := workload.Generate(protocol.Shape{Sites: 2, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                   string
		target                 *Workload
		indirect, nested, deep bool
	}{
		{"generated", generated, false, false, false},
		{"default", DefaultWorkload(), true, true, false},
		{"hierarchy", workload.Hierarchy(), false, true, true}, // the key is given the entry itself
		{"tailcall_2", caseTarget(t, "tailcall_2"), true, false, true},
		{"bpf2bpf_4", caseTarget(t, "bpf2bpf_4"), true, true, true},
	} {
		s := protocol.DefaultSubject()
		s.Shape = c.target.Shape(1)
		shape := modelShape(s, c.target, Options{})
		if shape.Indirect != c.indirect || shape.Nested != c.nested || (c.target.Deep() != nil) != c.deep {
			t.Errorf("%s: %+v, deep %t", c.name, shape, (c.target.Deep() != nil))
		}
	}
}

func caseTarget(t *testing.T, name string) *Workload {
	t.Helper()
	target, err := regress.Workload(name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// TestModelDeep: a target whose programs have sites is judged with them and without, and
// where that is too much, the row says what it leaves out.
func TestModelDeep(t *testing.T) {
	s := protocol.DefaultSubject()
	target := caseTarget(t, "bpf2bpf_3")
	v := modelOf(t, s, target, Options{})
	if v.Verdict != protocol.Proved || v.Reason != "" {
		t.Errorf("found %s %s", v.Verdict, v.Reason)
	}
	s.Shape = target.Shape(1)
	flat := s
	flat.Shape = modelShape(s, target, Options{})
	less, err := model.Check(flat, model.Options{Progress: true})
	if err != nil || less.States >= v.States {
		t.Fatalf("%v: %d states without sites in programs, %d with them too", err, less.States, v.States)
	}
	v = modelOf(t, s, target, Options{MaxStates: int(less.States)})
	if v.Verdict != protocol.Safe || !strings.Contains(v.Reason, "programs without sites") {
		t.Errorf("with room for the caller's alone: found %s %q", v.Verdict, v.Reason)
	}
}
