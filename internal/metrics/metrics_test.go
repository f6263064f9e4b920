package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// aSoak is a document with something of everything.
func aSoak() *report.Document {
	d := report.New(&report.Soak{
		Began: "2026-01-02T03:04:05Z", Runs: make([]report.SoakRun, 2),
		Engines: []report.SoakEngine{{
			Engine: protocol.CPU, Rounds: 3, Seconds: 12.5, Trials: 90, Ends: map[report.End]int{report.Hung: 1, report.Done: 2},
			Series: []report.Sample{{At: 100, RateMax: 1}, {
				At: 1e9, RateMax: 0.0312, Child: report.Resources{Memory: 1 << 20, Files: 9, Goroutines: 7, Threads: 66},
			}},
		}},
	})
	d.Tool = report.Tool{Version: "v1.2.3", Revision: "0123abcd", Go: "go1.26"}
	d.Subject = &report.Subject{Protocol: `my "own"\n`, Method: "int3", Grace: "epoch", Layout: "v5.10", Threads: 64}
	d.Verdicts = []report.Verdict{
		{Engine: protocol.Model, Verdict: protocol.Proved},
		{
			Engine: protocol.CPU, Verdict: protocol.Violated, Property: protocol.NeverA, CPUCounts: &report.CPUCounts{
				Executions: 1<<53 - 1, Installs: 10, Updates: 20, Removes: 9, Cycles: 95, Overlaps: 600,
				OverlapsBy: report.Overlaps{Install: 100, Update: 300, Remove: 200}, Outcomes: report.Outcomes{Tail: 7, A: 2},
				PatcherCounts: &report.PatcherCounts{Pokes: 70, Traps: 30, Waits: 11}, Near: &report.Near{Pokes: 50, InWindow: 4, Threads: 5},
				Trace:     &report.Trace{Events: 100, Consumed: 60},
				Durations: map[string]report.Histogram{"install": {1, 0, 4}, "grace period": make(report.Histogram, report.HistogramBuckets)},
			},
			Findings: []report.Finding{
				{Engine: protocol.CPU, Kind: report.OfProperty, Property: protocol.NeverA, Count: 2},
				{Engine: protocol.CPU, Kind: report.OfProperty, Property: protocol.NeverA, Count: 5},
			},
		},
	}
	d.Findings = []report.Finding{{Engine: protocol.CPU, Kind: report.OfHang, Count: 1}}
	return d
}

func text(t *testing.T, d *report.Document) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parsed(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	all, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return all
}

// TestFormat: Prometheus' own reader takes the text, and finds nothing wrong with the names.
func TestFormat(t *testing.T) {
	text := text(t, aSoak())
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	all := parsed(t, text)
	series := map[string]bool{}
	for name, f := range all {
		for _, m := range f.Metric {
			s := fmt.Sprint(name, m.Label)
			if series[s] {
				t.Errorf("%s stands twice", s)
			}
			series[s] = true
		}
	}
	h := all["tailpoke_duration_seconds"].Metric[1].Histogram
	if n := len(h.Bucket); h.GetSampleCount() != 5 || n != 4 || h.Bucket[1].GetCumulativeCount() != 1 || h.Bucket[2].GetUpperBound() != 2e-6 {
		t.Errorf("durations of installs: %v", h)
	}
	for name, want := range map[string]float64{
		"executions_total": 1<<53 - 1, "near_pokes_total": 4, "runs_total": 2, "rounds_total": 3, "violation_rate_bound_ratio": 0.0312,
	} {
		m := all["tailpoke_"+name].Metric[0]
		if got := m.GetCounter().GetValue() + m.GetGauge().GetValue(); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	found := all["tailpoke_findings_total"].Metric
	if len(found) != 2 || found[1].Counter.GetValue() != 7 {
		t.Errorf("findings: %v", found)
	}
	if got := all["tailpoke_subject_info"].Metric[0].Label[0].GetValue(); got != aSoak().Subject.Protocol {
		t.Errorf("a label of %q is read as %q", aSoak().Subject.Protocol, got)
	}
}

// TestNoBound: where something was seen nothing bounds how often that is, and no alert on a bound is quiet.
func TestNoBound(t *testing.T) {
	d := aSoak()
	d.Sections[0].(*report.Soak).Engines[0].Series[1].RateMax = 0
	if got := parsed(t, text(t, d))["tailpoke_violation_rate_bound_ratio"].Metric[0].Gauge.GetValue(); got != 1 {
		t.Errorf("the bound is %v after a violation, want 1", got)
	}
}

// TestDashboard: every metric that the dashboard asks for is one that a soak has.
func TestDashboard(t *testing.T) {
	raw, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	all, asked := parsed(t, text(t, aSoak())), 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			for _, name := range regexp.MustCompile(`tailpoke_[a-z_]+`).FindAllString(target.Expr, -1) {
				asked++
				if all[name] == nil && all[strings.TrimSuffix(name, "_bucket")] == nil {
					t.Errorf("%s: a soak has no %s", p.Title, name)
				}
			}
		}
	}
	if asked < len(board.Panels) || asked == 0 {
		t.Errorf("%d panels ask for %d metrics", len(board.Panels), asked)
	}
}
