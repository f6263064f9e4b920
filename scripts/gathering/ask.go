package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// An answer is what the command said.
type answer struct {
	Args    []string  `json:"args"`
	Code    int       `json:"code"` // exit code; -1: a signal ended it
	Late    bool      `json:"late"`
	Stderr  string    `json:"stderr"` // its beginning
	Seconds float64   `json:"seconds"`
	Report  *document `json:"report,omitempty"`
}

// A document has what is used here of the command's reports.
type document struct {
	Summary   string  `json:"summary"`
	Programs  int     `json:"programs"`  // of identity
	Identical int     `json:"identical"` // likewise
	Rejected  []notes `json:"rejected,omitempty"`
	Apart     []notes `json:"unsupported,omitempty"`
	Differ    []notes `json:"differences,omitempty"`
	Verdicts  []row   `json:"verdicts,omitempty"` // of a run
}

type notes struct {
	Name    string `json:"name"`
	Listing string `json:"listing"`
}

type row struct {
	Engine  string `json:"engine"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
}

// An asker runs the command.
type asker struct{ options }

// all asks everything about an object.
func (a asker) all(ctx context.Context, ob *object) (err error) {
	if ob.identity, err = a.ask(ctx, ob.name, "identity", ob.file); err != nil {
		return err
	}
	for _, e := range ob.entries() {
		args := append([]string{"--object", ob.file, "--entry", e, "--seed", a.seed}, a.more...)
		ob.runs[e], err = a.ask(ctx, ob.name+" "+e, "run", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// ask asks, unless the answer was kept.
func (a asker) ask(ctx context.Context, about, verb string, args ...string) (*answer, error) {
	kept := filepath.Join(a.state, strings.NewReplacer("/", "+", " ", "+").Replace(verb+" "+about)+".json")
	data, err := os.ReadFile(kept)
	if errors.Is(err, fs.ErrNotExist) {
		var got *answer
		if got, err = a.run(ctx, append([]string{verb, "--quiet", "--json"}, args...)); err != nil {
			return nil, err
		}
		if data, err = json.MarshalIndent(got, "", "  "); err == nil {
			err = os.WriteFile(kept, data, 0o644)
		}
	}
	if err != nil {
		return nil, err
	}
	got := &answer{}
	if err := json.Unmarshal(data, got); err != nil {
		return nil, fmt.Errorf("%s: %w", kept, err)
	}
	return got, nil
}

// run runs the command. What it leaves behind is ended with it.
func (a asker) run(ctx context.Context, args []string) (*answer, error) {
	bounded, cancel := context.WithTimeout(ctx, a.limit)
	defer cancel()
	cmd := exec.CommandContext(bounded, a.stress, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	got := &answer{
		Args: args, Code: cmd.ProcessState.ExitCode(), Late: bounded.Err() != nil,
		Seconds: time.Since(began).Seconds(), Stderr: beginning(stderr.String()),
	}
	if stdout.Len() > 0 {
		got.Report = &document{}
		if err := json.Unmarshal(stdout.Bytes(), got.Report); err != nil && !got.Late {
			return nil, fmt.Errorf("%q answers no JSON: %w", args, err)
		}
	}
	return got, nil
}

// beginning is the first few thousand bytes of a text.
func beginning(text string) string {
	const most = 4000
	return text[:min(most, len(text))]
}
