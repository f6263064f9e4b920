package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// some is material without the command.
func some() *material {
	m := &material{files: map[string][]byte{
		"p.txt": []byte("protocol p\n  install  publish\n"), "m.txt": []byte("method m\n  all\n"), "calls.txt": []byte("put 0 0\n"),
		"trace.txt": []byte("key 0 install called p1\n"), "program.txt": []byte("95 00 00 00 00 00 00 00\n"),
		"w.json": []byte(`{"schema":"s","choices":[{"site":0,"to":"nop"},{}],"n":1}`), "tailcalls.o": make([]byte, 500),
	}}
	m.protocols, m.methods, m.witnesses, m.objects = []string{"p.txt"}, []string{"m.txt"}, []string{"w.json"}, []string{"tailcalls.o"}
	return m
}

// TestDraw: an input is the seed's and the number's alone, and every kind comes up.
func TestDraw(t *testing.T) {
	m, kinds, same := some(), map[string]bool{}, 0
	const inputs = 400
	for n := range uint64(inputs) {
		in := draw(7, n, m)
		if again := draw(7, n, some()); !reflect.DeepEqual(in, again) {
			t.Fatalf("input %d is %+v, and then %+v", n, in, again)
		}
		if other := draw(8, n, m); reflect.DeepEqual(in.args, other.args) && in.kind == other.kind {
			same++
		}
		kind, _, _ := strings.Cut(in.kind, " ")
		kinds[strings.TrimSuffix(kind, ":")] = true
		if len(in.codes) == 0 || in.kind == "" {
			t.Errorf("input %d expects nothing: %+v", n, in)
		}
	}
	if same > inputs/10 {
		t.Errorf("%d of %d inputs are the same with another seed", same, inputs)
	}
	for _, kind := range []string{"flags", "files", "signals", "surroundings"} {
		if !kinds[kind] {
			t.Errorf("no %s in %d inputs", kind, inputs)
		}
	}
}

// TestEdits: what is edited differs from what it was, not always, and the original stays.
func TestEdits(t *testing.T) {
	m := some()
	for name, data := range m.files {
		changed, before := 0, string(data)
		for n := range uint64(100) {
			r := generator(1, n)
			out := editText(r, data)
			switch filepath.Ext(name) {
			case ".json":
				out = editJSON(r, data)
			case ".o":
				out = editObject(r, data)
			}
			if string(out) != before {
				changed++
			}
		}
		if string(data) != before {
			t.Errorf("%s was changed itself", name)
		}
		if changed < 50 {
			t.Errorf("%s: %d of 100 edits changed something", name, changed)
		}
	}
}

// TestJudge: every rule can be broken.
func TestJudge(t *testing.T) {
	const why = "stress: no\n"
	run := &input{args: []string{"run"}, codes: []int{holds, usage}, reports: true}
	object := &input{args: []string{"run"}, codes: []int{holds}, form: "json"}
	tests := &input{args: []string{"run"}, codes: []int{holds}, form: "junit"}
	stopped := &input{args: []string{"run"}, codes: []int{130}, reports: true, signals: []sent{{signal: syscall.SIGINT}}}
	for _, c := range []struct {
		name string
		in   *input
		o    outcome
		want string // in the first thing that is wrong; "" if nothing is
	}{
		{"fine", run, outcome{stdout: "holds\n"}, ""},
		{"refused", run, outcome{code: 2, stderr: why}, ""},
		{"refused late", run, outcome{code: 2, stderr: "seed 0x1\n" + why}, ""},
		{"late", run, outcome{late: true}, "it went on"},
		{"left", run, outcome{left: true, stdout: "holds\n"}, "a process of it went on"},
		{"panic", run, outcome{code: 2, stderr: "panic: oh\n\ngoroutine 1 [running]:\n"}, "it says \"panic: \""},
		{"internal fault", run, outcome{code: 3, stderr: "stress: internal fault: oh\n"}, "it says"},
		{"runtime", run, outcome{code: 2, stderr: "fatal error: out of memory\n"}, "it says"},
		{"undocumented", run, outcome{code: 77, stdout: "x"}, "exit code 77 is not documented"},
		{"unexpected", run, outcome{code: 1, stdout: "violated\n"}, "exit code 1, want one of [0 2]"},
		{"two lines", run, outcome{code: 2, stderr: why + why}, "exit code 2 with 2 lines"},
		{"no line", run, outcome{code: 2}, "exit code 2 with 0 lines"},
		{"more after it", run, outcome{code: 2, stderr: why + "usage\n"}, "exit code 2 with 1 lines"},
		{"half a line", run, outcome{code: 2, stderr: "stress: n"}, "exit code 2 with 1 lines"},
		{"a report of what was refused", run, outcome{code: 2, stdout: "x", stderr: why}, "exit code 2 with something"},
		{"no report", run, outcome{}, "exit code 0 without a report"},
		{"escape", run, outcome{stdout: "a\x1b[2J\n"}, "standard output has the character U+001B"},
		{"direction", run, outcome{code: 2, stderr: "stress: \u202e\n"}, "standard error has the character U+202E"},
		{"no character", run, outcome{stdout: "a\xff\n"}, "standard output has the byte 0xff"},
		{"object", object, outcome{stdout: `{"schema": "s"}`}, ""},
		{"no object", object, outcome{stdout: `{"schema": `}, "its report is no json"},
		{"two objects", object, outcome{stdout: `{"schema": "s"} {}`}, "its report is no json: there is more"},
		{"elements", tests, outcome{stdout: "<a><b/></a>"}, ""},
		{"half an element", tests, outcome{stdout: "<a><b></a>"}, "its report is no junit"},
		{"stopped", stopped, outcome{code: 130, stopped: 1, stdout: "x\nholds (model)\n", stderr: "seed 1\nstress: interrupted\n"}, ""},
		{"stopped at once", stopped, outcome{code: -1, killed: syscall.SIGINT, stopped: 1}, ""},
		{"killed", stopped, outcome{code: -1, killed: syscall.SIGINT, stopped: 1, stderr: "seed 1\n"}, "killed by interrupt"},
		{"killed by the second", stopped, outcome{code: -1, killed: syscall.SIGINT, stopped: 2, stderr: "seed 1\n"}, ""},
		{"crashed", run, outcome{code: -1, killed: syscall.SIGSEGV}, "killed by segmentation fault"},
		{"no report when stopped", stopped, outcome{code: 130, stopped: 1, stdout: "seed 1\n", stderr: "seed 1\n"}, "exit code 130 without the whole report"},
	} {
		wrong := judge(c.in, &c.o)
		if c.want == "" && len(wrong) > 0 || c.want != "" && (len(wrong) == 0 || !strings.HasPrefix(wrong[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.name, wrong, c.want)
		}
	}
}

// TestRun: a command that misbehaves is caught as a process too, and one that does not is not.
func TestRun(t *testing.T) {
	for _, c := range []struct {
		script, want string
		in           input
	}{
		{"echo holds", "", input{codes: []int{holds}}},
		{"exit 77", "exit code 77 is not documented", input{codes: []int{holds}}},
		{"echo 'panic: oh' >&2; exit 2", `it says "panic: "`, input{codes: []int{usage}}},
		{"cat; echo stress: $1 >&2; exit 2", "exit code 2 with something", input{codes: []int{usage}, stdin: text, text: "x\n"}},
		{"test -p fifo -a -d folder -a -f f.txt && echo $V", "", input{codes: []int{holds}, files: map[string][]byte{"f.txt": nil}, env: []string{"V=1"}}},
		{"read -r line; echo $line", "", input{codes: []int{holds}, stdin: endless}},
		{"trap 'exit 130' INT; while :; do sleep 0.01; done", "", input{codes: []int{130}, stdin: silent, signals: []sent{{after: 50 * time.Millisecond, signal: syscall.SIGINT, group: true}}}},
		{"sleep 20 & trap 'exit 143' TERM; wait", "a process of it went on", input{codes: []int{143}, signals: []sent{{after: 50 * time.Millisecond, signal: syscall.SIGTERM}}}},
	} {
		stress := filepath.Join(t.TempDir(), "stress")
		if err := os.WriteFile(stress, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		c.in.args, c.in.limit = []string{fifo}, time.Second
		o, err := c.in.run(t.Context(), stress, filepath.Join(t.TempDir(), "1"))
		if err != nil {
			t.Fatal(err)
		}
		wrong := judge(&c.in, o)
		if c.want == "" && len(wrong) > 0 || c.want != "" && (len(wrong) == 0 || !strings.HasPrefix(wrong[0], c.want)) {
			t.Errorf("%s: %q, want %q; %+v", c.script, wrong, c.want, *o)
		}
	}
}

// TestLate: what does not end is ended, and said to be late.
func TestLate(t *testing.T) {
	in := &input{args: []string{"20"}, codes: []int{holds}, limit: time.Millisecond, slack: 50 * time.Millisecond}
	o, err := in.run(t.Context(), "sleep", filepath.Join(t.TempDir(), "1"))
	if err != nil || !o.late || len(judge(in, o)) == 0 {
		t.Errorf("%+v, error %v", o, err)
	}
}

// TestAgain: the line that shows an input again does, whatever is in it.
func TestAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "1")
	in := &input{args: []string{"[%s]", "a'b", "\x1b\xff", "", "日 本"}, stdin: text, text: "in\n", env: []string{"A=b c"}, codes: []int{holds}, limit: time.Second}
	first, err := in.run(t.Context(), "printf", dir)
	if err != nil {
		t.Fatal(err)
	}
	line := &input{args: []string{"-c", in.again("printf", dir)}, limit: time.Second}
	again, err := line.run(t.Context(), "bash", filepath.Join(t.TempDir(), "1"))
	if err != nil || first.stdout != again.stdout || first.stdout != "[a'b][\x1b\xff][][日 本]" {
		t.Errorf("%q, and again %q, error %v\n%s", first.stdout, again.stdout, err, line.args[1])
	}
}

// TestOne: a violation is counted, and says how it is shown again.
func TestOne(t *testing.T) {
	var out strings.Builder
	stress := filepath.Join(t.TempDir(), "stress")
	if err := os.WriteFile(stress, []byte("#!/bin/sh\nexit 77\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	a := &abuser{w: &out, dir: t.TempDir(), stress: stress, seed: 3, material: some(), tally: tally{}}
	if err := a.all(context.Background(), options{count: 3, jobs: 2}); err != nil || a.violations != 3 {
		t.Errorf("%d violations, error %v\n%s", a.violations, err, out.String())
	}
	for n := range 3 {
		if want := fmt.Sprintf("scripts/abuse --seed 3 --only %d (", n+1); !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	a.tally.write(&out)
	if !strings.Contains(out.String(), "\nall ") {
		t.Errorf("no table:\n%s", out.String())
	}
}
