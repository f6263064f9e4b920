package child

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Grace is how much longer than its limit a child may take to end.
const Grace = 30 * time.Second

// Ask gives a process of its own something to do, and decodes its answer. If what the process
// executed killed it, crashed says how.
func Ask(ctx context.Context, work string, in any, limit time.Duration, answer any) (crashed string, err error) {
	return (&Call{Work: work, In: in, Limit: limit}).Ask(ctx, answer)
}

// A Call is something to do for a process that may tell things on its way.
type Call struct {
	Work  string
	In    any
	Limit time.Duration // it is asked to end after that and Grace
	// Told is given what the process tells, one thing after the other. Its error ends the process.
	Told func(json.RawMessage) error
	// Silence is how long the process may tell nothing; 0: for ever.
	Silence time.Duration
}

// Ask is the function of that name. The error is a [*StuckError] if the process was ended because of
// Told or Silence.
func (c *Call) Ask(ctx context.Context, answer any) (crashed string, err error) {
	input, err := json.Marshal(c.In)
	if err != nil {
		return "", err
	}
	bounded, cancel := context.WithTimeout(ctx, c.Limit+Grace)
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(bounded, exe)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = Grace
	cmd.Env = append(os.Environ(), env+"="+c.Work)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	var log bytes.Buffer
	out := &teller{told: c.Told}
	cmd.Stdout, cmd.Stderr = out, &log
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start a child: %w", err)
	}
	guard := c.guard(cmd.Process, out)
	// A child that dies early breaks the pipe; its answer or its state says more than
	// either error.
	_, _ = stdin.Write(append(input, '\n'))
	_ = cmd.Wait()
	if stuck := guard.end(log.String()); stuck != nil {
		return "", stuck
	}
	if out.answer != nil && json.Unmarshal(out.answer, answer) == nil {
		return "", nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if why := crash(cmd.ProcessState, log.String()); why != "" {
		return why, nil
	}
	return "", fmt.Errorf("the child ended without an answer: %v: %.500s", cmd.ProcessState, log.String())
}

// crash names what a torn instruction may have done to a process: a signal of the CPU,
// or a fatal error of the Go runtime, whose memory it can have written. It returns ""
// for all other deaths: by SIGKILL, by a panic of the harness, by our own timeout, and for lack of memory
// or threads.
func crash(p *os.ProcessState, log string) string {
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if lacking.MatchString(line) {
			return ""
		}
		if strings.HasPrefix(line, "SIG") || strings.HasPrefix(line, "fatal error:") {
			return p.String() + ": " + line
		}
	}
	if ws, ok := p.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		switch ws.Signal() {
		case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE, syscall.SIGTRAP, syscall.SIGSYS:
			return p.String()
		}
	}
	return ""
}

// lacking are words of the Go runtime, in its fatal error or in a line before it, when the system gives it no
// memory or no thread.
var lacking = regexp.MustCompile(`out of memory|cannot allocate|cannot map pages|newosproc|new OS thread|pthread_create failed`)

// env marks a process that does one thing and nothing else: its value names the work.
const env = "TAILPOKE_CHILD"

// ready says that Serve was called, so that this program's executable can be started as a child.
var ready atomic.Bool

// Ready reports whether this process can have children.
func Ready() bool { return ready.Load() }

// Work reads what it is asked from in, and returns its answer, which becomes JSON.
type Work func(in io.Reader) any

// Serve does the work that this process was started for, and exits; or returns, if it was
// started for none.
func Serve(works map[string]Work) {
	name := os.Getenv(env)
	if name == "" {
		ready.Store(true)
		return
	}
	work, ok := works[name]
	if !ok {
		fail(fmt.Errorf("%s=%q: no such work", env, name))
	}
	// A terminal's interrupt goes to both processes; the parent passes it on as SIGTERM.
	signal.Ignore(os.Interrupt)
	if err := json.NewEncoder(os.Stdout).Encode(message{Answer: work(os.Stdin)}); err != nil {
		fail(err)
	}
	os.Exit(0)
}

// Tell tells the parent something on the way. One goroutine at a time does.
func Tell(v any) {
	if err := json.NewEncoder(os.Stdout).Encode(message{Told: v}); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "tailpoke child:", err)
	os.Exit(1)
}
