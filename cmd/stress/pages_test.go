package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// block is an example of a page: what was typed, and what the page shows of the answer.
type block struct {
	at      string // the page and the line
	command string
	shown   []string
}

// ofPage reads the examples of a page, and the files that it shows: blocks whose first line is a
// comment with a file's name.
func ofPage(t *testing.T, page string, files map[string]string) (blocks []block) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var now *block
	file := ""
	for i, line := range strings.Split(string(raw), "\n") {
		code, is := strings.CutPrefix(line, "    ")
		name, isFile := strings.CutPrefix(code, "# ")
		command, isCommand := strings.CutPrefix(code, "$ ")
		switch {
		case !is:
			now, file = nil, ""
		case isFile && strings.HasSuffix(name, ".txt"):
			file = name
		case isCommand:
			blocks, file = append(blocks, block{at: filepath.Base(page) + ":" + strconv.Itoa(i+1), command: command}), ""
			now = &blocks[len(blocks)-1]
		case file != "":
			files[file] += code + "\n"
		case now != nil:
			now.shown = append(now.shown, code)
		}
	}
	return blocks
}

// whatVaries is what two runs print differently.
var whatVaries = regexp.MustCompile(`0x[0-9a-f]{6,}|[0-9.]+ s\b|lines? [0-9]+`)

// agrees says whether a text is what a page shows of it, in which "..." stands for any lines.
func agrees(shown []string, text string) (missing string, ok bool) {
	same := func(s string) string { return strings.TrimRight(whatVaries.ReplaceAllString(s, "#"), " ") }
	lines := strings.Split(text, "\n")
	anyLines := false
	for _, want := range shown {
		if want == "..." {
			anyLines = true
			continue
		}
		for anyLines && len(lines) > 0 && same(lines[0]) != same(want) {
			lines = lines[1:]
		}
		if len(lines) == 0 || same(lines[0]) != same(want) {
			return want, false
		}
		lines, anyLines = lines[1:], false
	}
	return "", true
}

// notRun are commands that the pages show and this test does not run, and why.
var notRun = map[string]string{
	"stress vm --kernel deb:6.1.0-47-amd64 -- affected":                            "it needs QEMU and the network, as the last one",
	"stress run --engine kernel --duration 60s":                                    "it runs for a minute, and no two runs are alike",
	"stress run --object prog.o --entry main":                                      "the object is the reader's",
	"stress run --engine kernel --object xdp.o --entry main":                       "likewise",
	"stress replay w.json":                                                         "it takes the witness on real CPUs: TestScripts/replay does",
	"stress replay w.json --svg w.svg":                                             "as the one before",
	"stress vm --kernel deb:5.10.0-46-amd64 -- run --engine kernel --duration 30s": "it needs QEMU and the network: scripts/kernels boots others",
}

// TestPages: what README and the pages of docs show of a command is what it prints.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it, and it takes seconds")
	}
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("%v, %d pages", err, len(pages))
	}
	findings, err := filepath.Glob(filepath.Join(root, "docs", "findings", "*.md"))
	if err != nil || len(findings) == 0 {
		t.Fatalf("%v, %d pages of findings", err, len(findings))
	}
	pages = append(pages, findings...)
	files := map[string]string{}
	var blocks []block
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		blocks = append(blocks, ofPage(t, page, files)...)
	}
	objects, err := filepath.Abs(filepath.Join(root, "stress"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(objects, "stress"); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, b := range blocks {
		words := strings.Fields(b.command)
		if _, ok := notRun[b.command]; ok || words[0] != "stress" {
			continue
		}
		ran++
		var stdout, stderr strings.Builder
		if code := run(words[1:], &stdout, &stderr); code != codeHolds && code != codeViolated {
			t.Errorf("%s: %s: exit code %d: %s", b.at, b.command, code, stderr.String())
		} else if line, ok := agrees(b.shown, stdout.String()); !ok {
			t.Errorf("%s: %s does not print:\n%s\nbut\n%s", b.at, b.command, line, stdout.String())
		}
	}
	if ran < 3 {
		t.Errorf("only %d of %d examples were run", ran, len(blocks))
	}
}

// TestAgrees: the test of pages can fail.
func TestAgrees(t *testing.T) {
	for _, tc := range []struct {
		shown []string
		text  string
		want  bool
	}{
		{[]string{"a", "b"}, "a\nb\nc", true},
		{[]string{"a", "c"}, "a\nb\nc", false},
		{[]string{"a", "...", "c"}, "a\nb\nb\nc", true},
		{[]string{"...", "d"}, "a\nb", false},
		{[]string{"49 states; 0.1 s"}, "49 states; 12.0 s  ", true},
		{[]string{"49 states; 0.1 s"}, "46 states; 0.1 s", false},
		{[]string{"seed 0xabcdef12"}, "seed 0x123456789abc", true},
	} {
		if _, got := agrees(tc.shown, tc.text); got != tc.want {
			t.Errorf("%q of %q: %v", tc.shown, tc.text, got)
		}
	}
}
