package matrix

import (
	"flag"
	"os"
	"testing"

	schemas "tailpoke/internal/schema"
	"tailpoke/stress/report"
)

var update = flag.Bool("update", false, "write the schema into docs/schemas")

// TestSchema: the file of an answer is as its schema says, which says what the types say.
func TestSchema(t *testing.T) {
	err := schemas.Hold(schemas.Document{
		Name: schema, Title: "an answer that stress vm matrix keeps", Parts: []any{keptCell{}},
	}, *update)
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{o: Options{State: t.TempDir()}}
	c := cellsOf(1)[0]
	a := report.MatrixCell{Verdict: report.Holds, Guest: &report.Guest{}, Document: []byte(`{"schema":"stress/verdict/2"}`)}
	if err := r.keep(c, &a); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(r.file(c))
	if err == nil {
		err = schemas.Check(raw)
	}
	if err != nil {
		t.Error(err)
	}
}
