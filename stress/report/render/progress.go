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
	line := fmt.Sprintf("%s %v: %s executions/s, %s, %s, %s, %s", now.Engine, at, grouped(uint64(rate)),
		counted(now.Operations, "operation"), counted(now.Cycles, "cycle"), counted(now.Traps, "trap"),
		counted(now.Bad, "finding"))
	if len(now.Broken) > 0 {
		var names []string
		for _, p := range now.Broken {
			names = append(names, string(p))
		}
		line += " (" + strings.Join(names, ", ") + ")"
	}
	return line
}
