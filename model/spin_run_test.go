package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tailpoke/model/promela"
	"tailpoke/patcher/protocol"
)

// Running Spin, and what it says.

// found is what a complete exploration finds, whichever explorer it is.
type found struct {
	states, transitions uint64
	depth               int                       // how far away the farthest state is
	first               map[protocol.Property]int // the fewest steps that break each property
}

// spinTime bounds one command, and spinMemory a checker that Spin made, in MB.
const (
	spinTime   = 2 * time.Minute
	spinMemory = 2000
)

// needSpin skips a test, with the reason, where there is no Spin. Who asks for Spin by
// the flag wants no skip.
func needSpin(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			if *spin {
				t.Fatalf("needs %s: %v", tool, err)
			}
			t.Skipf("needs %s: %v", tool, err)
		}
	}
}

// withoutReductions tells Spin to leave out what merges or leaves out states.
var withoutReductions = spinFlags{
	spin: []string{"-o1", "-o2", "-o3"}, // dataflow, dead variables, merged statements
	gcc:  []string{"-DNOREDUCE"},        // partial orders
}

type spinFlags struct{ spin, gcc []string }

// compile makes a checker of a subject, in a folder. It returns the checker's path.
func (f spinFlags) compile(dir string, s protocol.Subject, threads int) (string, error) {
	var text bytes.Buffer
	if err := promela.Write(&text, s, threads); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "subject.pml"), text.Bytes(), 0o644); err != nil {
		return "", err
	}
	commands := [][]string{
		append(append([]string{"spin", "-a"}, f.spin...), "subject.pml"),
		append(append([]string{"gcc", "-o", "pan", "-w", "-DSAFETY",
			fmt.Sprintf("-DMEMLIM=%d", spinMemory)}, f.gcc...), "pan.c"),
	}
	for _, c := range commands {
		if ran, err := command(dir, c...); err != nil || strings.Contains(ran.out, "Error") {
			return "", fmt.Errorf("%s: %v\n%s", strings.Join(c, " "), err, ran.out)
		}
	}
	return filepath.Join(dir, "pan"), nil
}

// A ran is what a command that has run printed and took.
type ran struct {
	out     string
	seconds float64 // by the clock
	cpu     float64 // seconds of all its threads
	mb      float64 // of memory, at most
}

func command(dir string, args ...string) (ran, error) {
	ctx, cancel := context.WithTimeout(context.Background(), spinTime)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = dir
	begin := time.Now()
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("longer than %v", spinTime)
	}
	r := ran{out: string(out), seconds: time.Since(begin).Seconds()}
	r.cpu = (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.mb = float64(usage.Maxrss) / 1024 // Linux counts in kB
		if runtime.GOOS == "darwin" {
			r.mb /= 1024
		}
	}
	return r, err
}

var (
	panBroken      = regexp.MustCompile(`(?m)^pan:\d+: (.*) \(at depth (\d+)\)$`)
	panStates      = regexp.MustCompile(`(?m)^\s*(\d+) states, stored$`)
	panTransitions = regexp.MustCompile(`(?m)^\s*(\d+) transitions`)
	panDepth       = regexp.MustCompile(`depth reached (\d+)`)
)

// readPan reads what a checker printed that went on to the end (-c0). Spin counts the
// way into the initial state as a transition, and the depth of a violation up to the
// state in which it happens. Breadth first the first violation is a nearest one.
func readPan(out string) (found, error) {
	f := found{first: map[protocol.Property]int{}}
	for _, fault := range []string{"not completed", "too small", "out of memory", "memory limit"} {
		if strings.Contains(out, fault) {
			return f, fmt.Errorf("pan did not end: %s", lastOf(out))
		}
	}
	for _, m := range panBroken.FindAllStringSubmatch(out, -1) {
		name, ok := strings.CutPrefix(m[1], "assertion violated ")
		p := protocol.Property(strings.ReplaceAll(name, "_", "-"))
		if !ok || !judged(p) {
			return f, fmt.Errorf("pan found what was not asked: %s", m[0])
		}
		if _, known := f.first[p]; !known {
			depth, _ := strconv.Atoi(m[2])
			f.first[p] = depth + 1
		}
	}
	number := func(r *regexp.Regexp) (n uint64, err error) {
		m := r.FindStringSubmatch(out)
		if m == nil {
			return 0, fmt.Errorf("pan printed no %v: %s", r, out)
		}
		return strconv.ParseUint(m[1], 10, 64)
	}
	var err, err2, err3 error
	f.states, err = number(panStates)
	f.transitions, err2 = number(panTransitions)
	depth, err3 := number(panDepth)
	f.transitions--
	f.depth = int(depth)
	return f, errors.Join(err, err2, err3)
}

// lastOf is the end of what a command printed: a checker prints a line for each violation.
func lastOf(out string) string { return out[max(0, len(out)-1000):] }

func judged(p protocol.Property) bool {
	_, err := (&Options{Only: p}).complete(protocol.GraceEpoch)
	return p != "" && err == nil
}

// spinFinds asks Spin, breadth first and with its reductions off.
func spinFinds(s protocol.Subject, threads int) (found, error) {
	dir, err := os.MkdirTemp("", "spin")
	if err != nil {
		return found{}, err
	}
	defer os.RemoveAll(dir)
	flags := withoutReductions
	flags.gcc = append([]string{"-DBFS"}, flags.gcc...)
	pan, err := flags.compile(dir, s, threads)
	if err != nil {
		return found{}, err
	}
	r, err := command(dir, pan, "-c0", "-w19")
	if err != nil {
		return found{}, fmt.Errorf("pan: %v: %s", err, lastOf(r.out))
	}
	return readPan(r.out)
}

// explorerFinds asks this package, with its reductions off: once for each property, and
// once for none, so that no violation ends the exploration.
func explorerFinds(s protocol.Subject, threads int) (found, error) {
	sys, err := newSystem(s, threads, false)
	if err != nil {
		return found{}, err
	}
	const none = faults // no move is faulty in this way
	e := newExplorer(sys, none, 1, DefaultMaxStates)
	out := e.run()
	if out.bounded {
		return found{}, fmt.Errorf("more than %d states", DefaultMaxStates)
	}
	r := e.result(out)
	f := found{r.States, r.Transitions, r.Depth, map[protocol.Property]int{}}
	for _, p := range faultProperties[1:stuck] { // Spin is not asked for progress
		r, err := Check(s, Options{Threads: threads, NoSymmetry: true, Only: p})
		if err != nil {
			return f, err
		}
		if r.Verdict == protocol.Violated {
			f.first[p] = r.Depth
		}
	}
	return f, nil
}
