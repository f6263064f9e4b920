package process

import (
	"fmt"
	"os"
	"runtime"

	"tailpoke/stress/report"
)

// Resources are what this process has. What the system does not tell is 0.
func Resources() report.Resources {
	r := report.Resources{Goroutines: runtime.NumGoroutine()}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var all, resident uint64
		if _, err := fmt.Sscan(string(text), &all, &resident); err == nil {
			r.Memory = resident * uint64(os.Getpagesize())
		}
	}
	r.Files, r.Threads = entries("/proc/self/fd"), entries("/proc/self/task")
	return r
}

func entries(dir string) int {
	names, _ := os.ReadDir(dir)
	return len(names)
}
