package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tailpoke/stress/report"

	"github.com/spf13/cobra"
)

// onLine calls a function at the first line that begins with a prefix.
type onLine struct {
	prefix string
	once   sync.Once
	do     func()
}

func (o *onLine) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), o.prefix) {
		o.once.Do(o.do)
	}
	return len(p), nil
}

// TestSignals: the first signal ends a run with its report and with a code of its own.
func TestSignals(t *testing.T) {
	needCPU(t)
	if signal.Ignored(syscall.SIGHUP) { // by nohup: the command would keep that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
		defer signal.Ignore(syscall.SIGHUP)
	}
	for _, c := range []struct {
		verb   string
		signal syscall.Signal
		code   int
	}{{"soak", syscall.SIGINT, 130}, {"run", syscall.SIGTERM, 143}, {"run", syscall.SIGHUP, 129}} {
		t.Run(c.verb+" "+c.signal.String(), func(t *testing.T) {
			var stdout strings.Builder
			stderr := &onLine{prefix: "cpu ", do: func() {
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = self.Signal(c.signal)
				}
				if err != nil {
					t.Error(err)
				}
			}}
			args := []string{c.verb, "--threads", "2", "--sites", "1", "--duration", "5m", "--progress", "100ms", "--json"}
			if code := run(args, &stdout, stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			var d report.Document
			if err := json.Unmarshal([]byte(stdout.String()), &d); err != nil {
				t.Fatal(err)
			}
			if cpu := d.Of("cpu"); d.Seed == "" || d.Of("model") == nil || cpu == nil || cpu.CPUCounts == nil || cpu.Executions == 0 {
				t.Errorf("the document lacks something:\n%s", stdout.String())
			}
		})
	}
}

// TestInputIsInterruptible: a pipe that nobody writes to, named or not, keeps nobody.
func TestInputIsInterruptible(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipe: %v", err)
	}
	silent, w := io.Pipe()
	defer w.Close()
	for _, name := range []string{fifo, "-"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cmd := &cobra.Command{}
		cmd.SetContext(ctx)
		cmd.SetIn(silent)
		cancel(interrupt{syscall.SIGINT})
		if _, err := readAll(cmd, name, 100); !errors.Is(err, interrupt{syscall.SIGINT}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What waits for a writer gets one, so that no goroutine stays.
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if f, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
			return
		}
	}
}

// TestOutputIsInterruptible: a named pipe that nobody reads keeps nobody, and a signal does not keep
// a file from being written.
func TestOutputIsInterruptible(t *testing.T) {
	fifo, file := filepath.Join(t.TempDir(), "fifo"), filepath.Join(t.TempDir(), "file")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipe: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cancel(interrupt{syscall.SIGINT})
	if _, err := openLater(fifo); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("a witness: %v", err)
	}
	if _, err := create(cmd, fifo); !errors.Is(err, interrupt{syscall.SIGINT}) {
		t.Errorf("a trace: %v", err)
	}
	if f, err := create(cmd, file); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	// What waits for a reader gets one, so that no goroutine stays.
	r, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
}

// TestFullDisk: help that could not be written is no success.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"list"}, {"completion", "bash"}, {"exit-codes"}} {
		var stderr strings.Builder
		if code := run(args, full, &stderr); code != codeFailed || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
}
