package kernel

import (
	"errors"
	"io/fs"
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

// TestNothingIsLeft: what a run has made, programs, maps, pinned objects, threads and files, is gone
// behind it. Objects are told by their numbers alone: opening another's map would hold it.
func TestNothingIsLeft(t *testing.T) {
	c := rig(t)
	c.Duration = time.Second
	mustRun(t, c) // what is made once: caches, files of the runtime
	before := left{numbers(ebpf.ProgramGetNextID), numbers(ebpf.MapGetNextID), entries(t, "/proc/self/fd"), pinned(t), confinedThreads(t)}
	var during left
	var once sync.Once
	c.Trace = func([]protocol.Item) {
		once.Do(func() {
			during.programs = slices.DeleteFunc(numbers(ebpf.ProgramGetNextID), before.hasProgram)
			during.maps = slices.DeleteFunc(numbers(ebpf.MapGetNextID), before.hasMap)
			during.files, during.threads = entries(t, "/proc/self/fd"), confinedThreads(t)
		})
	}
	mustRun(t, c)
	if len(during.programs) < 4 || len(during.maps) < 3 || during.threads == 0 || during.files <= before.files {
		t.Errorf("while it went on %+v were seen: this test sees too little", during)
	}
	// Others may make objects too, so that only those count that there were right behind the run.
	after := left{
		programs: slices.DeleteFunc(numbers(ebpf.ProgramGetNextID), before.hasProgram),
		maps:     slices.DeleteFunc(numbers(ebpf.MapGetNextID), before.hasMap),
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		now := left{numbers(ebpf.ProgramGetNextID), numbers(ebpf.MapGetNextID), entries(t, "/proc/self/fd"), pinned(t), confinedThreads(t)}
		after.programs = slices.DeleteFunc(after.programs, func(id ebpf.ProgramID) bool { return !now.hasProgram(id) })
		after.maps = slices.DeleteFunc(after.maps, func(id ebpf.MapID) bool { return !now.hasMap(id) })
		after.files, after.pinned, after.threads = now.files, now.pinned, now.threads
		if len(after.programs)+len(after.maps)+after.threads == 0 && after.files <= before.files && after.pinned <= before.pinned {
			return // the kernel frees behind grace periods
		}
	}
	t.Errorf("before %+v, after %+v", before, after)
}

// TestNothingIsTried: a trial of what nothing executes opens no files.
func TestNothingIsTried(t *testing.T) {
	c := blindRig(t, ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Connect, "")
	like := &ebpf.ProgramSpec{Type: ebpf.CGroupSockAddr, AttachType: ebpf.AttachCGroupInet4Connect}
	if p, err := newCounting(like); err == nil { // what is made once: caches, files of the runtime
		p.Close()
	}
	before := entries(t, "/proc/self/fd")
	if (&Fit{}).misses(&loaded{entry: like}, c.Input) || entries(t, "/proc/self/fd") > before {
		t.Errorf("%d files, %d before", entries(t, "/proc/self/fd"), before)
	}
}

// left is what a run might leave.
type left struct {
	programs               []ebpf.ProgramID
	maps                   []ebpf.MapID
	files, pinned, threads int
}

func (l left) hasProgram(id ebpf.ProgramID) bool { return slices.Contains(l.programs, id) }

func (l left) hasMap(id ebpf.MapID) bool { return slices.Contains(l.maps, id) }

// numbers are those of all objects of a kind in the system.
func numbers[ID ~uint32](next func(ID) (ID, error)) []ID {
	var out []ID
	for id := ID(0); ; out = append(out, id) {
		var err error
		if id, err = next(id); err != nil {
			return out
		}
	}
}

// pinned is how many objects are pinned in the usual place.
func pinned(t *testing.T) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir("/sys/fs/bpf", func(_ string, _ fs.DirEntry, err error) error {
		n++
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return n
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

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
