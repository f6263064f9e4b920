package render

import (
	"fmt"
	"strings"
	"time"

	"tailpoke/stress/report"
)

// ProgressLine says what an engine has done up to now, and how fast: executions or states a second.
func ProgressLine(now report.Progress, rate float64) string {
	at := time.Duration(now.Seconds * float64(time.Second)).Round(time.Second)
	if now.Explores {
		return fmt.Sprintf("%s %v: %s, %s/s, %s at depth %s, %s MiB", now.Engine, at, counted(now.States, "state"), grouped(uint64(rate)),
			grouped(now.Level), grouped(now.Depth), grouped(now.Memory>>20))
	}
	if now.Steers {
		return fmt.Sprintf("%s %v: %s", now.Engine, at, counted(now.Schedules, "schedule"))
	}
	line := fmt.Sprintf("%s %v: %s executions/s, %s, %s, %s, %s", now.Engine, at, grouped(uint64(rate)),
		counted(now.Operations, "operation"), counted(now.Cycles, "cycle"), counted(now.Traps, "trap"),
		counted(now.Bad, "finding"))
	if now.RateMax > 0 && now.RateMax < 1 {
		line += fmt.Sprintf(", fewer than 1 violation in %s (%v %%)", counted(uint64(1/now.RateMax), "cycle"), 100*now.Confidence)
	}
	if len(now.Broken) > 0 {
		var names []string
		for _, p := range now.Broken {
			names = append(names, string(p))
		}
		line += " (" + strings.Join(names, ", ") + ")"
	}
	return line
}

// Left is a bar and the time that is left, to stand before a line of progress; "" if nobody knows.
func Left(now report.Progress) string {
	if now.Whole <= 0 {
		return ""
	}
	return bar(now.Seconds/now.Whole, now.Whole-now.Seconds)
}

// Part is the same of so many things that are done, of so many, after some time: the others take as
// long, each.
func Part(done, all int, after time.Duration) string {
	if done <= 0 || all <= 0 {
		return ""
	}
	return bar(float64(done)/float64(all), after.Seconds()/float64(done)*float64(all-done))
}

func bar(part, seconds float64) string {
	const cells = 20
	full := int(cells * min(part, 1))
	left := time.Duration(max(seconds, 0) * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("[%s%s] %v left, ", strings.Repeat("#", full), strings.Repeat(".", cells-full), left)
}
