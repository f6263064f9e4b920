//go:build linux && amd64

package exec

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// resources lists what the process holds: mappings made by this package, and open files.
func resources(t *testing.T) (areas, files int) {
	t.Helper()
	content, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "memfd:tailpoke") || reserved(line) {
			areas++
		}
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return areas, len(open)
}

// reserved reports whether a line of the process's mappings is address space of the size
// that package exec reserves; the Go runtime reserves less at a time.
func reserved(line string) bool {
	var lo, hi uint64
	var access string
	_, err := fmt.Sscanf(line, "%x-%x %s", &lo, &hi, &access)
	return err == nil && access == "---p" && hi-lo >= 300<<20
}

// TestNothingIsLeft runs a pool with crashing images twice; what the second run leaves,
// every run leaves. The first may make mappings that the Go runtime keeps.
func TestNothingIsLeft(t *testing.T) {
	tids := map[int64]bool{}
	once := func() {
		t.Run("pool", func(t *testing.T) {
			run(t, PoolConfig{Threads: 32, Outcomes: []uint64{1}}, []byte{0x0f, 0x0b}, func(p *Pool) bool {
				for _, th := range p.threads {
					tids[th.tid.Load()] = true
				}
				return executed(1000)(p)
			})
		})
	}
	once()
	areas, files := resources(t)
	once()
	if len(tids) != 64 {
		t.Errorf("two pools of 32 threads had %d", len(tids))
	}
	// The runtime keeps the process's first thread, which it parks, and starts others as it likes.
	delete(tids, int64(os.Getpid()))
	waitFor(t, func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Keys(tids)), func(tid int64) bool {
			_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", tid))
			return err == nil
		})
	})
	if a, f := resources(t); a > areas || f > files {
		t.Errorf("mappings %d -> %d, files %d -> %d", areas, a, files, f)
	}
	users.Lock()
	defer users.Unlock()
	if users.n != 0 || codeSlots.taken != 0 || stackSlots.taken != 0 || area != (areaBounds{}) {
		t.Errorf("the area is still in use: %d users", users.n)
	}
	if slices.ContainsFunc(threadTable[:], func(e threadEntry) bool { return e.tid != 0 }) {
		t.Error("a thread is still in the table")
	}
}

func TestHandlersArePutBack(t *testing.T) {
	var before, during, after ksigaction
	get := func(sa *ksigaction) {
		t.Helper()
		if err := sigaction(11, nil, sa); err != nil {
			t.Fatal(err)
		}
	}
	get(&before)
	a, err := NewArena(4096)
	if err != nil {
		t.Fatal(err)
	}
	get(&during)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	get(&after)
	if during.handler == before.handler || after != before {
		t.Errorf("SIGSEGV handler %#x, then %#x, then %#x", before.handler, during.handler, after.handler)
	}
}
