package render

import (
	"math"
	"slices"
	"testing"

	"tailpoke/internal/chart"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// aSoak is a soak of half an hour, with a sample a second, and so many durations.
func aSoak() *report.Soak {
	e := report.SoakEngine{Engine: protocol.CPU, Rounds: 6, Ends: map[report.End]int{report.Done: 6}, Seconds: 1800}
	for i := range 1801 {
		e.Series = append(e.Series, report.Sample{
			Seconds: float64(i), Executions: 5_000_000 * uint64(i), Cycles: 30 * uint64(i), Trials: 30 * uint64(i),
			RateMax: report.RateMax(30*uint64(i), .95),
			Child:   report.Resources{Memory: 90 << 20, Files: 10, Goroutines: 23, Threads: 70},
			Parent:  report.Resources{Memory: 20 << 20, Files: 13, Goroutines: 7, Threads: 8},
		})
	}
	return &report.Soak{Began: "2026-11-28T08:00:00Z", Runs: []report.SoakRun{{Began: "2026-11-28T08:00:00Z", Rounds: 6, Seconds: 1800}}, Engines: []report.SoakEngine{e}}
}

// The charts of a soak without findings, in their order on the page.
const (
	chartExecutions = iota
	chartCycles
	chartBound
	chartMemory
	chartDescriptors
	chartGoroutines
	chartThreads
	chartsInAll
)

// TestCharts: the charts of a soak show what its samples say, thinned out, and each begins at zero or is
// logarithmic. Findings have one more.
func TestCharts(t *testing.T) {
	s := aSoak()
	all := chartsOf(&s.Engines[0])
	if len(all) != chartsInAll {
		t.Fatalf("%d charts, want %d", len(all), chartsInAll)
	}
	for _, c := range all {
		for _, l := range c.Lines {
			if n := len(l.Points); n < 300 || n > mostPoints+2 {
				t.Errorf("%s has %d points", c.Title, n)
			}
		}
		if c.X.Max != 30 {
			t.Errorf("%s: x up to %v", c.Title, c.X.Max)
		}
	}
	last := func(chart, line int) float64 {
		l := all[chart].Lines[line]
		return l.Points[len(l.Points)-1].Y
	}
	if got := last(chartExecutions, 0); got != 5e6 {
		t.Errorf("%v executions per second", got)
	}
	if got := last(chartCycles, 0); got != 54000 {
		t.Errorf("%v cycles", got)
	}
	bound := all[chartBound]
	if got := last(chartBound, 0); math.Abs(got-3/54000.) > 1e-6 || !bound.Y.Log || bound.Y.Min != 1e-5 {
		t.Errorf("the bound ends at %v, on an axis from %v", got, bound.Y.Min)
	}
	if got := last(chartMemory, 1); got != 20 {
		t.Errorf("the soak has %v MiB", got)
	}
	s.Engines[0].Series[1800].Bad, s.Engines[0].Series[1800].RateMax = 3, 0
	if n := len(chartsOf(&s.Engines[0])); n != len(all)+1 {
		t.Errorf("with findings there are %d charts, want %d", n, len(all)+1)
	}
}

// TestGoldenCharts: what a chart is of is told in words.
func TestGoldenCharts(t *testing.T) {
	s := aSoak()
	s.Engines[0].Series[1800].Bad = 3
	var titles []string
	for _, c := range chartsOf(&s.Engines[0]) {
		titles = append(titles, c.Title)
		if c.X.Label != "minutes of running time" {
			t.Errorf("%s: x is %s", c.Title, c.X.Label)
		}
	}
	want := []string{"Executions per second", "Cycles", "Executions with a finding", "Violations per cycle, at most (95 %, logarithmic)",
		"Resident memory, MiB", "Descriptors", "Goroutines", "Threads"}
	slices.Sort(titles)
	slices.Sort(want)
	if !slices.Equal(titles, want) {
		t.Errorf("%q, want %q", titles, want)
	}
}

func aDurationChart() *chart.Chart {
	h := make(report.Histogram, 20)
	h[4], h[10], h[19] = 60, 39, 1
	return durationChart("remove", h, chart.Decades("duration", 1, 1000, span))
}

// TestGoldenDurations: a distribution is told in words, too.
func TestGoldenDurations(t *testing.T) {
	c := aDurationChart()
	if c.Note != "median ≤ 4 us, 99 % ≤ 32 us, longest ≤ 724 us" || c.Title != "remove: 100 by their duration" {
		t.Errorf("%s: %s", c.Title, c.Note)
	}
}

// TestDurations: a distribution has a bar for each bucket, and marks at its median and its 99 %.
func TestDurations(t *testing.T) {
	c := aDurationChart()
	if len(c.Bars) != 3 || c.Bars[0].Height != 60 || math.Abs(c.Bars[0].To-4) > 1e-9 {
		t.Errorf("bars are %v", c.Bars)
	}
	if len(c.Marks) != 2 || math.Abs(c.Marks[0].At-4) > 1e-9 || math.Abs(c.Marks[1].At-32) > 1e-9 {
		t.Errorf("marks are %v", c.Marks)
	}
	if durations(nil) != nil {
		t.Error("a chart of nothing")
	}
}

func TestGoldenNumbers(t *testing.T) {
	for got, want := range map[string]string{
		shortNumber(0): "0", shortNumber(999): "999", shortNumber(1500): "1.5 k", shortNumber(2e6): "2 M", shortNumber(0.25): "0.25",
		powerOfTen(1e-5): "10⁻⁵", powerOfTen(10): "10¹", span(1.5e6): "1.5 s", span(20): "20 us",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
