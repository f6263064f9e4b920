package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tailpoke/internal/state"
)

// TestServe: the server says where it is, answers there, and ends by a signal.
func TestServe(t *testing.T) {
	f, err := state.Open(t.TempDir(), func() state.Head {
		return state.Head{Schema: state.Schema, Job: json.RawMessage("{}"), Again: "stress soak --here"}
	}, func(*state.Head) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var asked sync.WaitGroup
	page := ""
	stdout := heard(func(line []byte) {
		at := strings.TrimSpace(string(line)) // the bytes are the writer's again when this returns
		asked.Go(func() {
			got, err := http.Get(at)
			if err == nil {
				defer got.Body.Close()
				var body []byte
				body, err = io.ReadAll(got.Body)
				page = string(body)
			}
			if err != nil {
				t.Error(err)
			}
			http.DefaultClient.CloseIdleConnections()
			if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		})
	})
	var stderr strings.Builder
	if code := run([]string{"serve", "--state", f.Dir, "--listen", "127.0.0.1:0"}, stdout, &stderr); code != 143 {
		t.Errorf("exit code %d, want 143: %s", code, stderr.String())
	}
	asked.Wait()
	if !strings.Contains(page, "stress soak --here") {
		t.Errorf("the page is %.500s", page)
	}
	for want, args := range map[string][]string{
		"serve needs --state DIR":           {"serve"},
		"--state: none: no state of a soak": {"serve", "--state", "none"},
		"--listen: listen tcp":              {"serve", "--state", f.Dir, "--listen", "nowhere"},
		`unknown command "x" for`:           {"serve", "x"},
		"unknown flag: --duration":          {"serve", "--duration", "1s"},
	} {
		var stderr strings.Builder
		if code := run(args, io.Discard, &stderr); code != codeUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%v: exit code %d, want %d; %q, want %q", args, code, codeUsage, stderr.String(), want)
		}
	}
}

// heard is a function of what is written.
type heard func([]byte)

func (w heard) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
