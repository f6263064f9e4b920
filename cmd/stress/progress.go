package main

import (
	"fmt"
	"io"
	"time"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

// progress returns what writes a line about an engine that executes each time that the interval
// has passed. One goroutine at a time calls it, about once a second.
func progress(w io.Writer, every time.Duration) func(stress.Engine, report.Progress) {
	var of stress.Engine
	var last report.Progress
	return func(e stress.Engine, now report.Progress) {
		if e != of {
			of, last = e, report.Progress{}
		}
		// A call may come a little early, and the next one is a second away.
		const early = 0.1
		span := now.Seconds - last.Seconds
		if span < every.Seconds()-early {
			return
		}
		fmt.Fprintln(w, progressLine(e, now, float64(now.Executions-last.Executions)/span))
		last = now
	}
}

// progressLine sums a run up so far.
func progressLine(e stress.Engine, r report.Progress, rate float64) string {
	at := time.Duration(r.Seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%s %v: %s executions/s, %s, %s, %s, %s", e, at, grouped(uint64(rate)),
		counted(r.Operations, "operation"), counted(r.Cycles, "cycle"), counted(r.Traps, "trap"), counted(r.Bad, "finding"))
}
