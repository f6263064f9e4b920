package bundle

import (
	"archive/zip"
	"bytes"
	"flag"
	"io"
	"testing"

	"tailpoke/internal/schema"
	"tailpoke/stress/report"
)

var update = flag.Bool("update", false, "write the schema into docs/schemas")

// TestSchema: what a bundle says of itself is as its schema says, which says what the types say.
func TestSchema(t *testing.T) {
	err := schema.Hold(schema.Document{Name: Schema, Title: "bundle.json, in the bundle of a finding", Parts: []any{Bundle{}}}, *update)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bundle{
		Schema: Schema, Finding: report.Finding{Engine: "cpu", Kind: report.OfHang, Text: "it said nothing", Count: 1},
		Subject: &report.Subject{}, Job: []byte("{}"), Files: map[string][]byte{Log: []byte("a line")},
	}
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(about)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err == nil {
		err = schema.Check(text)
	}
	if err != nil {
		t.Error(err)
	}
}
