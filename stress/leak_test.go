package stress

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
)

// held counts what the process holds: threads, mappings of code or reserved for it, and
// open files.
func held(t *testing.T) (threads, mappings, files int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "memfd:tailpoke") || reserved(line) {
			mappings++
		}
	}
	entries := func(dir string) int {
		es, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(es)
	}
	return entries("/proc/self/task"), mappings, entries("/proc/self/fd")
}

// reserved reports whether a line of the process's mappings is address space of the size
// that package exec reserves; the Go runtime reserves less at a time.
func reserved(line string) bool {
	var lo, hi uint64
	var access string
	_, err := fmt.Sscanf(line, "%x-%x %s", &lo, &hi, &access)
	return err == nil && access == "---p" && hi-lo >= 300<<20
}

// TestNothingIsLeft judges a correct subject, a faulty one whose executions crash, and
// one in a child; a second round must leave nothing that the first did not.
func TestNothingIsLeft(t *testing.T) {
	needCPU(t)
	sites := 2
	if testing.Short() {
		sites = 1
	}
	once := func() {
		for _, m := range []string{"", "lazy-free", "bytes"} {
			s, target, err := Choice{Sites: sites, Threads: 32}.Resolve()
			if err != nil {
				t.Fatal(err)
			}
			if m != "" {
				mutant, err := protocol.MutantByName(m)
				if err != nil {
					t.Fatal(err)
				}
				if s, err = mutant.Apply(s); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Run(t.Context(), s, target, Options{Duration: 300 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
		}
	}
	once()
	threads, mappings, files := held(t)
	once()
	// A thread ends some time after its goroutine. The runtime starts some of its own at any time and
	// keeps them; a pool that stayed would leave 32.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		th, ma, fi := held(t)
		if th < threads+32 && ma <= mappings && fi <= files {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("threads %d, then %d; mappings %d, then %d; files %d, then %d", threads, th, mappings, ma, files, fi)
		}
	}
}
