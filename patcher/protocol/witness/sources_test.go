package witness

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"tailpoke/internal/source"
)

// sourced is a small witness of machine code whose source lines are known, as far as set sets them.
func sourced(site, program, code source.Line) *Witness {
	w := small()
	w.Programs, w.Sources = []string{"main", "p0", "p0.2"}, []source.Line{{}, program, program}
	w.Sites[0].Source = site
	for i, prog := range []int{1, 2} {
		at := Position{Place: InCode, Program: prog, Off: 0x40 + i, Source: code}
		w.Steps[i].Code = &Code{At: at, Bytes: []byte{0x90}, Text: "nop", Count: 1, Regs: []Reg{{Name: "rbx", Value: 7}}}
		w.Steps[i].Threads = []Position{at}
		w.Steps[i].Code.Broke = code
	}
	return w
}

func at(file string, line int, text string) source.Line {
	return source.Line{Place: source.Place{File: file, Number: line}, Text: text}
}

// TestGoldenSources: a witness says which line a site and a program are of, and what a thread executes.
func TestGoldenSources(t *testing.T) {
	w := sourced(at("/a/prog.c", 41, "bpf_tail_call(ctx, &jmp, 1);"), at("/a/prog.c", 9, "return 1;"), at("/a/prog.c", 10, "x++;"))
	text := w.String()
	for _, want := range []string{
		"\nsite 0  prog.c:41: bpf_tail_call(ctx, &jmp, 1);\np0      prog.c:9: return 1;\nstep  at", // a copy has no row
		"\nstep  at         bytes  instruction  executed  source           registers\n",
		"   1  p0+0x40    90     nop          1         prog.c:10: x++;  rbx=0x7\n",
		"   2  p0.2+0x41  90     nop          1                          rbx=0x7\n", // as above
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	drawing := string(w.SVG("a protocol"))
	for _, want := range []string{"p0+0x40 (prog.c:10: x++;)", ">site 0: prog.c:41: bpf_tail_call(ctx, &amp;jmp, 1);<", ">p0: prog.c:9: return 1;<"} {
		if !strings.Contains(drawing, want) {
			t.Errorf("no %q in the drawing", want)
		}
	}
	last := regexp.MustCompile(`y="([0-9]+)">p0: `).FindStringSubmatch(drawing)
	legend := regexp.MustCompile(`<g class="legend">\n<rect class="acts" x="8" y="([0-9]+)"`).FindStringSubmatch(drawing)
	if last == nil || legend == nil {
		t.Fatal(drawing)
	}
	y, err := strconv.Atoi(last[1])
	below, err2 := strconv.Atoi(legend[1])
	if err != nil || err2 != nil || y >= below {
		t.Errorf("the last line is at %d, the legend at %d", y, below)
	}
	raw, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sources     []source.Line `json:"sources"`
		SiteSources []source.Line `json:"site_sources"`
		Steps       []struct {
			Code struct{ Source source.Line }
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.SiteSources[0] != w.Sites[0].Source || got.Sources[1] != w.Sources[1] || got.Steps[1].Code.Source != at("/a/prog.c", 10, "x++;") {
		t.Errorf("%s", raw)
	}
}

// TestGoldenBrokenAt: a property is broken where a thread's code is, or where a site is, and not where steps go
// round for ever.
func TestGoldenBrokenAt(t *testing.T) {
	site, code := at("prog.c", 41, "call();"), at("prog.c", 10, "x++;")
	for name, tc := range map[string]struct {
		change func(*Witness)
		want   source.Line
	}{
		"code":      {func(*Witness) {}, code},
		"site":      {func(w *Witness) { w.Steps[1].Code = nil }, site},
		"no site":   {func(w *Witness) { w.Steps[1].Code, w.Steps[1].Action.Site = nil, None }, source.Line{}},
		"none such": {func(w *Witness) { w.Steps[1].Code, w.Steps[1].Action.Site = nil, len(w.Sites) }, source.Line{}},
		"for ever":  {func(w *Witness) { w.Cycle = 1 }, source.Line{}},
		"no steps":  {func(w *Witness) { w.Steps = nil }, source.Line{}},
	} {
		w := sourced(site, site, code)
		if tc.change(w); w.BrokenAt() != tc.want {
			t.Errorf("%s: %v, want %v", name, w.BrokenAt(), tc.want)
		}
		text := ": " + w.Text + "\n"
		if tc.want == code {
			text = ": " + w.Text + " (" + tc.want.String() + ")\n"
		}
		if !strings.Contains(w.String(), text) {
			t.Errorf("%s: %s", name, w)
		}
	}
}

// TestNoSources: where no line is known nothing is said of any.
func TestNoSources(t *testing.T) {
	w := sourced(source.Line{}, source.Line{}, source.Line{})
	raw, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{w.String(), string(raw), string(w.SVG(""))} {
		if strings.Contains(text, "source") || strings.Contains(text, "()") {
			t.Error(text)
		}
	}
	if w.Sources = nil; len(w.Legend().Rows) != 0 {
		t.Errorf("%v", w.Legend().Rows)
	}
}

// TestSourcesFit: source lines fit into 80 columns.
func TestSourcesFit(t *testing.T) {
	long := at("/a/"+strings.Repeat("prog", 100)+".c", 123456, strings.Repeat("call(a, b); ", 6))
	long.After, long.Before = long.Place, long.Place
	w := sourced(long, long, long)
	for line := range strings.Lines(w.Fold(80)) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}
