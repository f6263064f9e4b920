package judge

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
)

// jobOf is the default subject on a workload, with one thread.
func jobOf(t *testing.T, w *workload.Workload, o Options) *Job {
	t.Helper()
	s := protocol.DefaultSubject()
	s.Shape.Threads = 1
	j, err := NewJob(s, w, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// asked is what an engine says of a job.
func asked(t *testing.T, e Engine, j *Job) Answer {
	t.Helper()
	a, err := Ask(t.Context(), e, j)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestModelShape: the model is asked for returns into a caller and for sites in programs
// where the workload has them, and only there.
func TestModelShape(t *testing.T) {
	generated, err := workload.Generate(protocol.Shape{Sites: 2, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                   string
		workload               *workload.Workload
		indirect, nested, deep bool
	}{
		{"generated", generated, false, false, false},
		{"default", workload.Default(), true, true, false},
		{"hierarchy", workload.Hierarchy(), false, true, true}, // the key is given the entry itself
		{"tailcall_2", caseOf(t, "tailcall_2"), true, false, true},
		{"bpf2bpf_4", caseOf(t, "bpf2bpf_4"), true, true, true},
	} {
		shape, deep := shapeFor(jobOf(t, c.workload, Options{})), c.workload.Deep() != nil
		if shape.Indirect != c.indirect || shape.Nested != c.nested || deep != c.deep {
			t.Errorf("%s: %+v, deep %t", c.name, shape, deep)
		}
	}
}

func caseOf(t *testing.T, name string) *workload.Workload {
	t.Helper()
	w, err := regress.Workload(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestModelDeep: a workload whose programs have sites is judged with them and without, and
// where that is too much, the row says what it leaves out.
func TestModelDeep(t *testing.T) {
	w := caseOf(t, "bpf2bpf_3")
	j := jobOf(t, w, Options{})
	v := asked(t, modelEngine{}, j)
	if v.Verdict.Verdict != protocol.Proved || v.Reason != "" {
		t.Errorf("found %s %s", v.Verdict.Verdict, v.Reason)
	}
	flat := j.Subject
	flat.Shape = shapeFor(j)
	less, err := model.Check(flat, model.Options{Progress: true})
	if err != nil || less.States >= v.States {
		t.Fatalf("%v: %d states without sites in programs, %d with them too", err, less.States, v.States)
	}
	v = asked(t, modelEngine{}, jobOf(t, w, Options{MaxStates: int(less.States)}))
	if v.Verdict.Verdict != protocol.Safe || !strings.Contains(v.Reason, "programs without sites") {
		t.Errorf("with room for the caller's alone: found %s %q", v.Verdict.Verdict, v.Reason)
	}
}

// TestWitnessShape: every field of a shape comes back from a file.
func TestWitnessShape(t *testing.T) {
	var full protocol.Shape
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.CanInt() {
			f.SetInt(int64(i + 1))
		} else {
			f.SetBool(true)
		}
	}
	text, err := json.Marshal(modelShape(full))
	if err != nil {
		t.Fatal(err)
	}
	var back modelShape
	if err := json.Unmarshal(text, &back); err != nil || protocol.Shape(back) != full {
		t.Errorf("%+v came back as %+v: %v", full, back, err)
	}
	if lower := strings.ToLower(string(text)); lower != string(text) {
		t.Errorf("%s has names with capitals", text)
	}
}
