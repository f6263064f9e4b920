package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// memoryMax bounds what a test process may map, in KiB: a fault may make a search endless.
const memoryMax = 12 << 20

// patience is how many times longer than without a fault tests may take, slack what they may
// take beyond that.
const (
	patience = 5
	slack    = 30 * time.Second
)

type outcome string

const (
	killed     outcome = "killed"
	timedOut   outcome = "timed out"
	survived   outcome = "survived"
	uncompiled outcome = "uncompiled"
)

// A verdict is what became of a fault.
type verdict struct {
	fault
	outcome outcome
	by      string // package and test that noticed it
	took    time.Duration
}

// suite runs the tests of one package against a fault: a binary, and what opens the fault's gate
// there. The binary clean has no fault while no gate is open.
func (r *runner) suite(ctx context.Context, s *suite, clean, bin, env string) (outcome, string) {
	for n := range s.passes(nil) {
		if what, by := r.pass(ctx, s, n, clean, bin, env); what != survived {
			return what, by
		}
	}
	return survived, ""
}

// pass is one pass of a suite. A test that fails must do so twice, and not without the fault; one
// that does not is left out when the others are run. Tests that take too long must end in half that
// time without the fault. If they do not, the machine is slow, and they get twice the time.
func (r *runner) pass(ctx context.Context, s *suite, n int, clean, bin, env string) (outcome, string) {
	limit := min(r.timeout, patience*s.took+slack)
	var flaky []string
	for {
		args := append(s.passes(flaky)[n], "-test.failfast")
		run := r.exec(ctx, s.pkg, bin, env, limit, args...)
		failed, once := run.failed(), run.code == 1 && !run.timedOut
		if once {
			if len(failed) > 0 {
				args = append(slices.Clone(s.flags), "-test.run="+exactly(failed))
			}
			run = r.exec(ctx, s.pkg, bin, env, limit, args...)
		}
		allowed := limit
		if run.timedOut {
			allowed = limit / 2
		}
		control := run
		if run.timedOut || run.err != nil && len(failed) > 0 {
			control = r.exec(ctx, s.pkg, clean, "", allowed, args...)
		}
		switch {
		case run.timedOut && control.err == nil:
			return timedOut, s.pkg
		case run.timedOut && limit >= r.timeout:
			return survived, ""
		case run.timedOut:
			limit = min(r.timeout, 2*limit)
		case run.err != nil && len(failed) == 0:
			return killed, s.pkg + " " + run.lastWord()
		case run.err != nil && control.err == nil:
			return killed, s.pkg + " " + failed[0]
		case len(failed) > 0:
			flaky = append(flaky, failed...)
		default:
			return survived, ""
		}
	}
}

// A run is what a test process did.
type run struct {
	out      string
	err      error
	code     int
	timedOut bool
}

// exec runs a test binary in its package's folder. Random tests draw the same each time and leave
// no files.
func (r *runner) exec(ctx context.Context, pkg, bin, env string, limit time.Duration, args ...string) run {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	shell := fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, memoryMax)
	cmd := exec.CommandContext(limited, "sh", slices.Concat([]string{"-c", shell, bin}, args)...)
	cmd.Dir = filepath.Join(r.tree.root, filepath.FromSlash(pkg))
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=1", "RAPID_SEED=1", "RAPID_SHRINKTIME=1ms")
	if env != "" {
		cmd.Env = append(cmd.Env, env)
	}
	var out capped
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	res := run{err: cmd.Run()}
	res.out = out.String()
	res.timedOut = limited.Err() != nil && ctx.Err() == nil
	if exit, ok := errors.AsType[*exec.ExitError](res.err); ok {
		res.code = exit.ExitCode()
	}
	return res
}

// failed lists the tests that a run says have failed.
func (r run) failed() []string {
	var out []string
	for _, m := range ended.FindAllStringSubmatch(r.out, -1) {
		if m[1] == "FAIL" {
			out = append(out, m[2])
		}
	}
	return out
}

// lastWord is the first line of a crash, or the last of what was printed.
func (r run) lastWord() string {
	last := r.err.Error()
	for line := range strings.Lines(r.out) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "SIG") {
			return line
		}
		last = line
	}
	return last
}

// capped keeps the first part of what is written to it.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	const most = 4 << 20
	if room := most - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
