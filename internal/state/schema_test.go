package state

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"tailpoke/internal/schema"
)

var update = flag.Bool("update", false, "write the schema into docs/schemas")

// TestSchema: the lines of a journal are as their schema says, which says what the types say: those
// that are written now, and those of the folder that is kept here.
func TestSchema(t *testing.T) {
	err := schema.Hold(schema.Document{Name: Schema, Title: "a line of a soak's journal", Parts: []any{Record{}}}, *update)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := open(t, dir)
	if err := f.Append(whole()...); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, dir := range []string{dir, filepath.Join("testdata", "version1")} {
		text, err := os.ReadFile(filepath.Join(dir, "journal.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
			if err := schema.CheckAs(Schema, line); err != nil {
				t.Errorf("%s: line %d: %v", dir, 1+i, err)
			}
		}
	}
	if schema.CheckAs(Schema, []byte(`{"tick":{"round":"1"}}`)) == nil {
		t.Error("the schema takes a line that is wrong")
	}
}
