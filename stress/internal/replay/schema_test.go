package replay

import (
	"bytes"
	"encoding/json"
	"flag"
	"testing"

	schemas "tailpoke/internal/schema"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
)

var update = flag.Bool("update", false, "write the schema into docs/schemas")

// TestSchema: the schema of witness files says what the types say. A file of each engine is as it
// says, and what the command refuses for its form the schema refuses too.
func TestSchema(t *testing.T) {
	var explored []any
	for _, e := range []protocol.Engine{protocol.Model, protocol.Machine} {
		explored = append(explored, judge.ByName(e).(judge.Replayer).Explored())
	}
	err := schemas.Hold(schemas.Document{
		Name: schema, Title: "a witness that stress replay reads", Parts: []any{file{}}, Closed: true, Any: explored,
	}, *update)
	if err != nil {
		t.Fatal(err)
	}
	machine, _ := keptWitness(t, "no-grace", generated(t, 1), "")
	s, err := mutantNamed(t, "no-grace").Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	model, _ := kept(t, protocol.Model, s, generated(t, 1), judge.Options{})
	for _, raw := range [][]byte{machine, model} {
		if err := schemas.Check(raw); err != nil {
			t.Error(err)
		}
	}
	for name, spoil := range map[string]func(map[string]any){
		"no engine":         func(w map[string]any) { delete(w, "engine") },
		"another engine":    func(w map[string]any) { w["engine"] = "cup" },
		"another property":  func(w map[string]any) { w["property"] = "never-b" },
		"an unknown field":  func(w map[string]any) { w["x"] = 1 },
		"choices are a map": func(w map[string]any) { w["choices"] = map[string]any{} },
		"a key in letters":  func(w map[string]any) { w["choices"].([]any)[0].(map[string]any)["key"] = "a" },
		"an unknown choice": func(w map[string]any) { w["choices"].([]any)[0].(map[string]any)["x"] = 1 },
	} {
		var w map[string]any
		if err := json.Unmarshal(machine, &w); err != nil {
			t.Fatal(err)
		}
		spoil(w)
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if schemas.Check(raw) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
		if _, _, err := parse(bytes.TrimSpace(raw)); err == nil {
			t.Errorf("%s: the command takes it", name)
		}
	}
}
