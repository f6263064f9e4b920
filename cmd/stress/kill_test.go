package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/internal/bundle"
	"tailpoke/internal/state"
)

var kills = flag.Int("kills", 4, "how often a soak, or the process of its round, is killed")

// TestSoakSurvivesKills: whenever a soak is killed, or the process of its round, what it had said is in
// its state, counts never go back, and every file is whole.
func TestSoakSurvivesKills(t *testing.T) {
	needCPU(t)
	if testing.Short() {
		t.Skip("short: it starts soaks")
	}
	dir := filepath.Join(t.TempDir(), "state")
	r := rand.New(rand.NewPCG(1, uint64(*kills)))
	before, said := uint64(0), uint64(0)
	for n := range *kills {
		s := startSoak(t, dir)
		// Now and then it has not even begun, mostly it has said something.
		s.await(time.Duration(r.IntN(2000))*time.Millisecond, said)
		if n%2 == 1 { // the round's process: the soak goes on
			if s.killRound() {
				s.awaitMore()
			}
		}
		s.kill()
		said = max(said, s.said.Load())
		before = check(t, dir, max(before, said))
	}
	t.Logf("%d kills, %d cycles, %d were said to be there", *kills, before, said)
}

// check reads a state, and returns its cycles, which must be as many as that.
func check(t *testing.T, dir string, least uint64) uint64 {
	t.Helper()
	s, err := state.Read(dir)
	if os.IsNotExist(err) && least == 0 {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	now := s.Progress("cpu").Cycles
	if now < least {
		t.Fatalf("%d cycles after %d", now, least)
	}
	for _, f := range s.Findings {
		if f.Bundle == "" {
			continue
		}
		file, err := os.ReadFile(filepath.Join(dir, state.Bundles, f.Bundle))
		if err == nil {
			_, err = bundle.Read(file)
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Bundle, err)
		}
	}
	return now
}

// soakProcess is a soak in a process of its own.
type soakProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	said  atomic.Uint64 // cycles, as its last line of progress has them
	lines atomic.Uint64
	ended chan struct{}
}

var cyclesSaid = regexp.MustCompile(`^cpu .* ([0-9,]+) cycles?,`)

func startSoak(t *testing.T, dir string) *soakProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &soakProcess{t: t, ended: make(chan struct{}), cmd: exec.Command(exe)}
	s.cmd.Args = []string{"stress", "soak", "--state", dir, "--threads", "2", "--sites", "1", "--grace", "sleep",
		"--duration", "1h", "--progress", "100ms", "--seed", "7"}
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			if m := cyclesSaid.FindStringSubmatch(lines.Text()); m != nil {
				n, _ := strconv.ParseUint(strings.ReplaceAll(m[1], ",", ""), 10, 64) // digits
				s.said.Store(n)
				s.lines.Add(1)
			} else if !strings.HasPrefix(lines.Text(), "seed ") {
				t.Log(lines.Text())
			}
		}
	}()
	return s
}

// await waits until it has said more than that, or for so long: on a busy machine it has said nothing.
func (s *soakProcess) await(long time.Duration, than uint64) {
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if said := s.said.Load(); said != 0 && said < than {
		s.t.Fatalf("it says %d cycles, after %d", said, than)
	}
}

// awaitMore waits for another line of progress.
func (s *soakProcess) awaitMore() {
	before := s.lines.Load()
	for end := time.Now().Add(2 * time.Minute); s.lines.Load() == before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.kill()
			s.t.Fatal("the soak does not go on after its round was killed")
		}
	}
}

// killRound kills the process of the round, if there is one.
func (s *soakProcess) killRound() bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	for _, name := range tasks {
		text, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				s.t.Fatal(err)
			}
			if p, err := os.FindProcess(pid); err == nil && p.Kill() == nil {
				return true
			}
		}
	}
	return false
}

// kill kills the soak, and waits until all of its output was read: its round notices, and ends.
func (s *soakProcess) kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
	_ = s.cmd.Wait()
}

// TestSoakFullDisk: a soak whose disk is full ends with one line and the exit code 3, and what it had said
// is there; one that cannot write from the start does not begin.
func TestSoakFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	needCPU(t)
	dir := t.TempDir()
	if err := mountSmall(dir, 256<<10); err != nil {
		t.Skipf("no small file system: %v", err)
	}
	defer unmount(dir)
	filler := filepath.Join(dir, "filler")
	folder := filepath.Join(dir, "state")
	args := []string{"soak", "--state", folder, "--threads", "2", "--sites", "1", "--duration", "1h", "--progress", "100ms", "--seed", "7"}
	said := &lastLines{at: 2, do: func() { _ = os.WriteFile(filler, make([]byte, 1<<20), 0o644) }}
	var out strings.Builder
	if code := run(args, &out, said); code != codeFailed {
		t.Errorf("exit code %d: %s", code, said.text.String())
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(said.text.String()), "\n"), func(l string) bool {
		return !strings.HasPrefix(l, "stress: ")
	})
	if len(lines) != 1 || !strings.Contains(lines[0], "no space left on device") {
		t.Errorf("%q", lines)
	}
	check(t, folder, said.cycles)
	if code := run(args, &out, &out); code != codeFailed { // it is full still
		t.Errorf("exit code %d", code)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if code := run(append(args, "--until", fmt.Sprintf("cycles>=%d", said.cycles+1)), &out, &out); code != codeHolds {
		t.Errorf("exit code %d: %s", code, out.String())
	}
	check(t, folder, said.cycles+1)
}

// lastLines does something once so many lines of progress were written, and keeps what they said.
type lastLines struct {
	text   strings.Builder
	at, n  int
	cycles uint64
	do     func()
}

func (l *lastLines) Write(p []byte) (int, error) {
	l.text.Write(p)
	if m := cyclesSaid.FindStringSubmatch(string(p)); m != nil {
		l.cycles, _ = strconv.ParseUint(strings.ReplaceAll(m[1], ",", ""), 10, 64) // digits
		if l.n++; l.n == l.at {
			l.do()
		}
	}
	return len(p), nil
}
