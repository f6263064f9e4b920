package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tailpoke/stress/report"
)

// signalTakes is more than a signal takes to arrive.
const signalTakes = 300 * time.Millisecond

// atLine interrupts this process once so many lines of progress were written.
type atLine struct {
	left int
	t    *testing.T
}

func (o *atLine) Write(p []byte) (int, error) {
	if o.left--; o.left == 0 {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGINT)
		}
		if err != nil {
			o.t.Error(err)
		}
		time.Sleep(signalTakes) // the search waits for its progress to be written
	}
	return len(p), nil
}

// TestSearchInterrupted: a signal ends the search; what it has is printed. Each line of progress is
// of another candidate.
func TestSearchInterrupted(t *testing.T) {
	var stdout strings.Builder
	args := []string{"search", "--steps", "5", "--progress", "1ms", "--json"}
	if code := run(args, &stdout, &atLine{left: 100, t: t}); code != 130 {
		t.Errorf("exit code %d", code)
	}
	var found report.Search
	if err := json.Unmarshal([]byte(stdout.String()), &found); err != nil {
		t.Fatal(err)
	}
	op := found.Searches[0]
	if op.Candidates != 1904 || op.Judged < 100 || op.Judged == op.Candidates || len(op.Found) == 0 || op.Found[0].Name != "lazy" {
		t.Errorf("%+v", op)
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
