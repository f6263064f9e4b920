package matrix

import (
	"slices"
	"strings"
	"testing"
)

const plan = `# two kernels
kernel deb:6.1.0-56-amd64

kernel stuffing: deb:7.3.4  --append retbleed=stuff	--qemu-arg "-cpu Skylake-Server"  # slow
verb identity
  verb watcher: run --engine kernel
`

func TestParse(t *testing.T) {
	p, err := Parse("plan", plan)
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{
		Kernels: []Line{
			{"deb:6.1.0-56-amd64", []string{"deb:6.1.0-56-amd64"}, "plan:2"},
			{"stuffing", []string{"deb:7.3.4", "--append", "retbleed=stuff", "--qemu-arg", "-cpu Skylake-Server"}, "plan:4"},
		},
		Verbs: []Line{{"identity", []string{"identity"}, "plan:5"}, {"watcher", []string{"run", "--engine", "kernel"}, "plan:6"}},
	}
	same := func(a, b []Line) bool {
		return slices.EqualFunc(a, b, func(a, b Line) bool { return a.Name == b.Name && a.At == b.At && slices.Equal(a.Words, b.Words) })
	}
	if !same(p.Kernels, want.Kernels) || !same(p.Verbs, want.Verbs) {
		t.Errorf("got %+v", p)
	}
}

// TestParseErrors: what is wrong is said with its file and line.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "f: no line begins with kernel",
		"kernel a\n":                    "f: no line begins with verb",
		"verb a\n":                      "f: no line begins with kernel",
		"kernel a\nboot b\n":            `f:2: "boot"`,
		"kernel\n":                      "f:1: kernel of nothing",
		"kernel a:\n":                   "f:1: kernel of nothing",
		"kernel a\nkernel a\n":          `f:2: a second kernel "a"`,
		"kernel a\nverb b\nverb b: c\n": `f:3: a second verb "b"`,
		"kernel a \"b\n":                "f:1: column",
		"kernel a b\"c\n":               "f:1: column",
	} {
		if _, err := Parse("f", text); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParse: any text gives a plan or one line.
func FuzzParse(f *testing.F) {
	f.Add(plan)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("f", text)
		if err == nil && (len(p.Kernels) == 0 || len(p.Verbs) == 0) {
			t.Error("an empty plan")
		}
		for _, l := range append(lines(p, true), lines(p, false)...) {
			if l.Name == "" || len(l.Words) == 0 {
				t.Errorf("%+v", l)
			}
		}
	})
}

func lines(p *Plan, kernels bool) []Line {
	switch {
	case p == nil:
		return nil
	case kernels:
		return p.Kernels
	}
	return p.Verbs
}
