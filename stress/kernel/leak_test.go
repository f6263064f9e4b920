package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// TestNothingIsLeft: behind a run there are as many programs, maps, threads and files as before.
func TestNothingIsLeft(t *testing.T) {
	c := rig(t)
	c.Duration = time.Second
	mustRun(t, c) // what is made once: caches, threads of the runtime
	before := settled(t)
	during := 0
	c.Progress = func(Result) { during = max(during, confinedThreads(t)) }
	c.Duration = 2 * time.Second
	mustRun(t, c)
	if during < c.Threads {
		t.Errorf("%d threads of the run were seen while it went on: this test sees nothing", during)
	}
	if after := settled(t); after.more(before) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// settled counts when the counts have not changed for a while: the kernel frees behind grace periods.
func settled(t *testing.T) counts {
	t.Helper()
	last, since := count(t), time.Now()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && time.Since(since) < time.Second; time.Sleep(50 * time.Millisecond) {
		if now := count(t); now != last {
			last, since = now, time.Now()
		}
	}
	return last
}

// more says whether there is more of anything.
func (c counts) more(than counts) bool {
	return c.programs > than.programs || c.maps > than.maps || c.files > than.files || c.threads > than.threads
}

// counts is what a run might leave.
type counts struct{ programs, maps, files, threads int }

func count(t *testing.T) counts {
	t.Helper()
	return counts{programCount(t), mapCount(t), entries(t, "/proc/self/fd"), confinedThreads(t)}
}

// confinedThreads counts the threads that are a run's: they have fewer capabilities than the process.
// How many threads the Go runtime has is its own affair.
func confinedThreads(t *testing.T) int {
	t.Helper()
	own := capabilityLine(t, "/proc/self/status")
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, task := range tasks {
		if line := capabilityLine(t, task); line != "" && line != own {
			n++
		}
	}
	return n
}

// capabilityLine is what a status file says of the effective capabilities; "" if the thread is gone.
func capabilityLine(t *testing.T, status string) string {
	t.Helper()
	raw, err := os.ReadFile(status)
	if err != nil {
		return ""
	}
	_, line, _ := strings.Cut(string(raw), "CapEff:")
	line, _, _ = strings.Cut(line, "\n")
	return line
}

func programCount(t *testing.T) int {
	n := 0
	for id := ebpf.ProgramID(0); ; n++ {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return n
		}
		id = next
	}
}

func mapCount(t *testing.T) int {
	n := 0
	for id := ebpf.MapID(0); ; n++ {
		next, err := ebpf.MapGetNextID(id)
		if err != nil {
			return n
		}
		id = next
	}
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
