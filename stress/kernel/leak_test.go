package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
)

// TestNothingIsLeft: behind a run there are as many programs, maps, threads and files as before.
func TestNothingIsLeft(t *testing.T) {
	c := rig(t)
	c.Duration = time.Second
	mustRun(t, c) // what is made once: caches, threads of the runtime
	before := settled(t)
	var during counts
	var once sync.Once
	c.Trace = func([]protocol.Item) { once.Do(func() { during = count(t) }) }
	mustRun(t, c)
	if !during.more(before) || during.programs < 4 || during.maps < 3 || during.threads == 0 {
		t.Errorf("while it went on %+v were seen: this test sees too little", during)
	}
	after := count(t)
	for end := time.Now().Add(30 * time.Second); after.more(before) && time.Now().Before(end); after = count(t) {
		time.Sleep(50 * time.Millisecond) // the kernel frees behind grace periods
	}
	if after.more(before) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// settled counts when the counts have not changed for a while.
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
	return counts{programsOfOurs(t), mapsOfOurs(t), entries(t, "/proc/self/fd"), confinedThreads(t)}
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

// ours are names of what a run of the rig makes: others may load programs meanwhile.
var ours = []string{checkerName, "entry", "p0", "p1", "progs", rowsName, phaseName}

func programsOfOurs(t *testing.T) int {
	n := 0
	for id := ebpf.ProgramID(0); ; {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); err != nil {
			return n
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone
		}
		if info, err := p.Info(); err == nil && slices.Contains(ours, info.Name) {
			n++
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func mapsOfOurs(t *testing.T) int {
	n := 0
	for id := ebpf.MapID(0); ; {
		var err error
		if id, err = ebpf.MapGetNextID(id); err != nil {
			return n
		}
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue // gone
		}
		if info, err := m.Info(); err == nil && slices.Contains(ours, info.Name) {
			n++
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
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
