package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/workload"
)

// The schema of a file, and the one that was before it.
const (
	schema   = "stress/witness/2"
	outdated = "stress/witness/1"
)

// Bounds of a file. A drawing has a column for each step.
const (
	maxBytes = 16 << 20
	maxSteps = 4096
)

// file is a witness as a file keeps it; it is the object "stress/witness/2".
type file struct {
	Schema   string            `json:"schema"`
	Engine   protocol.Engine   `json:"engine"`
	Property protocol.Property `json:"property"` // what the last step breaks, or the last ones that repeat
	Subject  subject           `json:"subject"`
	Source   workload.Source   `json:"source"`
	Explored any               `json:"explored"` // as the engine has it
	Choices  []witness.Choice  `json:"choices"`
}

// subject is a subject as text that needs no other file.
type subject struct {
	Protocol string `json:"protocol"` // its text
	Method   string `json:"method"`   // its text
	Grace    string `json:"grace"`
	Layout   string `json:"layout"`
	Threads  int    `json:"threads"` // of the subject; fewer are explored
}

// Write writes the witness of an answer as a file that [Run] takes, in one piece.
func Write(out io.Writer, j *judge.Job, a *judge.Answer) error {
	if n := len(a.Recorded.Choices); n > maxSteps {
		return fmt.Errorf("a witness of %d steps: a file holds at most %d", n, maxSteps)
	}
	s := cmp.Or(a.Recorded.Subject, &j.Subject)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(&file{
		Schema: schema, Engine: a.Engine, Property: a.Property, Source: j.Workload.Source,
		Subject: subject{
			Protocol: s.Protocol.String(), Method: s.Method.String(), Grace: s.Grace.Name, Layout: s.Layout,
			Threads: s.Shape.Threads,
		},
		Explored: a.Recorded.Explored, Choices: a.Recorded.Choices,
	})
	if err != nil {
		return err
	}
	if b.Len() > maxBytes {
		return fmt.Errorf("a witness of %d bytes: a file holds at most %d", b.Len(), maxBytes)
	}
	_, err = b.WriteTo(out)
	return err
}

// parse reads a file's content, and finds its engine. What its errors begin with goes after the
// file's name and a colon: line and column, or a blank.
func parse(raw []byte) (*file, judge.Replayer, error) {
	var head struct {
		Schema string          `json:"schema"`
		Engine protocol.Engine `json:"engine"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, nil, jsonPlace(raw, err)
	}
	if err := plainJSON(raw); err != nil {
		return nil, nil, err
	}
	if head.Schema == outdated {
		return nil, nil, fmt.Errorf(" schema: %q is an older version: judge the subject again, with --witness", head.Schema)
	}
	if head.Schema != schema {
		return nil, nil, fmt.Errorf(" schema: %q: want %q", head.Schema, schema)
	}
	engine, ok := judge.ByName(head.Engine).(judge.Replayer)
	if !ok {
		return nil, nil, fmt.Errorf(" engine: %q: only witnesses of the %s, the %s and the %s engine can be replayed",
			head.Engine, protocol.Model, protocol.Machine, protocol.Steered)
	}
	f := &file{Explored: engine.Explored()}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, nil, jsonPlace(raw, err)
	}
	if !slices.Contains(protocol.Properties(), f.Property) {
		return nil, nil, fmt.Errorf(" property: %q is none: want one of %v", f.Property, protocol.Properties())
	}
	if f.Explored == nil { // it is null in the file
		f.Explored = engine.Explored()
	}
	if n := len(f.Choices); n == 0 || n > maxSteps {
		return nil, nil, fmt.Errorf(" choices: %d of them: want 1 to %d", n, maxSteps)
	}
	return f, engine, nil
}

// plainJSON refuses what package json takes and no reader expects: two fields of one name in an object,
// and characters in a string that cannot be printed.
func plainJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	type level struct {
		names  map[string]bool // nil: a list
		inName bool
	}
	var in []level
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return jsonPlace(raw, err)
		}
		last := len(in) - 1
		text, isText := t.(string)
		if isText && strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }) {
			return jsonPlaceAt(raw, d.InputOffset(), fmt.Errorf("%q holds what cannot be printed", text))
		}
		isName := last >= 0 && in[last].inName
		switch {
		case t == json.Delim('}') || t == json.Delim(']'):
			in = in[:last]
			last--
		case isName && in[last].names[text]:
			return jsonPlaceAt(raw, d.InputOffset(), fmt.Errorf("a second field %q", text))
		case isName:
			in[last].names[text], in[last].inName = true, false
			continue
		case t == json.Delim('{'):
			in = append(in, level{map[string]bool{}, true})
			continue
		case t == json.Delim('['):
			in = append(in, level{})
			continue
		}
		if last >= 0 {
			in[last].inName = in[last].names != nil // after a value comes a name
		}
	}
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
	return jsonPlaceAt(raw, offset, err)
}

func jsonPlaceAt(raw []byte, offset int64, err error) error {
	before := raw[:min(max(offset-1, 0), int64(len(raw)))]
	return fmt.Errorf("%d:%d: %w", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), err)
}
