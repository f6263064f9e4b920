package stress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
)

// witnessSchema names what a witness file holds.
const witnessSchema = "stress/witness/2"

// Bounds of a witness file. A drawing has a column for each step.
const (
	maxWitnessFile  = 16 << 20 // bytes
	maxWitnessSteps = 4096
)

// WitnessFile is a witness of the model or of the machine engine as a file keeps it: what was
// judged, what of it was explored, and the choices that lead to the violation. It is the object
// "stress/witness/2". What the steps do is not in it: that is computed anew by [WitnessFile.Replay].
type WitnessFile struct {
	of   engineWitness
	name string // of the file, for errors
}

// An engineWitness is what a file holds, as the engine has it whose witness it is.
type engineWitness interface {
	common() *witnessHead
	steps() int
	// again takes the steps again on what the head resolves to.
	again(s protocol.Subject, t *Workload) (*takenAgain, error)
}

// witnessHead is what the files of both engines begin with.
type witnessHead struct {
	Schema   string            `json:"schema"`
	Engine   protocol.Engine   `json:"engine"`
	Property protocol.Property `json:"property"` // what the last step breaks, or the last ones that repeat
	Subject  witnessSubject    `json:"subject"`
	Source   workload.Source   `json:"source"`
}

// witnessSubject is a subject as text that needs no other file.
type witnessSubject struct {
	Protocol string `json:"protocol"` // its text
	Method   string `json:"method"`   // its text
	Grace    string `json:"grace"`
	Layout   string `json:"layout"`
	Threads  int    `json:"threads"` // of the subject; fewer are explored
}

func newWitnessHead(e protocol.Engine, p protocol.Property, s protocol.Subject, t *Workload) witnessHead {
	return witnessHead{
		Schema: witnessSchema, Engine: e, Property: p, Source: t.Source,
		Subject: witnessSubject{
			Protocol: s.Protocol.String(), Method: s.Method.String(), Grace: s.Grace.Name, Layout: s.Layout,
			Threads: s.Shape.Threads,
		},
	}
}

func (h *witnessHead) common() *witnessHead { return h }

// oneWitness has the writer for witnesses given at most one file, when the function that it returns
// is called: that of the engine that was asked last. It is the machine engine, if that has one: its
// witness has instructions, and can be taken to a real CPU.
func (o *Options) oneWitness() (give func() error) {
	out := o.Witness
	if out == nil {
		return func() error { return nil }
	}
	var last lastWrite
	o.Witness = &last
	return func() error {
		if len(last) == 0 {
			return nil
		}
		_, err := out.Write(last)
		return err
	}
}

// A lastWrite is what was written to it last.
type lastWrite []byte

// Write forgets what was written before.
func (l *lastWrite) Write(p []byte) (int, error) {
	*l = bytes.Clone(p)
	return len(p), nil
}

// writeWitness writes a witness as a file that [ReadWitness] takes, in one piece.
func writeWitness(out io.Writer, w engineWitness) error {
	if n := w.steps(); n > maxWitnessSteps {
		return fmt.Errorf("a witness of %d steps: a file holds at most %d", n, maxWitnessSteps)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(w); err != nil {
		return err
	}
	if b.Len() > maxWitnessFile {
		return fmt.Errorf("a witness of %d bytes: a file holds at most %d", b.Len(), maxWitnessFile)
	}
	_, err := b.WriteTo(out)
	return err
}

// ReadWitness reads a witness file of at most 16 MiB. An error names the file, and the line and
// column or the field that is at fault.
func ReadWitness(path string) (*WitnessFile, error) {
	raw, err := workload.ReadRegular(path, maxWitnessFile)
	if err != nil {
		return nil, err
	}
	w, err := parseWitness(raw)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return &WitnessFile{w, path}, nil
}

// parseWitness reads a file's content. What its errors begin with goes behind the file's name and a
// colon: line and column, or a blank.
func parseWitness(raw []byte) (engineWitness, error) {
	var head struct {
		Schema string          `json:"schema"`
		Engine protocol.Engine `json:"engine"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, jsonPlace(raw, err)
	}
	if head.Schema == "stress/witness/1" {
		return nil, fmt.Errorf(" schema: %q is an older version: judge the subject again, with --witness", head.Schema)
	}
	if head.Schema != witnessSchema {
		return nil, fmt.Errorf(" schema: %q: want %q", head.Schema, witnessSchema)
	}
	var w engineWitness
	switch head.Engine {
	case protocol.Model:
		w = &modelWitness{}
	case protocol.Machine:
		w = &machineWitness{}
	default:
		return nil, fmt.Errorf(" engine: %q: only witnesses of the %s and the %s engine can be replayed",
			head.Engine, protocol.Model, protocol.Machine)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return nil, jsonPlace(raw, err)
	}
	if n := w.steps(); n == 0 || n > maxWitnessSteps {
		return nil, fmt.Errorf(" choices: %d of them: want 1 to %d", n, maxWitnessSteps)
	}
	return w, nil
}

// jsonPlace puts line and column before an error of package json, where it has an offset.
func jsonPlace(raw []byte, err error) error {
	offset := int64(0)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	} else {
		return fmt.Errorf(" %w", err)
	}
	before := raw[:min(max(offset-1, 0), int64(len(raw)))]
	return fmt.Errorf("%d:%d: %w", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), err)
}

// resolve makes the subject and the target that a file is about.
func (h *witnessHead) resolve() (protocol.Subject, *Workload, error) {
	var s protocol.Subject
	var err error
	if s.Protocol, err = protocol.ParseProtocol(h.Subject.Protocol); err != nil {
		return s, nil, fmt.Errorf("subject.protocol:%w", err)
	}
	if s.Method, err = protocol.ParseMethod(h.Subject.Method); err != nil {
		return s, nil, fmt.Errorf("subject.method:%w", err)
	}
	if s.Grace, err = h.grace(); err != nil {
		return s, nil, fmt.Errorf("subject.grace: %w", err)
	}
	if _, err = jit.LayoutByName(h.Subject.Layout); err != nil {
		return s, nil, fmt.Errorf("subject.layout: %w", err)
	}
	t, err := h.Source.Workload(regress.Workload)
	if err != nil {
		return s, nil, fmt.Errorf("source: %w", err)
	}
	s.Layout, s.Shape = h.Subject.Layout, t.Shape(h.Subject.Threads)
	if _, err := check(s, t); err != nil {
		return s, nil, fmt.Errorf("subject: %w", err)
	}
	return s, t, nil
}

// grace finds the grace-period flavour of a file. The model has some of its own.
func (h *witnessHead) grace() (protocol.Grace, error) {
	own := protocol.ModelGraces()
	i := slices.IndexFunc(own, func(g protocol.Grace) bool { return g.Name == h.Subject.Grace })
	if h.Engine == protocol.Model && i >= 0 {
		return own[i], nil
	}
	return protocol.GraceByName(h.Subject.Grace)
}
