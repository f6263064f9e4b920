package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tailpoke/stress/report"
)

// Schema is that of bundle.json.
const Schema = "stress/bundle/1"

// The names of files in a bundle; images lie in a folder.
const (
	Witness = "witness.json"
	Script  = "script.txt"
	Shrunk  = "shrunk.txt"
	Trace   = "trace.txt"
	Log     = "log.txt"
	Images  = "images/"
	about   = "bundle.json"
)

// Bounds of what is read: files, and bytes of each.
const (
	maxFiles = 256
	maxBytes = 32 << 20
)

// Bundle is a finding, and what must be known to see it again.
type Bundle struct {
	Schema  string          `json:"schema"`
	Finding report.Finding  `json:"finding"`
	Subject *report.Subject `json:"subject,omitempty"`
	// Job is the whole subject and its workload, as text that needs no other file.
	Job     json.RawMessage `json:"job,omitempty"`
	Seed    string          `json:"seed,omitempty"` // of the round
	Seconds float64         `json:"seconds"`        // that the round took
	Again   string          `json:"again,omitempty"`
	Tool    report.Tool     `json:"tool"`
	Machine report.Machine  `json:"machine"`
	Guest   *report.Guest   `json:"guest,omitempty"`
	// Verdicts are what engines say of the subject that give the same answer in every run.
	Verdicts []report.Verdict `json:"verdicts,omitempty"`

	Files map[string][]byte `json:"-"` // by the names above
}

// Bundled is what a document says of it.
func (b *Bundle) Bundled() *report.Bundled {
	return &report.Bundled{Finding: b.Finding, Seed: b.Seed, Tool: b.Tool, Machine: b.Machine, Guest: b.Guest}
}

// Is reports whether the beginning of a file is that of a bundle.
func Is(file []byte) bool { return bytes.HasPrefix(file, []byte("PK\x03\x04")) }

// Bytes is the bundle as a file.
func (b *Bundle) Bytes() ([]byte, error) {
	head, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name string, content []byte) {
		w, e := z.Create(name) // without a time: the same bundle is the same file
		if e == nil {
			_, e = w.Write(content)
		}
		err = errors.Join(err, e)
	}
	add(about, append(head, '\n'))
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		if len(b.Files[name]) > 0 {
			add(name, b.Files[name])
		}
	}
	err = errors.Join(err, z.Close())
	return out.Bytes(), err
}

// Read reads a bundle. An error names the file in it.
func Read(file []byte) (*Bundle, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("%d files: a bundle has at most %d", len(z.File), maxFiles)
	}
	b := &Bundle{Files: map[string][]byte{}}
	var head []byte
	for _, f := range z.File {
		content, err := readFile(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if f.Name == about {
			head = content
		} else {
			b.Files[f.Name] = content
		}
	}
	if head == nil {
		return nil, fmt.Errorf("it has no %s", about)
	}
	if err := json.Unmarshal(head, b); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	if b.Schema != Schema {
		newer := ""
		if strings.HasPrefix(b.Schema, "stress/bundle/") {
			newer = ": another version of this command made it"
		}
		return nil, fmt.Errorf("%s: schema: %q: want %q%s", about, b.Schema, Schema, newer)
	}
	return b, nil
}

// readFile reads a file of an archive, which may say that it is shorter than it is.
func readFile(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err == nil && len(content) > maxBytes {
		err = fmt.Errorf("more than %d bytes", maxBytes)
	}
	return content, err
}
