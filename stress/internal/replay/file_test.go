package replay

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// kept has an engine judge a subject; it returns the witness file, if there is a witness, and the
// verdict.
func kept(t *testing.T, e protocol.Engine, s protocol.Subject, w *workload.Workload, o judge.Options) ([]byte, *report.Verdict) {
	t.Helper()
	j, err := judge.NewJob(s, w, o)
	if err != nil {
		t.Fatal(err)
	}
	a, err := judge.Ask(t.Context(), judge.ByName(e), j)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if a.Recorded != nil {
		err = Write(&b, j, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), &a.Verdict
}

// keptWitness has the machine engine judge a mutant; it returns the witness file and the verdict.
func keptWitness(t *testing.T, mutant string, w *workload.Workload, layout string) ([]byte, *report.Verdict) {
	t.Helper()
	s := protocol.DefaultSubject()
	if layout != "" {
		s.Layout = layout
	}
	if mutant != "" {
		var err error
		if s, err = mutantNamed(t, mutant).Apply(s); err != nil {
			t.Fatal(err)
		}
	}
	return kept(t, protocol.Machine, s, w, judge.Options{})
}

func generated(t *testing.T, sites int) *workload.Workload {
	t.Helper()
	w, err := workload.Generate(protocol.Shape{Sites: sites, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// replayed writes a file, reads it and replays it.
func replayed(t *testing.T, content []byte) (*report.Replay, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.json")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := Run(t.Context(), path)
	if err != nil {
		return nil, err
	}
	return d.Sections[0].(*report.Replay), nil
}

// sameWitness says whether two witnesses are one: every field of every step.
func sameWitness(a, b *witness.Witness) bool { return reflect.DeepEqual(a, b) }

// TestWitnessRoundTrip keeps witnesses, replays them from the file alone, and draws them: the
// table must be the one that the engine printed.
func TestWitnessRoundTrip(t *testing.T) {
	for _, tt := range []struct {
		mutant, layout string
		target         *workload.Workload
		property       protocol.Property
		model          protocol.Verdict
	}{
		{"no-grace", "", generated(t, 1), protocol.NeverA, protocol.Violated},
		{"sleep-grace", "", generated(t, 2), "", protocol.Violated},
		{"bytes", "", generated(t, 1), protocol.NoTorn, protocol.Violated},
		{"", "v5.10", workload.Hierarchy(), protocol.TailLimit, protocol.Vacuous},
	} {
		t.Run(tt.mutant+tt.layout, func(t *testing.T) {
			if testing.Short() && tt.layout != "" {
				t.Skip("short: the counterexample is long")
			}
			kept, v := keptWitness(t, tt.mutant, tt.target, tt.layout)
			if v.Verdict != protocol.Violated || len(kept) == 0 {
				t.Fatalf("%s %s, %d bytes kept", v.Verdict, v.Reason, len(kept))
			}
			r, err := replayed(t, kept)
			if err != nil {
				t.Fatal(err)
			}
			if !sameWitness(r.Witness, v.Witness) {
				t.Errorf("replayed:\n%v\nfound:\n%v", r.Witness, v.Witness)
			}
			if r.Property != v.Property || tt.property != "" && r.Property != tt.property || r.Steps != v.Depth {
				t.Errorf("%s in %d steps; found %s in %d; want %s", r.Property, r.Steps, v.Property, v.Depth, tt.property)
			}
			if r.Model.Verdict != tt.model {
				t.Errorf("model: %s %s", r.Model.Verdict, r.Model.Reason)
			}
			checkDrawing(t, r)
		})
	}
}

// checkDrawing parses a drawing: a column for each step, a lane for each actor, a mark at each step that
// repeats, no element that loads something, and the last words in it.
func checkDrawing(t *testing.T, r *report.Replay) {
	t.Helper()
	svg := r.Witness.SVG("a title")
	if !bytes.Equal(svg, r.Witness.SVG("a title")) {
		t.Error("two drawings differ")
	}
	steps, starts, rounds, cells, rows := 0, 0, 0, 0, 0
	inLegend := false // at the end: its marks and boxes are no step's
	var text strings.Builder
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch x := token.(type) {
		case xml.CharData:
			text.Write(x)
		case xml.StartElement:
			if !slices.Contains([]string{"svg", "title", "style", "rect", "text", "g"}, x.Name.Local) {
				t.Errorf("element %s", x.Name.Local)
			}
			for _, a := range x.Attr {
				switch {
				case a.Value == "legend":
					inLegend = true
				case inLegend:
				case a.Name.Local == "transform":
					rows++
				case a.Value == "step":
					steps++
				case a.Value == "start":
					starts++
				case strings.HasPrefix(a.Value, "round"):
					rounds++
				case a.Name.Local == "class" && x.Name.Local == "rect" && a.Value != "paper":
					cells++
				}
			}
		}
	}
	actors := actorsOf(r.Witness)
	lanes := len(actors) + 3*len(r.Witness.Sites)
	if steps != r.Steps || starts != 1 || rounds != r.Cycle || cells != lanes*(r.Steps+1) {
		t.Errorf("%d columns of steps, %d of the start, %d marks, %d cells; want %d, 1, %d, %d",
			steps, starts, rounds, cells, r.Steps, r.Cycle, lanes*(r.Steps+1))
	}
	for _, name := range actors {
		label := regexp.MustCompile(`<text[^>]* x="8" y="\d+">` + regexp.QuoteMeta(name) + `</text>`)
		if n := len(label.FindAll(svg, -1)); n != rows || rows == 0 {
			t.Errorf("%d lanes of %s in %d rows", n, name, rows)
		}
	}
	drawn := text.String() // the style too
	if !strings.Contains(drawn, r.Text) || strings.Contains(drawn, "url(") || strings.Contains(drawn, "@import") {
		t.Error("the drawing does not say what is broken, or loads something")
	}
}

// actorsOf names who acts in a witness.
func actorsOf(w *witness.Witness) []string {
	var out []string
	for _, a := range w.Agents {
		out = append(out, a.String())
	}
	for i := range w.Threads {
		out = append(out, witness.Actor{Kind: witness.Thread, Index: i}.String())
	}
	return out
}

// TestDrawingEscapes has names that are no XML, in every place where one can stand.
func TestDrawingEscapes(t *testing.T) {
	kept, _ := keptWitness(t, "no-grace", generated(t, 1), "")
	r, err := replayed(t, kept)
	if err != nil {
		t.Fatal(err)
	}
	const nasty = `</text><script>"&'` + "\x00\xff"
	w := r.Witness
	w.Text, w.Property, w.Sites[0].In = nasty, nasty, nasty
	for i := range w.Programs {
		w.Programs[i] = nasty
	}
	for i := range w.Steps {
		if s := &w.Steps[i]; s.Code != nil {
			s.Code.Text = nasty
		}
	}
	r.Text = "</text>" // a NUL does not come back
	checkDrawing(t, r)
}

// TestNoWitness: what is safe leaves nothing to keep.
func TestNoWitness(t *testing.T) {
	if kept, v := keptWitness(t, "", generated(t, 1), ""); len(kept) != 0 || v.Verdict != protocol.Safe {
		t.Errorf("%s, %d bytes kept", v.Verdict, len(kept))
	}
}

// TestWitnessOfPart has explorations that are not of any operations of two threads: of a script, and
// of one thread that fetches forward. The file says so.
func TestWitnessOfPart(t *testing.T) {
	m, err := protocol.MutantByName("no-grace")
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	script, err := protocol.ParseScript("put 0 1\ndelete 0\n")
	if err != nil {
		t.Fatal(err)
	}
	newest := s
	newest.Layout = "v6.12"
	for want, tt := range map[string]struct {
		s      protocol.Subject
		target *workload.Workload
		o      judge.Options
	}{
		`"script": "put 0 1\ndelete 0\n"`: {s, generated(t, 1), judge.Options{Script: script}},
		`"forward": true`:                 {newest, workload.Hierarchy(), judge.Options{MaxStates: 100_000}},
	} {
		if testing.Short() && tt.o.MaxStates > 0 {
			continue
		}
		kept, v := kept(t, protocol.Machine, tt.s, tt.target, tt.o)
		if !strings.Contains(string(kept), want) {
			t.Fatalf("no %s in %q; %+v", want, kept, v)
		}
		r, err := replayed(t, kept)
		if err != nil || !sameWitness(r.Witness, v.Witness) {
			t.Errorf("%s: %v, or another witness", want, err)
		}
	}
}

// TestCorruptWitness changes one thing in a good file at a time. Each error names the place.
func TestCorruptWitness(t *testing.T) {
	kept, _ := keptWitness(t, "no-grace", generated(t, 1), "")
	cut := func(w map[string]any, n int) { w["choices"] = w["choices"].([]any)[:n] }
	in := func(w map[string]any, key string) map[string]any { return w[key].(map[string]any) }
	steps := 0
	for want, change := range map[string]func(w map[string]any){
		`w.json: schema: "stress/witness/3": want "stress/witness/2"`: func(w map[string]any) { w["schema"] = "stress/witness/3" },
		`w.json: schema: "stress/witness/1" is an older version: judge the subject again, with --witness`: func(w map[string]any) {
			w["schema"] = "stress/witness/1"
		},
		`w.json: engine: "cpu": only witnesses of the model`: func(w map[string]any) { w["engine"] = "cpu" },
		`json: unknown field "forward"`:                      func(w map[string]any) { w["engine"] = "model" },
		`do: "enters" is no action`: func(w map[string]any) {
			w["choices"] = []any{map[string]any{"actor": "thread 0", "do": "enters"}}
		},
		`json: unknown field "fetch"`: func(w map[string]any) {
			w["choices"] = []any{map[string]any{"actor": "thread 0", "do": "enter", "fetch": "cc"}}
		},
		`w.json: property: "nonsense" is none: want one of [never-a`: func(w map[string]any) { w["property"] = "nonsense" },
		`holds what cannot be printed`:                               func(w map[string]any) { in(w, "source")["name"] = "\x1b[31mred" },
		`source: shape {Threads:-1 `:                                 func(w map[string]any) { in(in(w, "source"), "shape")["Threads"] = -1 },
		`Copies:1000000000000000000 `:                                func(w map[string]any) { in(in(w, "source"), "shape")["Copies"] = int64(1e18) },
		`Maps:-1}: no such program`:                                  func(w map[string]any) { in(in(w, "source"), "shape")["Maps"] = -1 },
		`w.json: json: unknown field "more"`:                         func(w map[string]any) { w["more"] = 1 },
		`cannot unmarshal string into Go`:                            func(w map[string]any) { in(w, "subject")["threads"] = "two" },
		`subject.protocol:1:1: `:                                     func(w map[string]any) { in(w, "subject")["protocol"] = "nonsense" },
		`subject.method:`:                                            func(w map[string]any) { in(w, "subject")["method"] = "" },
		`subject.grace: unknown`:                                     func(w map[string]any) { in(w, "subject")["grace"] = "x" },
		`subject.layout: `:                                           func(w map[string]any) { in(w, "subject")["layout"] = "x" },
		`subject: 1000 threads`:                                      func(w map[string]any) { in(w, "subject")["threads"] = 1000 },
		`source: 0 keys`:                                             func(w map[string]any) { w["source"] = map[string]any{} },
		`source: x.o: `:                                              func(w map[string]any) { w["source"] = map[string]any{"object": "AAAA", "name": "x.o"} },
		`replay: machine: 9 threads: want 1 to 8`:                    func(w map[string]any) { in(w, "explored")["threads"] = 9 },
		`explored.script:1:1: `:                                      func(w map[string]any) { in(w, "explored")["script"] = "nonsense" },
		`replay: machine: key 0 holds program 7`:                     func(w map[string]any) { in(w, "explored")["held"] = []int{7} },
		`choices: 0 of them: want 1 to 4096`:                         func(w map[string]any) { cut(w, 0) },
		`replay: step 1, thread 5: there is no such step`: func(w map[string]any) {
			w["choices"].([]any)[0] = map[string]any{"actor": "thread 5", "do": "enter"}
		},
		`recorded: 3 steps break no property`:                                                 func(w map[string]any) { cut(w, 3) },
		`(goes through bypass=nop (unwinds), then target=nop (falls through)), not registers`: func(w map[string]any) { w["property"] = "registers" },
	} {
		var w map[string]any
		if err := json.Unmarshal(kept, &w); err != nil {
			t.Fatal(err)
		}
		steps = len(w["choices"].([]any))
		change(w)
		content, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		_, err = replayed(t, content)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "w.json:") {
			t.Errorf("%v\nwant %s", err, want)
		}
		recorded := strings.Contains(want, "recorded: ") || strings.HasSuffix(want, "not registers")
		if errors.Is(err, judge.ErrNotReplayed) != recorded {
			t.Errorf("%v: is judge.ErrNotReplayed %v, want %v", err, !recorded, recorded)
		}
	}
	if steps < 4 {
		t.Errorf("the witness has %d steps", steps)
	}
}

// TestWitnessNoJSON has files that are none.
func TestWitnessNoJSON(t *testing.T) {
	for content, want := range map[string]string{
		"":                     "w.json:1:1: unexpected end",
		"{\n  \"schema\" 1\n}": "w.json:2:12: invalid character '1'",
		"{}{}":                 "w.json:1:3: invalid character '{' after top-level value",
		"[]":                   "w.json:1:",
	} {
		if _, err := replayed(t, []byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", content, err, want)
		}
	}
	long := strings.Repeat(" ", maxBytes) + "{}"
	if _, err := replayed(t, []byte(long)); err == nil || !strings.Contains(err.Error(), "are more than 16777216") {
		t.Errorf("%v", err)
	}
	if _, err := Run(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
}

// TestPlainJSON: what package json takes and nobody expects has its place.
func TestPlainJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1, "b": [{"a": 2}, {"a": 3}], "c": {"a": {"a": null}}}`: "",
		`[]`: "", `"text\nof two\tlines"`: "",
		"{\"a\": 1,\n \"a\": 2}":                 `2:4: a second field "a"`,
		`{"a": [1, {"b": {}, "c": [], "b": 1}]}`: `a second field "b"`,
		`{"x": ["a", "a"], "y": "x", "x": 1}`:    `a second field "x"`,
		`{"a": "\u001b[2J"}`:                     `"\x1b[2J" holds what cannot be printed`,
		`{"\u202e": 1}`:                          `holds what cannot be printed`,
		`["a", "\u0007"]`:                        `1:14: `,
	} {
		err := plainJSON([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
