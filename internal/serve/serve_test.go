package serve

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tailpoke/internal/browser"
	"tailpoke/internal/state"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soaked is a folder in which a soak has begun.
func soaked(t *testing.T) *state.Folder {
	t.Helper()
	f, err := state.Open(t.TempDir(), func() state.Head {
		return state.Head{
			Schema: state.Schema, Subject: &report.Subject{Protocol: "kernel", Object: "/somewhere/ann/p.o"}, Engines: []protocol.Engine{protocol.CPU},
			Job: json.RawMessage("{}"), Again: "stress soak --state '/somewhere/ann/my soak/state' --object=/somewhere/ann/p.o --method int3",
		}
	}, func(*state.Head) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	add(t, f, state.Record{Run: &state.Run{Began: "2026-11-28T08:00:00Z"}},
		state.Record{Round: &state.Round{Round: 1, Engine: protocol.CPU, At: "2026-11-28T08:00:00Z"}})
	tick(t, f, 1)
	tick(t, f, 2)
	return f
}

func add(t *testing.T, f *state.Folder, all ...state.Record) {
	t.Helper()
	if err := f.Append(all...); err != nil {
		t.Fatal(err)
	}
}

// tick has the soak go on.
func tick(t *testing.T, f *state.Folder, n uint64) {
	t.Helper()
	add(t, f, state.Record{Tick: &state.Tick{
		Round: 1, At: 1795852800 + int64(n), Seconds: float64(n), Trials: 100 * n, Counts: &report.CPUCounts{
			Executions: 1000 * n, Installs: 100 * n, Updates: 100 * n, Removes: 100 * n, Cycles: 100 * n, Overlaps: 10 * n,
			OverlapsBy: report.Overlaps{Install: n, Update: n, Remove: n},
		},
	}})
}

// started serves a folder, and returns where.
func started(t *testing.T, dir string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{Dir: dir, Stamp: func(*report.Document) {}}).Serve(ctx, l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String() + "/"
}

// ask sends a request, and returns the status and the body.
func ask(t *testing.T, method, url, host, tag string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, string(body)
}

// TestServer: the server shows the folder to this machine, and does nothing else.
func TestServer(t *testing.T) {
	f := soaked(t)
	if err := os.WriteFile(filepath.Join(f.Dir, state.Bundles, "b.zip"), []byte("bundle"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(f.Dir, state.Bundles, "out")); err != nil {
		t.Fatal(err)
	}
	at := started(t, f.Dir)
	for _, c := range []struct {
		method, path, host string
		status             int
		has                string
	}{
		{"GET", "", "", 200, `id="time-`},
		{"GET", "", "localhost:1", 200, "connect-src &#39;self&#39;"},
		{"GET", "", "[::1]:1", 200, `id="engines"`},
		{"HEAD", "", "", 200, ""},
		{"GET", "", "evil.example", 421, "localhost alone"},
		{"GET", "", "127.0.0.1.evil.example:80", 421, "localhost alone"},
		{"POST", "", "", 405, ""}, {"DELETE", "bundles/b.zip", "", 405, ""},
		{"GET", "report.json", "", 200, `"schema":"stress/soak/1"`},
		{"GET", "bundles/b.zip", "", 200, "bundle"},
		{"GET", "bundles/none", "", 404, ""}, {"GET", "bundles/out", "", 404, ""}, {"GET", "bundles/", "", 404, ""},
		{"GET", "bundles/%2e%2e%2fjournal.jsonl", "", 404, ""}, {"GET", "journal.jsonl", "", 404, ""}, {"GET", "lock", "", 404, ""},
	} {
		got, body := ask(t, c.method, at+c.path, c.host, "")
		if got.StatusCode != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s %s of %q: status %d, want %d; %q in it: %t", c.method, c.path, c.host, got.StatusCode, c.status, c.has, strings.Contains(body, c.has))
		}
		if got.Header.Get("X-Frame-Options") != "DENY" || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: headers %v", c.method, c.path, got.Header)
		}
	}
	got, body := ask(t, "GET", at, "", "")
	if strings.Contains(body, "ann") || !strings.Contains(body, "stress soak --state &#39;state&#39; --object=p.o --method int3") {
		t.Error("the page says where files lie")
	}
	counts := func(n string) bool {
		_, body := ask(t, "GET", at, "", "")
		_, engines, _ := strings.Cut(body, `id="engines"`)
		return regexp.MustCompile(`\b` + n + `\b`).MatchString(engines)
	}
	if !counts("200") || counts("300") {
		t.Errorf("200 cycles are not in\n%s", body)
	}
	tag := got.Header.Get("ETag")
	if got, _ := ask(t, "GET", at, "", tag); got.StatusCode != http.StatusNotModified {
		t.Errorf("what has not changed is sent again: %s", got.Status)
	}
	tick(t, f, 3)
	if got, now := ask(t, "GET", at, "", tag); got.StatusCode != http.StatusOK || now == body {
		t.Errorf("what has changed is not sent: %s", got.Status)
	}
	if !counts("300") {
		t.Error("300 cycles are not on the page")
	}
	if err := os.Remove(filepath.Join(f.Dir, "journal.jsonl")); err != nil {
		t.Fatal(err)
	}
	if got, body := ask(t, "GET", at, "", ""); got.StatusCode != http.StatusInternalServerError || strings.Contains(body, f.Dir) {
		t.Errorf("of a folder that is gone: %s: %s", got.Status, body)
	}
}

// TestLive: a page in a browser brings itself up to date, and asks for nothing but itself.
func TestLive(t *testing.T) {
	if testing.Short() {
		t.Skip("short: starts a browser")
	}
	f := soaked(t)
	at := started(t, f.Dir)
	b := browser.New(t)
	b.Open(at)
	b.Until(`document.querySelector(".live").textContent.startsWith("Live")`)
	b.Equal(`document.querySelector("#engines").textContent.includes("200 cycles")`, true)
	tick(t, f, 4)
	b.Value(`dispatchEvent(new Event("focus"))`) // as when its reader comes back
	b.Until(`document.querySelector("#engines").textContent.includes("400 cycles")`)
	b.Equal(`document.querySelectorAll("#time-cpu svg").length`, 7)
	b.Quiet(func(url string) bool { return url == at })
}
