package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tailpoke/stress/report"
)

// graceSamples is how many grace periods are measured: each takes some 10 ms.
const graceSamples = 5

// FactsOf asks the running kernel. What cannot be read is left out.
func FactsOf() report.KernelFacts {
	f := report.KernelFacts{
		Release: read("/proc/sys/kernel/osrelease"), Version: read("/proc/sys/kernel/version"),
		JIT:         readAll("/proc/sys/net/core/bpf_jit_*"),
		Mitigations: readAll("/sys/devices/system/cpu/vulnerabilities/*"),
	}
	var took []time.Duration
	for range graceSamples {
		start := time.Now()
		if !gracePeriod() {
			return f
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	f.GraceMS = float64(took[graceSamples/2].Microseconds()) / 1000
	return f
}

// readAll reads the files of a pattern, by their names.
func readAll(pattern string) map[string]string {
	out := map[string]string{}
	paths, _ := filepath.Glob(pattern) // fails on a malformed pattern alone
	for _, p := range paths {
		if text := read(p); text != "" {
			out[filepath.Base(p)] = text
		}
	}
	return out
}

func read(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
