package render

import (
	"fmt"
	"time"

	"tailpoke/stress/report"
)

// ProgressLine says what an engine has done up to now, and how fast it executes.
func ProgressLine(now report.Progress, rate float64) string {
	at := time.Duration(now.Seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%s %v: %s executions/s, %s, %s, %s, %s", now.Engine, at, grouped(uint64(rate)),
		counted(now.Operations, "operation"), counted(now.Cycles, "cycle"), counted(now.Traps, "trap"),
		counted(now.Bad, "finding"))
}
