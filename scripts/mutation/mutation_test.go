package main

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const source = `package p

func f(n int, ok bool) (int, error) {
	s := make([]int, 3, 9)
	if !ok {
		panic("no")
	}
	for i := 0; i < n; i++ {
		if i == 7 && ok {
			continue
		}
		s[1] = i
	}
	switch {
	case n >= 2:
		return g(n)
	}
	switch n {
	case 4:
		n--
	}
	return 0, nil
}

func g(n int) (int, error) { return n, nil }
`

// TestFaults lists every fault of a small file, and holds each to what the compiler says of it.
func TestFaults(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faultsOf(fset, "p.go", file, []byte(source)) {
		_, is := f.diff([]byte(source))
		got = append(got, fmt.Sprintf("%d %s %s", f.line, f.kind, is))
	}
	want := []string{
		"4 plus s := make([]int, (3 + 1), 9)",
		"4 minus s := make([]int, (3 - 1), 9)",
		"5 negate if !(!ok) {",
		"8 plus for i := (0 + 1); i < n; i++ {",
		"8 minus for i := (0 - 1); i < n; i++ {",
		"8 negate for i := 0; !(i < n); i++ {",
		"8 compare for i := 0; i <= n; i++ {",
		"8 drop for i := 0; i < n;  {",
		"9 negate if !(i == 7 && ok) {",
		"9 compare if i != 7 && ok {",
		"9 plus if i == (7 + 1) && ok {",
		"9 minus if i == (7 - 1) && ok {",
		"9 logic if i == 7 || ok {",
		"10 drop ",
		"12 drop ",
		"12 plus s[(1 + 1)] = i",
		"12 minus s[(1 - 1)] = i",
		"15 negate case !(n >= 2):",
		"15 compare case n > 2:",
		"15 plus case n >= (2 + 1):",
		"15 minus case n >= (2 - 1):",
		"16 zero { _, _ = g(n); return *new(int), *new(error) }",
		"19 case ",
		"19 plus case (4 + 1):",
		"19 minus case (4 - 1):",
		"20 drop ",
		"22 plus return (0 + 1), nil",
		"22 minus return (0 - 1), nil",
		"25 zero func g(n int) (int, error) { { _ = n; return *new(int), *new(error) } }",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// module is a module whose tests notice some faults and not others. TestHidden fails without any.
var module = map[string]string{
	"go.mod": "module m\n\ngo 1.26\n",
	"p/p.go": `package p

func Small(n uint8) bool {
	return n < 3
}

func Abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func Until(n int) (i int) {
	for i < n {
		i++
	}
	return i
}

func unused() int {
	return 5
}
`,
	"p/p_test.go": `package p

import "testing"

func TestSmall(t *testing.T) {
	if !Small(2) || Small(3) {
		t.Error("small")
	}
}

func TestAbs(t *testing.T) {
	if Abs(-2) != 2 || Abs(2) != 2 {
		t.Error("abs")
	}
}

func TestUntil(t *testing.T) {
	if Until(3) != 3 || unused() == 0 {
		t.Error("until")
	}
}

func TestHidden(t *testing.T) { t.Error("always") }
`,
}

// TestJudges makes every fault of a module, together and one by one, and knows which survive: n <= 0
// is the same number, and nothing asks for more of unused than that it is not zero.
func TestJudges(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds tests, and runs in full without the race detector")
	}
	root := t.TempDir()
	for name, text := range module {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := options{seed: 7, count: 7, packages: "p", jobs: 2, timeout: 3 * time.Second}
	var first, progress bytes.Buffer
	if err := mutate(t.Context(), &first, &progress, root, o); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, want := range []string{"TestHidden of p fails without a fault: not used"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("%s\nwant %s", &progress, want)
		}
	}
	summary := regexp.MustCompile(`(\d+) of 7 killed \([\d.]+ %\), (\d) of them by the time limit; (\d) survived`)
	found := summary.FindStringSubmatch(first.String())
	if found == nil {
		t.Fatal(first.String())
	}
	// Every line is drawn once; of each the same fault for the same seed.
	o.list = true
	var listed bytes.Buffer
	if err := mutate(t.Context(), &listed, io.Discard, root, o); err != nil {
		t.Fatal(err)
	}
	ids := regexp.MustCompile(`p/p\.go:\d+:\d+:\w+`)
	for _, id := range ids.FindAllString(listed.String(), -1) {
		if !strings.Contains(first.String(), id) {
			t.Errorf("%s is listed and was not made", id)
		}
	}
	for id, want := range map[string]string{
		"p/p.go:4:11:compare": "killed",
		"p/p.go:8:7:compare":  "SURVIVED",
	} {
		var out bytes.Buffer
		one := options{only: id, timeout: 10 * time.Second, least: 50}
		err := mutate(t.Context(), &out, &progress, root, one)
		if !strings.HasPrefix(out.String(), want) || (err != nil) != (want == "SURVIVED") {
			t.Errorf("%s: %v\n%s", id, err, &out)
		}
		if strings.Contains(first.String(), id) && !strings.Contains(first.String(), want+strings.Repeat(" ", 11-len(want))+id) {
			t.Errorf("%s alone: %sall together: %s", id, &out, &first)
		}
	}
}

// TestTable: what the table names is there.
func TestTable(t *testing.T) {
	tr := theTree(t)
	for _, r := range rooms() {
		if _, err := chosen(r.name, tr.paths()); err != nil {
			t.Error(err)
		}
	}
	all, err := chosen(roomNames(), tr.paths())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		tests := tr.testsOf(p)
		if len(tests) == 0 || tests[0] != p && tr.packages[p].tested {
			t.Errorf("%s: its own tests are not the first: %v", p, tests)
		}
		for _, entry := range tests {
			if pkg, _, _ := strings.Cut(entry, " "); tr.packages[pkg] == nil {
				t.Errorf("%s: there is no package %s", p, pkg)
			}
		}
	}
}

// TestSamplesStay: what a sample has does not depend on code elsewhere, and does on the seed.
func TestSamplesStay(t *testing.T) {
	sample := func(seed uint64, edit func(src map[string][]byte)) map[string]bool {
		tr := theTree(t)
		edit(tr.packages["model"].src)
		d, err := draw(tr, nil, []string{"model"}, seed)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, l := range d.lines[:100] {
			f := l.faults[l.lot%uint64(len(l.faults))]
			was, is := f.diff(tr.packages["model"].src[f.file])
			out[f.file+" "+f.in+" "+was+" "+is] = true
		}
		return out
	}
	common := func(a, b map[string]bool) (n int) {
		for f := range a {
			if b[f] {
				n++
			}
		}
		return n
	}
	as := sample(1, func(map[string][]byte) {})
	edited := sample(1, func(src map[string][]byte) {
		for name, text := range src {
			if strings.HasSuffix(name, "/check.go") {
				src[name] = []byte(strings.Replace(string(text), "\nfunc ", "\nfunc more(n int) bool { return n > 7 }\n\nfunc ", 1))
			}
		}
	})
	if n := common(as, edited); n < len(as)-1 {
		t.Errorf("%d of %d faults are drawn from a tree with one line more", n, len(as))
	}
	if n := common(as, sample(2, func(map[string][]byte) {})); n > len(as)/4 {
		t.Errorf("another seed draws %d of %d faults as well", n, len(as))
	}
}

// TestArguments: what equivalent.txt argues for is a fault of this tree.
func TestArguments(t *testing.T) {
	argued, err := parseArguments(equivalentText)
	if err != nil {
		t.Fatal(err)
	}
	tr := theTree(t)
	for _, a := range argued {
		above, _, _ := cutLast(a.file)
		p := tr.packages[above]
		if p == nil {
			t.Errorf("%s: no such package", a.file)
			continue
		}
		faults, err := p.faults()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(faults, func(f fault) bool { return (arguments{a}).of(f, p.src[f.file]) != "" }) {
			t.Errorf("%s %s: there is no such fault any more:\n- %s\n+ %s", a.file, a.in, a.was, a.is)
		}
	}
	if _, err := parseArguments("a.go f\n- x\n+ y\n"); err == nil {
		t.Error("no argument is none")
	}
}

func theTree(t *testing.T) *tree {
	t.Helper()
	tr, err := readTree(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestControls has shell scripts in the place of test binaries: what is as slow or as wrong without
// the fault was not noticed.
func TestControls(t *testing.T) {
	const fails = `echo "--- FAIL: TestX (0.00s)"; exit 1`
	for _, test := range []struct {
		name, faulty, clean string
		want                outcome
	}{
		{"an endless loop", "sleep 20", "exit 0", timedOut},
		{"a slow machine", "sleep 20", "sleep 20", survived},
		{"a failure", fails, "exit 0", killed},
		{"a failure that is always there", `case "$*" in *skip*) exit 0;; esac; ` + fails, fails, survived},
		{"a crash", "echo panic: x; exit 2", "exit 0", killed},
		{"nothing", "exit 0", fails, survived},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bins := map[string]string{"faulty": test.faulty, "clean": test.clean}
			for name, script := range bins {
				bins[name] = filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(bins[name], []byte("#!/bin/sh\n"+script), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			r := &runner{tree: &tree{root: t.TempDir()}, timeout: 4 * time.Second}
			if got, by := r.suite(t.Context(), &suite{}, bins["clean"], bins["faulty"], ""); got != test.want {
				t.Errorf("%s by %q, want %s", got, by, test.want)
			}
		})
	}
}
