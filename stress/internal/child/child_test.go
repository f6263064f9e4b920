package child

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// works are what the children of this test do.
var works = map[string]Work{
	"double": func(in io.Reader) any {
		n := 0
		if err := json.NewDecoder(in).Decode(&n); err != nil {
			return err.Error()
		}
		return 2 * n
	},
	"fault": func(io.Reader) any {
		_ = syscall.Kill(os.Getpid(), syscall.SIGILL)
		time.Sleep(time.Minute)
		return nil
	},
	"panic": func(io.Reader) any { panic("the harness is at fault") },
	"wait": func(in io.Reader) any {
		_, _ = io.Copy(io.Discard, in)
		return nil
	},
}

// TestMain serves children, and leaves this process without the right to have some.
func TestMain(m *testing.M) {
	if os.Getenv(env) != "" {
		Serve(works)
	}
	os.Exit(m.Run())
}

func TestAsk(t *testing.T) {
	var got int
	if crashed, err := Ask(t.Context(), "double", 21, time.Minute, &got); got != 42 || crashed != "" || err != nil {
		t.Errorf("%d, %q, %v", got, crashed, err)
	}
	if crashed, err := Ask(t.Context(), "fault", 0, time.Minute, &got); !strings.Contains(crashed, "ill") || err != nil {
		t.Errorf("%q, %v", crashed, err)
	}
	// Faults of the harness are errors, and crashes of nothing.
	for _, work := range []string{"panic", "none"} {
		if crashed, err := Ask(t.Context(), work, 0, time.Minute, &got); crashed != "" || err == nil {
			t.Errorf("%s: %q, %v", work, crashed, err)
		}
	}
}

// TestLimit: a child that goes on for ever is ended.
func TestLimit(t *testing.T) {
	start := time.Now()
	if crashed, err := Ask(t.Context(), "wait", 0, time.Second-Grace, nil); crashed != "" || err == nil {
		t.Errorf("%q, %v", crashed, err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("after %v", d)
	}
}
