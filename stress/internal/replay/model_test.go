package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/report"
)

// mutantNamed finds a mutant of the zoo.
func mutantNamed(t *testing.T, name string) protocol.Mutant {
	t.Helper()
	i := slices.IndexFunc(catalogue.Mutants(), func(m protocol.Mutant) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no mutant %s", name)
	}
	return catalogue.Mutants()[i]
}

// modelKept has the model judge a mutant; it returns the witness file and the verdict.
func modelKept(t *testing.T, mutant string) ([]byte, *report.Verdict) {
	t.Helper()
	m := mutantNamed(t, mutant)
	s, err := m.Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	return kept(t, protocol.Model, s, generated(t, 1), judge.Options{Needs: m.Needs})
}

// TestModelWitnessRoundTrip keeps witnesses of the model, replays them from the file alone, and draws
// them: the table must be the one that the model printed, and the machine engine is asked.
func TestModelWitnessRoundTrip(t *testing.T) {
	for _, tt := range []struct {
		mutant  string
		actors  string
		machine protocol.Verdict
		hint    bool // the machine engine has a witness too
	}{
		{"no-grace", "mutator, thread 0", protocol.Violated, true},
		{"bytes", "mutator, thread 0", protocol.Violated, true},
		{"free-without-wait", "mutator, thread 0", protocol.Safe, false}, // its target has no indirect caller
		{"no-mutex", "mutator, mutator 1, thread 0", protocol.Unsupported, false},
		{"late-untrack", "mutator, loader, thread 0", protocol.Unsupported, false},
		{"never-forget", "mutator, thread 0", protocol.Unsupported, false},
		{"wait-inside", "mutator, thread 0", protocol.Unsupported, false},
		{"quiet-grace", "mutator, thread 0, thread 1", protocol.Unsupported, false},
	} {
		t.Run(tt.mutant, func(t *testing.T) {
			kept, v := modelKept(t, tt.mutant)
			if v.Verdict != protocol.Violated || len(kept) == 0 {
				t.Fatalf("%s %s, %d bytes kept", v.Verdict, v.Reason, len(kept))
			}
			r, err := replayed(t, kept)
			if err != nil {
				t.Fatal(err)
			}
			if !sameWitness(r.Witness, v.Witness) || r.Property != v.Property || r.Steps != v.Depth {
				t.Errorf("replayed: %s in %d steps\n%v\nfound: %s in %d\n%v", r.Property, r.Steps, r.Witness,
					v.Property, v.Depth, v.Witness)
			}
			if repeats := v.Property == protocol.Progress; r.Cycle > 0 != repeats {
				t.Errorf("%s: the last %d steps repeat", v.Property, r.Cycle)
			}
			if actors := strings.Join(actorsOf(r.Witness), ", "); actors != tt.actors {
				t.Errorf("lanes of %s; want %s", actors, tt.actors)
			}
			if r.Engine != protocol.Model || r.Model != nil || r.Machine == nil || r.Machine.Verdict != tt.machine {
				t.Errorf("%s: model %v, machine %+v; want %s", r.Engine, r.Model, r.Machine, tt.machine)
			}
			hint := strings.Contains(r.CPU.Text, "stress run --engine machine --witness")
			if r.CPU.Outcome != report.NotStepped || !strings.Contains(r.CPU.Text, "no instructions") || hint != tt.hint {
				t.Errorf("cpu: %+v", r.CPU)
			}
			checkDrawing(t, r)
		})
	}
}

// TestEveryModelWitness: whatever mutant the model finds guilty, its witness is one again.
func TestEveryModelWitness(t *testing.T) {
	mutants, taken, least := catalogue.Mutants(), 0, 40
	if testing.Short() {
		mutants, least = mutants[:12], 8
	}
	for _, m := range mutants {
		if m.Expect[protocol.Model] != protocol.Violated {
			continue
		}
		kept, found := modelKept(t, m.Name)
		r, err := replayed(t, kept)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		if !sameWitness(r.Witness, found.Witness) {
			t.Errorf("%s: replayed:\n%v\nfound:\n%v", m.Name, r.Witness, found.Witness)
		}
		checkDrawing(t, r)
		taken++
	}
	if taken < least {
		t.Errorf("only %d witnesses", taken)
	}
}

// TestChoicesOfFiles: the steps that are taken again are those of the file.
func TestChoicesOfFiles(t *testing.T) {
	for _, mutant := range []string{"no-mutex", "late-untrack", "quiet-grace"} {
		kept, _ := modelKept(t, mutant)
		r, err := replayed(t, kept)
		if err != nil {
			t.Fatal(err)
		}
		var w file
		if err := json.Unmarshal(kept, &w); err != nil {
			t.Fatal(err)
		}
		if same := slices.EqualFunc(r.Witness.Choices(), w.Choices, witness.Choice.Same); !same || len(w.Choices) == 0 {
			t.Errorf("%s: %+v; want %+v", mutant, r.Witness.Choices(), w.Choices)
		}
	}
}

// TestCorruptModelWitness changes one thing in a good file at a time. Each error names the place.
func TestCorruptModelWitness(t *testing.T) {
	good, _ := modelKept(t, "no-grace")
	lasso, _ := modelKept(t, "wait-inside")
	choices := func(w map[string]any) []any { return w["choices"].([]any) }
	shape := func(w map[string]any) map[string]any { return w["explored"].(map[string]any)["shape"].(map[string]any) }
	first := func(w map[string]any) map[string]any { return choices(w)[0].(map[string]any) }
	for _, tt := range []struct {
		file   []byte
		want   string
		change func(w map[string]any)
	}{
		{good, `engine: "": only witnesses of the model, the machine and the steered engine`, func(w map[string]any) { delete(w, "engine") }},
		{good, `json: unknown field "shape"`, func(w map[string]any) { w["engine"] = "machine" }},
		{good, `actor: a number cannot stand there`, func(w map[string]any) {
			w["choices"] = []any{map[string]any{"actor": -1, "do": "enter"}}
		}},
		{good, `json: unknown field "fetch"`, func(w map[string]any) { first(w)["fetch"] = "cc" }},
		{good, `json: unknown field "script"`, func(w map[string]any) { w["explored"].(map[string]any)["script"] = nil }},
		{good, `json: unknown field "depth"`, func(w map[string]any) { shape(w)["depth"] = 1 }},
		{good, `explored.shape.threads: 0: want 1 or more`, func(w map[string]any) { delete(w, "explored") }},
		{good, `explored.shape.threads: -1: want 1 or more`, func(w map[string]any) { shape(w)["threads"] = -1 }},
		{good, `explored.shape: the model does not support this subject: 99 sites`, func(w map[string]any) { shape(w)["sites"] = 99 }},
		{good, `explored.shape: the model does not support this subject: -1 copies`, func(w map[string]any) { shape(w)["copies"] = -1 }},
		{good, `subject.grace: unknown`, func(w map[string]any) { w["subject"].(map[string]any)["grace"] = "x" }},
		{good, `choices: 0 of them: want 1 to 4096`, func(w map[string]any) { w["choices"] = []any{} }},
		{good, `do: "dances" is no action`, func(w map[string]any) { first(w)["do"] = "dances" }},
		{good, `: there is no such step; possible are`, func(w map[string]any) {
			w["choices"].([]any)[0] = map[string]any{"actor": "mutator", "do": "waited"}
		}},
		{good, `recorded: model: step 3, `, func(w map[string]any) { w["choices"] = choices(w)[:3] }},
		{good, `nothing may follow it`, func(w map[string]any) { w["choices"] = append(choices(w), choices(w)[0]) }},
		{good, `of them: want 1 to 4096`, func(w map[string]any) {
			w["choices"] = slices.Repeat(choices(w), maxSteps/len(choices(w))+1)
		}},
		{good, `recorded: `, func(w map[string]any) { w["property"] = "fresh" }},
		{lasso, `does not repeat for ever, and follows one that does`, func(w map[string]any) { delete(choices(w)[len(choices(w))-1].(map[string]any), "round") }},
		{lasso, `subject.grace: unknown`, func(w map[string]any) {
			w["engine"], w["explored"], w["choices"] = "machine", map[string]any{"threads": 1}, []any{map[string]any{"actor": "thread 0", "do": "enter"}}
		}},
	} {
		var w map[string]any
		if err := json.Unmarshal(tt.file, &w); err != nil {
			t.Fatal(err)
		}
		tt.change(w)
		content, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		_, err = replayed(t, content)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "w.json:") {
			t.Errorf("%v\nwant %s", err, tt.want)
		}
		if recorded := strings.HasPrefix(tt.want, "recorded"); errors.Is(err, judge.ErrNotReplayed) != recorded {
			t.Errorf("%v: is judge.ErrNotReplayed %v, want %v", err, !recorded, recorded)
		}
	}
}

// TestLongWitness: what no file holds is not written, rather than refused when it is read.
func TestLongWitness(t *testing.T) {
	s := protocol.DefaultSubject()
	j, err := judge.NewJob(s, generated(t, 1), judge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	long := slices.Repeat([]witness.Choice{{Action: witness.Act(witness.Enter)}}, maxSteps+1)
	var b bytes.Buffer
	if err := Write(&b, j, &judge.Answer{Recorded: &judge.Recorded{Choices: long}}); err == nil || b.Len() > 0 {
		t.Errorf("%d bytes are written: %v", b.Len(), err)
	}
}
