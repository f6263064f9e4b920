package render

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"tailpoke/internal/chart"
	"tailpoke/stress/report"
)

// chartHeight is that of a plot, in pixels.
const chartHeight = 110

// mostPoints bounds the points of a line: a screen has no room for more.
const mostPoints = 400

func drawn(c *chart.Chart) htmlPart {
	c.Height = chartHeight
	return htmlPart{Drawing: template.HTML(c.SVG())} // it escapes its texts
}

// soak adds how each engine of a soak went on, and the runs of it.
func (p *htmlPage) soak(s soak) {
	for i := range s.Engines {
		e := &s.Engines[i]
		part := htmlPart{ID: "time-" + string(e.Engine), Title: "Over time: " + string(e.Engine) + " engine", Notes: s.engine(e)}
		if len(e.Series) > 1 {
			for _, c := range chartsOf(e) {
				part.Parts = append(part.Parts, drawn(c))
			}
		}
		p.Parts = append(p.Parts, part)
		p.Jumps = append(p.Jumps, htmlJump{part.ID, part.Title})
	}
	p.Parts = append(p.Parts, htmlPart{ID: "runs", Title: "Runs", Table: tableHTML(tableOf(runColumns, s.Runs))})
}

// runColumns are the table of the runs of a soak.
var runColumns = []column[report.SoakRun]{
	{"began", func(r report.SoakRun) string { return r.Began }},
	{"rounds", func(r report.SoakRun) string { return grouped(r.Rounds) }},
	{"took", func(r report.SoakRun) string { return spanOf(r.Seconds).String() }},
	{"tool", func(r report.SoakRun) string { return toolText(&r.Tool) }},
	{"machine", func(r report.SoakRun) string {
		if r.Guest != nil {
			return machineText(&r.Machine) + "; guest of " + guestText(r.Guest)
		}
		return machineText(&r.Machine)
	}},
}

// chartsOf are the charts of an engine: what was done, what that says, and what it took.
func chartsOf(e *report.SoakEngine) []*chart.Chart {
	all := e.Series
	step := (len(all) + mostPoints - 1) / mostPoints
	unit, per := "seconds", 1.0
	for _, u := range []struct {
		name string
		of   float64
	}{{"minutes", 60}, {"hours", 3600}, {"days", 86400}} {
		if last := all[len(all)-1].Seconds; last >= 3*u.of {
			unit, per = u.name, u.of
		}
	}
	// line takes the last sample of every few, the first and the last one.
	line := func(name string, of func(before, now *report.Sample) float64) chart.Line {
		l := chart.Line{Name: name}
		before := report.Sample{}
		for i := range all {
			if now := &all[i]; i == 0 || i == len(all)-1 || i%step == 0 {
				if v := of(&before, now); !math.IsNaN(v) {
					l.Points = append(l.Points, chart.Point{X: now.Seconds / per, Y: v})
				}
				before = *now
			}
		}
		return l
	}
	x := chart.UpTo(unit+" of running time", all[len(all)-1].Seconds/per, plainNumber)
	draw := func(title string, lines ...chart.Line) *chart.Chart {
		most := 0.0
		for _, l := range lines {
			for _, p := range l.Points {
				most = max(most, p.Y)
			}
		}
		return &chart.Chart{Title: title, Says: linesSay(lines), X: x, Y: chart.Linear("", most, shortNumber), Lines: lines}
	}
	of := func(get func(*report.Sample) float64) func(_, now *report.Sample) float64 {
		return func(_, now *report.Sample) float64 { return get(now) }
	}
	both := func(title string, get func(*report.Resources) float64) *chart.Chart {
		return draw(title,
			line("round", of(func(s *report.Sample) float64 { return get(&s.Child) })),
			line("soak", of(func(s *report.Sample) float64 { return get(&s.Parent) })))
	}
	out := []*chart.Chart{
		draw("Executions per second", line("", func(before, now *report.Sample) float64 {
			if now.Seconds <= before.Seconds {
				return math.NaN()
			}
			return float64(now.Executions-before.Executions) / (now.Seconds - before.Seconds)
		})),
		draw("Cycles", line("", of(func(s *report.Sample) float64 { return float64(s.Cycles) }))),
	}
	if c := boundChart(line("", of(func(s *report.Sample) float64 {
		if s.RateMax <= 0 || s.RateMax >= 1 {
			return math.NaN()
		}
		return s.RateMax
	})), x); c != nil {
		out = append(out, c)
	}
	if all[len(all)-1].Bad > 0 {
		out = append(out, draw("Executions with a finding", line("", of(func(s *report.Sample) float64 { return float64(s.Bad) }))))
	}
	return append(out,
		both("Resident memory, MiB", func(r *report.Resources) float64 { return float64(r.Memory) / (1 << 20) }),
		both("Descriptors", func(r *report.Resources) float64 { return float64(r.Files) }),
		both("Goroutines", func(r *report.Resources) float64 { return float64(r.Goroutines) }),
		both("Threads", func(r *report.Resources) float64 { return float64(r.Threads) }))
}

// boundChart is how the bound on violations falls, or nil where there is none.
func boundChart(l chart.Line, x chart.Axis) *chart.Chart {
	if len(l.Points) < 2 {
		return nil
	}
	least, most := math.Inf(1), 0.0
	for _, p := range l.Points {
		least, most = min(least, p.Y), max(most, p.Y)
	}
	return &chart.Chart{
		Title: "Violations per cycle, at most (95 %, logarithmic)", Says: linesSay([]chart.Line{l}),
		X: x, Y: chart.Decades("", least, most, powerOfTen), Lines: []chart.Line{l},
	}
}

// linesSay says what lines show: where they begin and end, and the most.
func linesSay(lines []chart.Line) string {
	var out []string
	for _, l := range lines {
		if len(l.Points) == 0 {
			continue
		}
		most := slices.MaxFunc(l.Points, func(a, b chart.Point) int { return int(math.Copysign(1, a.Y-b.Y)) }).Y
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s at first, %s at the end, %s at most",
			l.Name, shortNumber(l.Points[0].Y), shortNumber(l.Points[len(l.Points)-1].Y), shortNumber(most))))
	}
	return strings.Join(out, "; ")
}

// durations are the distributions of how long operations took, on one axis.
func durations(all map[string]report.Histogram) []htmlPart {
	least, most := math.Inf(1), 0.0
	names := slices.DeleteFunc(append(slices.Clone(operations), "grace period"), func(op string) bool { return len(all[op]) == 0 })
	for _, op := range names {
		for i, n := range all[op] {
			if n > 0 {
				least, most = min(least, max(all[op].Bound(i-1), 1)), max(most, all[op].Bound(i))
			}
		}
	}
	if most == 0 {
		return nil
	}
	x := chart.Decades("duration", least, most, func(us float64) string { return strings.Replace(span(us), ".0 ", " ", 1) })
	var out []htmlPart
	for _, op := range names {
		out = append(out, drawn(durationChart(op, all[op], x)))
	}
	return out
}

func durationChart(op string, h report.Histogram, x chart.Axis) *chart.Chart {
	var sum, most uint64
	for _, n := range h {
		sum, most = sum+n, max(most, n)
	}
	c := &chart.Chart{X: x, Y: chart.Linear("", float64(most), shortNumber)}
	for i, n := range h {
		if n > 0 {
			c.Bars = append(c.Bars, chart.Bar{From: h.Bound(i - 1), To: h.Bound(i), Height: float64(n)})
		}
	}
	median, late, all := percentile(h, sum, .5), percentile(h, sum, .99), percentile(h, sum, 1)
	c.Marks = []chart.Mark{{At: median, Name: "50 %"}, {At: late, Name: "99 %"}}
	c.Title = fmt.Sprintf("%s: %s by their duration", op, grouped(sum))
	c.Note = fmt.Sprintf("median ≤ %s, 99 %% ≤ %s, longest ≤ %s", span(median), span(late), span(all))
	c.Says = strings.ReplaceAll(c.Note, "≤", "at most")
	return c
}

// percentile is the bound of the bucket in which a part of all is reached, in microseconds.
func percentile(h report.Histogram, sum uint64, part float64) float64 {
	var below uint64
	for i, n := range h {
		if below += n; n > 0 && float64(below) >= part*float64(sum) {
			return h.Bound(i)
		}
	}
	return h.Bound(len(h) - 1)
}

// span writes a time that is given in microseconds, in seconds where it is long.
func span(us float64) string {
	if us >= 1e6 {
		return fmt.Sprintf("%.1f s", us/1e6)
	}
	return micros(us)
}

// shortNumber writes a number in the room that an axis has.
func shortNumber(v float64) string {
	for _, u := range []struct {
		name string
		of   float64
	}{{" G", 1e9}, {" M", 1e6}, {" k", 1e3}} {
		if v >= u.of {
			return plainNumber(v/u.of) + u.name
		}
	}
	return plainNumber(v)
}

// plainNumber writes a number with three digits that count, at most.
func plainNumber(v float64) string {
	switch {
	case v >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// powerOfTen writes a whole power of ten.
func powerOfTen(v float64) string {
	e := fmt.Sprint(int(math.Round(math.Log10(v))))
	return "10" + strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵",
		"6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(e)
}
