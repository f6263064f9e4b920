package main

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tailpoke/stress/report"
)

// onLine calls a function at the first line that does not tell the seed: of progress.
type onLine struct {
	once sync.Once
	do   func()
}

func (o *onLine) Write(p []byte) (int, error) {
	if !strings.HasPrefix(string(p), "seed ") {
		o.once.Do(o.do)
	}
	return len(p), nil
}

// TestSignals: the first signal ends a run with its report and with a code of its own.
func TestSignals(t *testing.T) {
	needCPU(t)
	for _, c := range []struct {
		verb   string
		signal syscall.Signal
		code   int
	}{{"soak", syscall.SIGINT, 130}, {"run", syscall.SIGTERM, 143}} {
		t.Run(c.verb, func(t *testing.T) {
			var stdout strings.Builder
			stderr := &onLine{do: func() {
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = self.Signal(c.signal)
				}
				if err != nil {
					t.Error(err)
				}
			}}
			args := []string{c.verb, "--threads", "2", "--sites", "1", "--duration", "1h", "--progress", "100ms", "--json"}
			if code := run(args, &stdout, stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			var d report.Document
			if err := json.Unmarshal([]byte(stdout.String()), &d); err != nil {
				t.Fatal(err)
			}
			if d.Seed == "" || d.Of("model") == nil || d.Of("cpu") == nil || d.Of("cpu").Executions == 0 {
				t.Errorf("the document lacks something:\n%s", stdout.String())
			}
		})
	}
}
