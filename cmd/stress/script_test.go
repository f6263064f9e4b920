package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tailpoke/internal/schema"
	"tailpoke/stress"
)

var update = flag.Bool("update", false, "write what the command prints into the scripts")

// TestScripts runs the command as users do, and looks at what it does: exit codes, files, the fields of
// objects. Beside testscript's own commands a script has
//
//	exits CODE stress ARGS...   runs the command; it must exit with that code, at the latest
//	                            in eight times its --duration, and with --json its object must be
//	                            as its schema says
//	shape FILE                  writes the fields of the one JSON object on stdout into FILE
//	field PATH PATTERN          holds a field of that object against a regular expression; an element
//	                            of the path is a name, a number, or name=value of one in a list;
//	                            the pattern <nil> is for a field that is absent or null
//
// and the conditions [cpu] and [kernel] say that this machine has what these engines need, [images]
// that it can be asked what its kernel emits.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

// TestGoldenScripts looks at what is printed for people.
func TestGoldenScripts(t *testing.T) { runScripts(t, "testdata/golden") }

func runScripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			// The race detector sleeps a second at each exit, for threads that are still
			// at work; the command has none then.
			e.Setenv("GORACE", "atexit_sleep_ms=10")
			e.Setenv("NUMCPU", fmt.Sprint(runtime.NumCPU()))
			scripts, err := filepath.Abs("../../scripts")
			e.Setenv("SCRIPTS", scripts)
			return err
		},
		RequireUniqueNames: true,
		Cmds:               map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "shape": shape, "field": field},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "cpu", "kernel":
			case "images":
				_, err := stress.Choice{Layout: "running"}.Settle()
				return err == nil, nil
			default:
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return stress.Missing(stress.Engine(cond)) == nil, nil
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE stress ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := codeOf(ts, args[1:])
	if at := slices.Index(args, "--duration"); code == codeNoVerdict && want != codeNoVerdict && at > 0 {
		// On a busy machine too little may happen in so short a time.
		d, err := time.ParseDuration(args[at+1])
		ts.Check(err)
		longer := slices.Clone(args[1:])
		longer[at] = (8 * d).String()
		code = codeOf(ts, longer)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	if stdout := ts.ReadFile("stdout"); slices.Contains(args, "--json") && stdout != "" {
		ts.Check(schema.Check([]byte(stdout)))
	}
}

// codeOf runs a command and returns its exit code.
func codeOf(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

func shape(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shape FILE")
	}
	object := objectOf(ts)
	fields := map[string]bool{}
	fieldsOf(fields, "", object)
	var names []string
	for f := range fields {
		names = append(names, f+"\n")
	}
	slices.Sort(names)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(names, "")), 0o666))
}

// objectOf is the one JSON object on stdout.
func objectOf(ts *testscript.TestScript) (object map[string]any) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	ts.Check(d.Decode(&object))
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("more than one object on stdout")
	}
	return object
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field PATH PATTERN")
	}
	var at any = objectOf(ts)
	for name := range strings.SplitSeq(args[0], ".") {
		at = element(at, name)
	}
	want, err := regexp.Compile("^(?:" + args[1] + ")$")
	ts.Check(err)
	if got := fmt.Sprint(at); (at == nil) != (args[1] == "<nil>") || !want.MatchString(got) {
		ts.Fatalf("%s is %q, want %q", args[0], got, args[1])
	}
}

// element is what an object or a list has by a name, or nil.
func element(in any, name string) any {
	switch in := in.(type) {
	case map[string]any:
		return in[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i < len(in) {
			return in[i]
		}
		key, value, _ := strings.Cut(name, "=")
		for _, e := range in {
			if o, ok := e.(map[string]any); ok && fmt.Sprint(o[key]) == value {
				return e
			}
		}
	}
	return nil
}

// fieldsOf collects the paths of an object with the kinds of their values.
func fieldsOf(out map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			fieldsOf(out, strings.TrimPrefix(path+"."+k, "."), e)
		}
	case []any:
		for _, e := range v {
			fieldsOf(out, path+"[]", e)
		}
	case json.Number:
		out[path+" number"] = true
	case nil:
		out[path+" null"] = true
	default:
		out[fmt.Sprintf("%s %T", path, v)] = true
	}
}

// TestEveryVerbInJSON: there is no verb whose object no script holds against its schema.
func TestEveryVerbInJSON(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(text)
	}
	for _, verb := range newRoot().Commands() {
		held := regexp.MustCompile(`(?m)^(\[.*\] )?exits \d stress ` + verb.Name() + `( .*)? --json\b`)
		if verb.RunE != nil && verb.Flags().Lookup("json") != nil && !held.MatchString(scripts.String()) {
			t.Errorf("no script has %q print JSON", verb.Name())
		}
	}
}

// TestSchemaFirst: whoever reads an object knows by its first field what it is.
func TestSchemaFirst(t *testing.T) {
	for _, args := range [][]string{
		{"model", "--json"}, {"version", "--json"}, {"doctor", "--json"},
		{"mutants", "--engine", "model", "--json", "no-grace"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(args, &stdout, &stderr); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
		}
		if !strings.HasPrefix(stdout.String(), "{\n  \"schema\": \"stress/") {
			t.Errorf("%v: begins with %.40q", args, stdout.String())
		}
	}
}
