package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/rogpeppe/go-internal/testscript"

	"tailpoke/stress"
)

// leakless fails a run of tests, or of the command, that leaves goroutines behind.
type leakless struct{ run func() int }

func (l leakless) Run() int {
	code := l.run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return code
}

func TestMain(m *testing.M) {
	stress.Child() // scripts start this binary as the command, and that starts it as a child
	testscript.Main(leakless{m.Run}, map[string]func(){
		"stress": func() {
			os.Exit(leakless{func() int { return run(os.Args[1:], os.Stdout, os.Stderr) }}.Run())
		},
	})
}

// needCPU skips a test where images cannot be executed.
func needCPU(t *testing.T) {
	t.Helper()
	if err := stress.Missing("cpu"); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
}

// full is a standard output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestFullOutput: a result that could not be written is a failure of the harness.
func TestFullOutput(t *testing.T) {
	for _, args := range [][]string{
		{"version"}, {"version", "--json"}, {"doctor"}, {"list"}, {"disasm"},
		{"model"}, {"model", "--json"}, {"mutants", "--engine", "model", "no-grace"},
	} {
		var stderr strings.Builder
		if code := run(args, full{}, &stderr); code != codeFailed {
			t.Errorf("%v: exit code %d, want %d; %s", args, code, codeFailed, stderr.String())
		}
		if !strings.Contains(stderr.String(), "stress: no space left\n") {
			t.Errorf("%v: stderr %q", args, stderr.String())
		}
	}
}
