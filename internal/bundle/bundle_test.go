package bundle

import (
	"archive/zip"
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"tailpoke/internal/schema"
	"tailpoke/stress/report"
)

var update = flag.Bool("update", false, "write the schema into docs/schemas")

// TestSchema: the file in docs/schemas says what bundle.json is.
func TestSchema(t *testing.T) {
	d := schema.Document{Name: Schema, Title: "what a bundle says of its finding", Parts: []any{Bundle{}}}
	if err := schema.Hold(d, *update); err != nil {
		t.Error(err)
	}
}

func some() *Bundle {
	return &Bundle{
		Schema: Schema, Seed: "0x2a", Job: []byte(`{"a": 1}`), Again: "stress soak --protocol /srv/someone/my.txt",
		Finding: report.Finding{Text: "at 0x7f3eaabbc040 of 0xdead0000dead, +0x50, 0x1037ab4", Log: []string{"RIP ffffffff81234567 on 10.1.2.3"}},
		Files:   map[string][]byte{Script: []byte("put 0 0\n"), Log: []byte("goroutine 1:\n\t/srv/someone/go/src/x/y.go:12 +0x1d\n\tsee /proc/self/maps\n")},
	}
}

// TestReadBack: what is written is read, and the same bundle is the same file.
func TestReadBack(t *testing.T) {
	file, err := some().Bytes()
	if err != nil || !Is(file) {
		t.Fatal(err)
	}
	again, _ := some().Bytes()
	if !bytes.Equal(file, again) {
		t.Error("two files of one bundle")
	}
	b, err := Read(file)
	if err != nil || b.Seed != "0x2a" || string(b.Files[Script]) != "put 0 0\n" || b.Finding.Text != some().Finding.Text {
		t.Errorf("%v: %+v", err, b)
	}
	for n := range len(file) { // one that is cut off is an error, and no panic
		if _, err := Read(file[:n]); err == nil {
			t.Fatalf("%d of %d bytes are a bundle", n, len(file))
		}
	}
}

// TestRefuses: an archive without a bundle, and one of another version.
func TestRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"": "it has no bundle.json", "{": "bundle.json: ", `{"schema":"stress/bundle/9"}`: "another version", `{"schema":"x"}`: "want",
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		if text != "" {
			w, err := z.Create(about)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(text))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(b.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestScrubber: names, folders and addresses of the machine go, and what the finding is about stays.
func TestScrubber(t *testing.T) {
	t.Setenv("USER", "someone")
	s, b := Here(), some()
	s.Apply(b)
	text := b.Finding.Text + "\n" + b.Finding.Log[0] + "\n" + b.Again + "\n" + string(b.Files[Log])
	for _, gone := range []string{"someone", "/srv", "7f3eaabbc040", "ffffffff81234567", "10.1.2.3"} {
		if strings.Contains(text, gone) {
			t.Errorf("%s is there: %s", gone, text)
		}
	}
	for _, stays := range []string{"0xdead0000dead", "+0x50", "0x1037ab4", "my.txt", "y.go:12", "/proc/self/maps", "goroutine 1"} {
		if !strings.Contains(text, stays) {
			t.Errorf("%s is gone: %s", stays, text)
		}
	}
	if host, err := os.Hostname(); err == nil && len(host) >= minName && host != "localhost" && s.Text("on "+host) != "on (name)" {
		t.Error("the host's name stays")
	}
	object := []byte("\x7fELF/srv/someone/src/x.c\x00main\x2f\x12\x00")
	clean := s.Object(object)
	if len(clean) != len(object) || bytes.Contains(clean, []byte("someone")) || !bytes.Contains(clean, []byte("x.c\x00main\x2f\x12")) {
		t.Errorf("%q", clean)
	}
}
