package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModules(t *testing.T) {
	modules, err := parseModules(modulesText)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]bool{}
	for _, m := range modules {
		paths[m.path] = true
		if len(m.files) == 0 || !strings.HasPrefix(m.sum, "h1:") || !strings.HasPrefix(m.version, "v") {
			t.Errorf("%v: checksum %q, %d files", m, m.sum, len(m.files))
		}
	}
	if len(paths) < 10 {
		t.Errorf("%d modules, want at least 10", len(paths))
	}
	for _, bad := range []string{"\tfile.o", "module v1", "module v1 h1:x\n\ttwo files"} {
		if _, err := parseModules(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestProject(t *testing.T) {
	for object, want := range map[string]string{
		"github.com/cilium/cilium@v1/a.o": "cilium",
		"github.com/cilium/ebpf@v1/a.o":   "cilium/ebpf",
		"tailscale.com@v1/a.o":            "tailscale.com",
	} {
		if got := project(object); got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
}

// rows are those of a run whose engines said this.
func rows(kernel, cpu, machine, model string) *answer {
	d := &document{}
	for i, v := range []string{kernel, cpu, machine, model} {
		if v != "" {
			d.Verdicts = append(d.Verdicts, row{Engine: engines[i], Verdict: v, Reason: "main is so"})
		}
	}
	return &answer{Report: d}
}

func TestTable(t *testing.T) {
	good := &answer{Report: &document{Programs: 2, Identical: 2, Rejected: []notes{{Name: "c", Listing: "not loaded"}}}}
	objects := []*object{
		{name: "x/a@v1/a.o", file: "/a.o", programs: []string{"main", "c"}, tailing: []string{"c", "main"}, identity: good,
			runs: map[string]*answer{
				"main": rows("not-observed", "unsupported", "safe", "proved"),
				"c":    rows("vacuous", "unsupported", "unsupported", "proved"),
			}},
		{name: "x/b@v1/b.o", file: "/b.o", programs: []string{"main"}, identity: good,
			runs: map[string]*answer{"main": {Code: 2, Stderr: "stress: main has no tail call"}}},
	}
	var out strings.Builder
	if wrong := write(&out, objects); wrong != 0 {
		t.Errorf("%d things are wrong", wrong)
	}
	for _, want := range []string{
		"1 not-observed, 1 vacuous", "2 of 2, 1 not loaded", "  2  cpu unsupported: ",
		"2 objects of 2 modules, 1 with tail calls\n", "4 of 4 images identical; 2 programs not loaded",
		"1 of 2 entries with tail calls have a verdict of cpu or machine (50 %), 1 one of kernel\n",
		"1 of 1 that load as they stand here have a verdict of kernel (100 %)\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestWrong(t *testing.T) {
	fine := rows("not-observed", "not-observed", "safe", "proved")
	for name, c := range map[string]struct {
		identity, run *answer
		wrong         int
	}{
		"nothing":   {fine, fine, 0},
		"accused":   {fine, rows("violated", "not-observed", "safe", "proved"), 1},
		"no row":    {fine, rows("not-observed", "", "safe", "proved"), 1},
		"refused":   {fine, &answer{Code: 2, Stderr: "stress: no"}, 1},
		"panic":     {&answer{Code: 2, Stderr: "panic: index out of range\n"}, fine, 1},
		"exit 3":    {&answer{Code: 3}, fine, 1},
		"signal":    {&answer{Code: -1}, fine, 1},
		"late":      {&answer{Late: true}, fine, 1},
		"differing": {&answer{Report: &document{Differ: []notes{{}}}}, fine, 1},
	} {
		ob := &object{name: "x@v1/a.o", programs: []string{"main"}, tailing: []string{"main"}, identity: c.identity,
			runs: map[string]*answer{"main": c.run}}
		if got := ob.wrong(); len(got) != c.wrong {
			t.Errorf("%s: %q, want %d", name, got, c.wrong)
		}
	}
}

// What is no object is asked about all the same: the command must say what is wrong with it.
func TestReadObject(t *testing.T) {
	ob := readObject("x@v1/modules.txt", "modules.txt")
	if ob.unread == nil || len(ob.entries()) != 0 {
		t.Errorf("%v, %v", ob.unread, ob.entries())
	}
}

func TestGeneral(t *testing.T) {
	ob := &object{file: "/a/b.o", programs: []string{"main"}}
	for reason, want := range map[string]string{
		"stress: main uses map \"x\" in /a/b.o\nmore":                                                            `PROGRAM uses map "MAP" in FILE`,
		"its tail calls at a.h:32 after b.c:7 are indirect: main: insn 7 (JEqImm dst: r1 imm: 4) at a.b.c:9: no": "its tail calls are indirect: PROGRAM: no",
		"load program: invalid argument (12 line(s) omitted)":                                                    "load program: invalid argument",
	} {
		if got := ob.general(reason); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStateIsOfACommand: answers of one command are no answers of another.
func TestStateIsOfACommand(t *testing.T) {
	dir := t.TempDir()
	folder := func(command string) string {
		file := filepath.Join(dir, "command")
		if err := os.WriteFile(file, []byte(command), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := stateOf(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a := folder("a")
	if b := folder("b"); a == b || a != folder("a") {
		t.Errorf("%s and %s", a, b)
	}
}
