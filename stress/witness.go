package stress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/machine"
)

// witnessSchema names what a witness file holds.
const witnessSchema = "stress/witness/1"

// Bounds of a witness file. A drawing has a column for each step.
const (
	maxWitnessFile  = 16 << 20 // bytes
	maxWitnessSteps = 4096
)

// WitnessFile is a witness of the machine engine as a file keeps it: what was judged, what of it
// was explored, and the choices that lead to the violation. It is the object "stress/witness/1".
// What the steps do is not in it: that is computed anew by [WitnessFile.Replay].
type WitnessFile struct {
	Schema   string            `json:"schema"`
	Engine   protocol.Engine   `json:"engine"`
	Property protocol.Property `json:"property"` // what the last step breaks
	Subject  witnessSubject    `json:"subject"`
	Source   source            `json:"source"`
	Explored witnessExplored   `json:"explored"`
	Choices  []machine.Choice  `json:"choices"`

	name string // of the file, for errors
}

// witnessSubject is a subject as text that needs no other file.
type witnessSubject struct {
	Protocol string `json:"protocol"` // its text
	Method   string `json:"method"`   // its text
	Grace    string `json:"grace"`
	Layout   string `json:"layout"`
	Threads  int    `json:"threads"` // of the subject; fewer are simulated
}

// witnessExplored is the part of a [machine.Config] that no subject says.
type witnessExplored struct {
	Threads int     `json:"threads"`
	Script  *string `json:"script"` // null: any operations, up to MaxOps
	MaxOps  int     `json:"max_ops"`
	Held    []int   `json:"held"` // the program of each key; null: all are empty
	Forward bool    `json:"forward"`
}

// machineAnswer is the verdict of the machine engine. Its witness, if there is one, goes to
// o.Witness.
func machineAnswer(s protocol.Subject, t *Target, o Options, r *machine.Result, c *machine.Config) (Verdict, error) {
	v := machineVerdict(r, c)
	if o.Witness == nil || r == nil || r.Witness == nil {
		return v, nil
	}
	return v, writeWitness(o.Witness, s, t, r.Witness, c)
}

// writeWitness writes a witness as a file that [ReadWitness] takes.
func writeWitness(out io.Writer, s protocol.Subject, t *Target, found *machine.Witness, c *machine.Config) error {
	if n := len(found.Steps); n > maxWitnessSteps {
		return fmt.Errorf("a witness of %d steps: a file holds at most %d", n, maxWitnessSteps)
	}
	w := WitnessFile{
		Schema: witnessSchema, Engine: protocol.Machine, Property: found.Property, Source: t.source,
		Subject: witnessSubject{
			Protocol: s.Protocol.String(), Method: s.Method.String(), Grace: s.Grace.Name, Layout: s.Layout,
			Threads: s.Shape.Threads,
		},
		Explored: witnessExplored{
			Threads: c.Subject.Shape.Threads, MaxOps: c.MaxOps, Held: c.Held, Forward: c.Forward,
		},
	}
	if c.Script != nil {
		text := c.Script.String()
		w.Explored.Script, w.Explored.MaxOps = &text, 0
	}
	for _, step := range found.Steps {
		w.Choices = append(w.Choices, step.Choice)
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
	raw, err := readRegular(path, maxWitnessFile)
	if err != nil {
		return nil, err
	}
	w, err := parseWitness(raw)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	w.name = path
	return w, nil
}

// parseWitness reads a file's content. What its errors begin with goes behind the file's name and a
// colon: line and column, or a blank.
func parseWitness(raw []byte) (*WitnessFile, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, jsonPlace(raw, err)
	}
	if head.Schema != witnessSchema {
		return nil, fmt.Errorf(" schema: %q: want %q", head.Schema, witnessSchema)
	}
	var w WitnessFile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return nil, jsonPlace(raw, err)
	}
	switch {
	case w.Engine != protocol.Machine:
		return nil, fmt.Errorf(" engine: %q: only witnesses of the %s engine can be replayed", w.Engine, protocol.Machine)
	case len(w.Choices) == 0 || len(w.Choices) > maxWitnessSteps:
		return nil, fmt.Errorf(" choices: %d of them: want 1 to %d", len(w.Choices), maxWitnessSteps)
	}
	return &w, nil
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
func (w *WitnessFile) resolve() (protocol.Subject, *Target, error) {
	var s protocol.Subject
	var err error
	if s.Protocol, err = protocol.ParseProtocol(w.Subject.Protocol); err != nil {
		return s, nil, fmt.Errorf("subject.protocol:%w", err)
	}
	if s.Method, err = protocol.ParseMethod(w.Subject.Method); err != nil {
		return s, nil, fmt.Errorf("subject.method:%w", err)
	}
	if s.Grace, err = protocol.GraceByName(w.Subject.Grace); err != nil {
		return s, nil, fmt.Errorf("subject.grace: %w", err)
	}
	if _, err = jit.LayoutByName(w.Subject.Layout); err != nil {
		return s, nil, fmt.Errorf("subject.layout: %w", err)
	}
	t, err := w.Source.target()
	if err != nil {
		return s, nil, fmt.Errorf("source: %w", err)
	}
	s.Layout, s.Shape = w.Subject.Layout, t.Shape(w.Subject.Threads)
	if _, err := check(s, t); err != nil {
		return s, nil, fmt.Errorf("subject: %w", err)
	}
	return s, t, nil
}

// config makes what the machine engine explored. What an execution may return is computed anew.
func (w *WitnessFile) config(s protocol.Subject, t *Target) (machine.Config, error) {
	if v, own := ownWay(s.Protocol); own {
		return machine.Config{}, fmt.Errorf("subject.protocol: %s", v.Reason)
	}
	layout, err := jit.LayoutByName(s.Layout)
	if err != nil {
		return machine.Config{}, err
	}
	c, err := machineConfig(s, t, layout)
	if err != nil {
		return c, fmt.Errorf("source: %w", err)
	}
	c.Subject.Shape.Threads = w.Explored.Threads
	c.MaxOps, c.Held, c.Forward = w.Explored.MaxOps, w.Explored.Held, w.Explored.Forward
	if w.Explored.Script != nil {
		if c.Script, err = protocol.ParseScript(*w.Explored.Script); err != nil {
			return c, fmt.Errorf("explored.script:%w", err)
		}
	}
	return c, nil
}
