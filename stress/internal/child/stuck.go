package child

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// message is a line of a child's standard output.
type message struct {
	Told   any `json:"told,omitempty"`
	Answer any `json:"answer,omitempty"`
}

// teller reads a child's output, line by line.
type teller struct {
	told   func(json.RawMessage) error
	line   []byte          // the beginning of one that is not whole yet
	answer json.RawMessage // nil until it came
	heard  atomic.Int64    // how many lines came
	err    atomic.Pointer[error]
}

func (t *teller) Write(b []byte) (int, error) {
	t.line = append(t.line, b...)
	for {
		line, rest, whole := bytes.Cut(t.line, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		var m struct{ Told, Answer json.RawMessage }
		if json.Unmarshal(line, &m) == nil { // what is none was written by what the child executes
			t.heard.Add(1)
			if m.Answer != nil {
				t.answer = m.Answer
			}
			if m.Told != nil && t.told != nil && t.err.Load() == nil {
				if err := t.told(m.Told); err != nil {
					t.err.Store(&err)
				}
			}
		}
		t.line = append(t.line[:0], rest...)
	}
}

// ErrSilent says that a child told nothing for too long.
var ErrSilent = errors.New("it told nothing any more")

// StuckError says that a child was ended, why, and where it stood.
type StuckError struct {
	Why    error
	Stacks string // of its threads in the kernel, and of its goroutines
}

// Error says why.
func (e *StuckError) Error() string { return "the child was ended: " + e.Why.Error() }

// Unwrap returns the reason.
func (e *StuckError) Unwrap() error { return e.Why }

// A guard ends a child that is silent, or of which what it told was refused.
type guard struct {
	over   chan struct{}
	done   sync.WaitGroup
	why    error
	kernel string
}

// Looks is how often a guard looks, and lastWords how long a child has to write its stacks.
const (
	looks     = 100 * time.Millisecond
	lastWords = 10 * time.Second
)

func (c *Call) guard(p *os.Process, t *teller) *guard {
	g := &guard{over: make(chan struct{})}
	g.done.Go(func() {
		tick := time.NewTicker(looks)
		defer tick.Stop()
		heard, silent := int64(0), 0
		for {
			select {
			case <-g.over:
				return
			case <-tick.C:
			}
			// A machine that was suspended has not waited: looks are counted, and not time.
			if now := t.heard.Load(); now != heard {
				heard, silent = now, 0
			}
			silent++
			if err := t.err.Load(); err != nil {
				g.why = *err
			} else if c.Silence > 0 && time.Duration(silent)*looks > c.Silence {
				g.why = fmt.Errorf("%w: for %v", ErrSilent, c.Silence)
			}
			if g.why != nil {
				g.stop(p)
				return
			}
		}
	})
	return g
}

// stop has the Go runtime of a child write its stacks, and kills it if it does not end.
func (g *guard) stop(p *os.Process) {
	g.kernel = kernelStacks(p.Pid)
	_ = p.Signal(syscall.SIGQUIT)
	_ = p.Signal(syscall.SIGCONT) // one that was stopped reads its signals then
	select {
	case <-g.over:
	case <-time.After(lastWords):
		_ = p.Kill()
	}
}

// end ends the guard of a child that has ended, and says why it was made to; nil: it was not.
func (g *guard) end(log string) error {
	close(g.over)
	g.done.Wait()
	if g.why == nil {
		return nil
	}
	return &StuckError{g.why, g.kernel + log}
}

// kernelStacks is where the threads of a process stand: what each is doing, and, for who may read
// it, its stack in the kernel.
func kernelStacks(pid int) string {
	var b strings.Builder
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid)) // fails on a malformed pattern alone
	for _, t := range tasks {
		read := func(name string) string {
			text, _ := os.ReadFile(filepath.Join(t, name)) // a thread may end, and some may not be read
			return strings.TrimSpace(string(text))
		}
		state := ""
		for line := range strings.Lines(read("status")) {
			if after, ok := strings.CutPrefix(line, "State:"); ok {
				state = strings.TrimSpace(after)
			}
		}
		call, _, _ := strings.Cut(read("syscall"), " ") // its number; what follows are addresses
		fmt.Fprintf(&b, "thread %s: %s, in %s, system call %s\n", filepath.Base(t), state, read("wchan"), call)
		for line := range strings.Lines(read("stack")) {
			fmt.Fprintf(&b, "\t%s\n", strings.TrimSpace(line))
		}
	}
	return b.String()
}
