package main

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// onLine calls a function at the first line of progress.
type onLine struct {
	once sync.Once
	do   func()
}

func (o *onLine) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "cpu ") {
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
			args := []string{c.verb, "--threads", "2", "--sites", "1", "--duration", "1h", "--progress", "100ms"}
			if code := run(args, &stdout, stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range []string{"subject ", "seed ", "model ", "cpu ", "execution"} {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("the report lacks %q:\n%s", want, stdout.String())
				}
			}
		})
	}
}
