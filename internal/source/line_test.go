package source

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// line is what a *btf.Line gives.
type line struct {
	file, text string
	number     uint32
}

func (l line) FileName() string   { return l.file }
func (l line) Line() string       { return l.text }
func (l line) LineNumber() uint32 { return l.number }
func (l line) String() string     { return l.text }

// comment is a source that is no line.
type comment struct{}

func (comment) String() string { return "a comment" }

func TestLines(t *testing.T) {
	for _, tc := range []struct {
		of        fmt.Stringer
		file, say string
	}{
		{nil, "", ""},
		{comment{}, "", ""},
		{line{"", "x();", 3}, "", ""},
		{line{"prog.c", "x();", 0}, "", ""},
		{line{"prog.c", "\tx(a,\tb);\n", 3}, "prog.c", "prog.c:3: x(a, b);"},
		{line{"/src/bpf/prog.c", "", 41}, "/src/bpf/prog.c", "prog.c:41"},
		{line{"../a/b/", "x();", 1}, "../a/b/", "b:1: x();"},
		{line{"///", "x();", 1}, "///", "/:1: x();"},
		{line{"a b\n\rc.c", "x();\ny();", 1}, "a b c.c", "a b c.c:1: x(); y();"},
		{line{"prog.c", "\x1b[2J\xff", 1}, "prog.c", "prog.c:1: \x1b[2J\ufffd"}, // as all names: who prints it writes it otherwise
	} {
		l := Of(tc.of)
		if l.File != tc.file || l.String() != tc.say || l.Known() != (tc.file != "") {
			t.Errorf("%v: %+v, %q, want %q", tc.of, l, l, tc.say)
		}
	}
}

// TestHugeLines: what is kept is short, whatever the file says.
func TestHugeLines(t *testing.T) {
	for _, huge := range []string{strings.Repeat("x", 10<<20), strings.Repeat(" ", 10<<20) + "x", strings.Repeat("ü", 1<<20), strings.Repeat("\xff", 1<<20)} {
		l := Of(line{huge, huge, 1 << 31})
		if !l.Known() {
			t.Fatalf("%.9q is none", huge)
		}
		for name, is := range map[string][2]int{
			"file": {utf8.RuneCountInString(l.File), mostFile}, "text": {utf8.RuneCountInString(l.Text), mostText},
			"all": {utf8.RuneCountInString(l.String()), mostName + mostText + len(":2147483648: ")},
		} {
			if is[0] > is[1] {
				t.Errorf("%.9q: its %s has %d characters", huge, name, is[0])
			}
		}
	}
	if l := Of(line{"/" + strings.Repeat("deep/", 200) + "prog.c", "x", 1}); l.String() != "prog.c:1: x" {
		t.Errorf("%q", l)
	}
}

// TestInlined says where code of a header stands.
func TestInlined(t *testing.T) {
	l := Line{Place: Place{"/usr/include/h.h", 9}, Text: "asm"}
	for _, tc := range []struct {
		after, before Place
		want          string
	}{
		{Place{}, Place{}, "h.h:9: asm"},
		{Place{"main.c", 4}, Place{}, "h.h:9 after main.c:4: asm"},
		{Place{"main.c", 4}, Place{"main.c", 7}, "h.h:9 between main.c:4 and main.c:7: asm"},
	} {
		if l.After, l.Before = tc.after, tc.before; l.String() != tc.want {
			t.Errorf("%q, want %q", l, tc.want)
		}
	}
	if got := l.Behind("site"); got != "site ("+l.String()+")" {
		t.Errorf("%q", got)
	}
	if got := (Line{}).Behind("site"); got != "site" {
		t.Errorf("%q", got)
	}
}
