package stress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
)

// childEnv marks a process that does one thing and nothing else: its value says what.
const (
	childEnv        = "TAILPOKE_CHILD"
	childJob        = "job"     // runs a job of the cpu engine
	childConformant = "program" // runs one program, see Conformance
)

// childGrace is how much longer than its duration a child may take.
const childGrace = 30 * time.Second

// childReady says that Child was called, so that this program's own executable can be
// started as a child.
var childReady atomic.Bool

var errNeedsChild = errors.New("the poke method may tear instructions and needs a child process: call stress.Child first in main")

// job is a run of the cpu engine as a child reads it from its standard input.
type job struct {
	Protocol    string        `json:"protocol"`
	Method      string        `json:"method"`
	Grace       string        `json:"grace"`
	Layout      string        `json:"layout"`
	Threads     int           `json:"threads"`
	Source      source        `json:"source"`
	Script      string        `json:"script"`
	Seed        uint64        `json:"seed"`
	Duration    time.Duration `json:"duration"`
	StopAtFirst bool          `json:"stop_at_first"`
	NoBoost     bool          `json:"no_boost"`
	KeepTrace   int           `json:"keep_trace"`
}

// reply is what a child writes to its standard output.
type reply struct {
	Result *cpu.Result `json:"result,omitempty"`
	Error  string      `json:"error,omitempty"`
}

// Child turns this process into a child if it was started as one, and else returns. A
// program that calls [Run] calls it first in main, and a test binary in TestMain.
func Child() {
	kind := os.Getenv(childEnv)
	if kind == "" {
		childReady.Store(true)
		return
	}
	// A terminal's interrupt goes to both processes; the parent passes it on as SIGTERM.
	signal.Ignore(os.Interrupt)
	var out any
	if kind == childConformant { // SIGTERM kills it
		out = conformanceReply(os.Stdin)
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		res, err := childRun(ctx, os.Stdin)
		r := reply{Result: res}
		if err != nil {
			r.Error = err.Error()
		}
		out = r
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, "tailpoke child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func childRun(ctx context.Context, in io.Reader) (*cpu.Result, error) {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return nil, err
	}
	// The parent keeps the other end open: if it dies, nobody waits for the answer.
	go func() {
		_, _ = io.Copy(io.Discard, in)
		os.Exit(1)
	}()
	c := cpu.Config{Seed: j.Seed, Duration: j.Duration, StopAtFirst: j.StopAtFirst, NoBoost: j.NoBoost}
	var err error
	set := func(e error) { err = errors.Join(err, e) }
	var e error
	c.Subject.Protocol, e = protocol.ParseProtocol(j.Protocol)
	set(e)
	c.Subject.Method, e = protocol.ParseMethod(j.Method)
	set(e)
	c.Subject.Grace, e = protocol.GraceByName(j.Grace)
	set(e)
	c.Layout, e = jit.LayoutByName(j.Layout)
	set(e)
	c.Script, e = protocol.ParseScript(j.Script)
	set(e)
	t, e := j.Source.target()
	if set(e); err != nil {
		return nil, err
	}
	c.Subject.Layout, c.Subject.Shape = j.Layout, t.Shape(j.Threads)
	if err := t.configure(&c); err != nil {
		return nil, err
	}
	if c.Oracle, err = NewOracle(t, c.Layout); err != nil {
		return nil, err
	}
	return runTraced(ctx, c, j.KeepTrace)
}

// runCPU runs the cpu engine: here, or in a child if a thread may execute bytes that
// are no instruction, since these can be anything, a system call too.
func runCPU(ctx context.Context, s protocol.Subject, t *Target, c cpu.Config, keepTrace int) (*cpu.Result, error) {
	if cpu.Guarded(s.Method) {
		return runTraced(ctx, c, keepTrace)
	}
	if !childReady.Load() {
		return nil, errNeedsChild
	}
	return inChild(ctx, job{
		Protocol: s.Protocol.String(), Method: s.Method.String(), Grace: s.Grace.Name, Layout: s.Layout,
		Threads: s.Shape.Threads, Source: t.source, Script: c.Script.String(), Seed: c.Seed,
		Duration: c.Duration, StopAtFirst: c.StopAtFirst, NoBoost: c.NoBoost, KeepTrace: keepTrace,
	})
}

// inChild runs a job in a child process. A child that a CPU fault kills is a finding:
// something that its threads executed did that.
func inChild(ctx context.Context, j job) (*cpu.Result, error) {
	start := time.Now()
	var r reply
	why, err := child(ctx, childJob, j, j.Duration+childGrace, &r)
	switch {
	case err != nil:
		return nil, err
	case why != "":
		return died(why, time.Since(start)), nil
	case r.Error != "":
		return nil, errors.New(r.Error)
	}
	return r.Result, nil
}

// child gives a process of its own something to do, and decodes its answer. If the process was
// killed by what it executed, crashed says how.
func child(ctx context.Context, kind string, in any, limit time.Duration, answer any) (crashed string, err error) {
	input, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(bounded, exe)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childGrace
	cmd.Env = append(os.Environ(), childEnv+"="+kind)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start a child: %w", err)
	}
	// A child that dies early breaks the pipe; its answer or its state says more than
	// either error.
	_, _ = stdin.Write(input)
	_ = cmd.Wait()
	if json.Unmarshal(out.Bytes(), answer) == nil {
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
// for all other deaths: by SIGKILL, by a panic of the harness, by our own timeout.
func crash(p *os.ProcessState, log string) string {
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
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

// died makes a result of a child's death.
func died(why string, after time.Duration) *cpu.Result {
	text := "the process that executed the image died: " + why
	return &cpu.Result{
		Bad: 1, Findings: []cpu.Finding{{Class: cpu.ClassTorn, Thread: cpu.None, Text: text, Count: 1}},
		Seconds: after.Seconds(), FirstSeconds: after.Seconds(),
	}
}
