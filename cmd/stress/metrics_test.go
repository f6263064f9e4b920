package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// said is what a command has said so far.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// scrape reads metrics, and gives the counters by their names and labels.
func scrape(t *testing.T, url string) map[string]float64 {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	all, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	out := map[string]float64{}
	for name, f := range all {
		for _, m := range f.Metric {
			series := fmt.Sprint(name, m.Label)
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				out[series] = m.Counter.GetValue()
			case dto.MetricType_HISTOGRAM:
				out[series] = float64(m.Histogram.GetSampleCount())
			}
		}
	}
	return out
}

// TestMetrics scrapes soaks while they run, until executions have become more twice. The second goes on
// where the first was: no counter goes back, and none is lost.
func TestMetrics(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	needCPU(t)
	defer http.DefaultClient.CloseIdleConnections()
	state, last := filepath.Join(t.TempDir(), "state"), map[string]float64{}
	for i := range 2 {
		var stderr said
		done := make(chan int, 1)
		go func() {
			done <- run([]string{"soak", "--duration", "1h", "--threads", "4", "--progress", "300ms",
				"--state", state, "--serve", "127.0.0.1:0"}, io.Discard, &stderr)
		}()
		for grew := 0; grew < 2; time.Sleep(50 * time.Millisecond) {
			if len(done) > 0 {
				t.Fatalf("run %d ends with %d: %s", i, <-done, stderr.String())
			}
			url := regexp.MustCompile(`http://\S+\n`).FindString(stderr.String())
			if url == "" {
				continue
			}
			now := scrape(t, strings.TrimSpace(url)+"metrics")
			for series, value := range last {
				if now[series] < value {
					t.Errorf("run %d: %s went from %v to %v", i, series, value, now[series])
				}
			}
			if executions(now) > executions(last) {
				grew++
			}
			last = now
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(os.Interrupt)
		}
		if err != nil {
			t.Fatal(err)
		}
		if code := <-done; code != codeSignal+int(syscall.SIGINT) {
			t.Errorf("run %d: exit code %d: %s", i, code, stderr.String())
		}
	}
}

// executions are those that counters have.
func executions(counters map[string]float64) (n float64) {
	for series, value := range counters {
		if strings.HasPrefix(series, "tailpoke_executions_total") {
			n += value
		}
	}
	return n
}
