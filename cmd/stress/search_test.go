package main

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// atJudged interrupts this process once a search has judged so many.
type atJudged struct {
	judged int
	once   sync.Once
	t      *testing.T
}

func (o *atJudged) Write(p []byte) (int, error) {
	head, _, _ := strings.Cut(string(p), " of ")
	_, digits, _ := strings.Cut(head, "remove: ")
	if n, err := strconv.Atoi(strings.ReplaceAll(digits, ",", "")); err == nil && n >= o.judged {
		o.once.Do(func() {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Signal(syscall.SIGINT)
			}
			if err != nil {
				o.t.Error(err)
			}
		})
	}
	return len(p), nil
}

// TestSearchInterrupted: a signal ends the search; what it has is printed.
func TestSearchInterrupted(t *testing.T) {
	var stdout strings.Builder
	args := []string{"search", "--steps", "4", "--progress", "1ms"}
	if code := run(args, &stdout, &atJudged{judged: 100, t: t}); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{" of 484 judged: ", "\n1     0      N      3.5 ms    D       all      2       lazy "} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, stdout.String())
		}
	}
}

// TestSearchOutput: an object says first what it is, and a result that could not be
// written is a failure of the harness.
func TestSearchOutput(t *testing.T) {
	args := []string{"search", "--steps", "3", "--json"}
	var stdout, stderr strings.Builder
	if code := run(args, &stdout, &stderr); code != codeHolds {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if !strings.HasPrefix(stdout.String(), "{\n  \"schema\": \"stress/search/1\"") {
		t.Errorf("begins with %.40q", stdout.String())
	}
	for _, args := range [][]string{args, args[:3]} {
		stderr.Reset()
		if code := run(args, full{}, &stderr); code != codeFailed || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit code %d: %s", args, code, stderr.String())
		}
	}
}
