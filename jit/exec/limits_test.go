//go:build linux && amd64

package exec

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAreaHasEightPlaces takes every place for arenas and for pools; each has its own addresses,
// and one that was given back is given again.
func TestAreaHasEightPlaces(t *testing.T) {
	var arenas []*Arena
	var pools []*Pool
	for range 8 {
		a := newArena(t, []byte{0xc3})
		for _, b := range arenas {
			if d := int64(a.Addr(0) - b.Addr(0)); max(d, -d) < MaxArena || max(d, -d) > 8*MaxArena {
				t.Errorf("arenas at %#x and %#x", a.Addr(0), b.Addr(0))
			}
		}
		arenas = append(arenas, a)
		p, err := NewPool(PoolConfig{Threads: MaxThreads, Outcomes: []uint64{1}})
		if err != nil {
			t.Fatal(err)
		}
		pools = append(pools, p)
	}
	defer func() {
		for _, p := range pools {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	_, files := resources(t)
	if _, err := NewArena(4096); err == nil || err.Error() != "more than 8 arenas at a time" {
		t.Errorf("a ninth arena: %v", err)
	}
	if _, err := NewPool(PoolConfig{Threads: 1}); err == nil || err.Error() != "more than 8 pools at a time" {
		t.Errorf("a ninth pool: %v", err)
	}
	if _, n := resources(t); n != files {
		t.Errorf("%d open files, before there were %d", n, files)
	}
	if err := pools[3].Close(); err != nil {
		t.Fatal(err)
	}
	again, err := NewPool(PoolConfig{Threads: 1, Outcomes: []uint64{1}})
	if err != nil {
		t.Fatal(err)
	}
	pools[3] = again
	p := pools[7] // the last thread of the last pool executes as any other
	p.SetEntries([]uint64{arenas[7].Addr(0)})
	if _, err := p.Run(1, time.Minute); err != nil {
		t.Error(err)
	}
}

// limited runs f under a limit of the system, and takes the limit off again.
func limited(t *testing.T, resource int, soft uint64, f func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(resource, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: soft, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(resource, &was); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// addressSpace returns how many bytes of it the process has.
func addressSpace(t *testing.T) uint64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages uint64
	if _, err := fmt.Sscan(string(raw), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}

// TestSystemRefuses has limits of files and of address space in the way. Each error names what was
// wanted, and what had been taken until then is given back.
func TestSystemRefuses(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it may need memory
	const spare = 16 << 20
	arena := func(size int) func() error {
		return func() error {
			a, err := NewArena(size)
			if err == nil {
				err = errors.Join(errors.New("an arena was made"), a.Close())
			}
			return err
		}
	}
	for _, tt := range []struct {
		name     string
		resource int
		try      func() error
		want     string
	}{
		{"no file", unix.RLIMIT_NOFILE, arena(4096),
			"memory for code: memfd_create: too many open files; /dev/shm: too many open files"},
		{"no area", unix.RLIMIT_AS, arena(4096), "reserve 640 MiB of address space: cannot allocate memory"},
		{"no area for a pool", unix.RLIMIT_AS, func() error {
			_, err := NewPool(PoolConfig{Threads: 1})
			return err
		}, "reserve 640 MiB of address space: cannot allocate memory"},
		{"no data", unix.RLIMIT_AS, func() error {
			_, err := NewData(2 * spare)
			return err
		}, "map 33554432 bytes of data: cannot allocate memory"},
		{"no memory to write code to", unix.RLIMIT_AS, func() error {
			return arena(2 * spare)()
		}, "map code memory for writing: cannot allocate memory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.HasPrefix(tt.name, "no memory") {
				newArena(t, nil) // the area is there
			}
			areas, files := resources(t)
			soft := uint64(0)
			if tt.resource == unix.RLIMIT_AS {
				soft = addressSpace(t) + spare
			}
			var err error
			limited(t, tt.resource, soft, func() { err = tt.try() })
			if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if a, f := resources(t); a != areas || f != files {
				t.Errorf("mappings %d -> %d, files %d -> %d", areas, a, files, f)
			}
			for range 9 { // no place was lost
				a, err := NewArena(4096)
				if err != nil {
					t.Fatal(err)
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	users.Lock()
	defer users.Unlock()
	if users.n != 0 || codeSlots.taken != 0 || stackSlots.taken != 0 {
		t.Errorf("the area is still in use: %d users", users.n)
	}
}

// TestBoundsOfAPool has the largest of everything, and one more of each.
func TestBoundsOfAPool(t *testing.T) {
	values := make([]uint64, 65)
	for i := range values {
		values[i] = uint64(i)
	}
	most := PoolConfig{Threads: 256, Ctx: make([]byte, 4096), RestoreLo: 4096, RestoreHi: 4096, Outcomes: values[:64]}
	p, err := NewPool(most)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for want, set := range map[string]func(c *PoolConfig){
		"257 threads: want 1 to 256":                            func(c *PoolConfig) { c.Threads = 257 },
		"context of 4097 bytes is longer than 4096":             func(c *PoolConfig) { c.Ctx = make([]byte, 4097) },
		"65 outcomes: want at most 64":                          func(c *PoolConfig) { c.Outcomes = values },
		"the outcomes are not distinct":                         func(c *PoolConfig) { c.Outcomes = []uint64{1, 2, 1} },
		"bytes -1 to 4096 to restore lie outside the context":   func(c *PoolConfig) { c.RestoreLo = -1 },
		"bytes 4096 to 4095 to restore lie outside the context": func(c *PoolConfig) { c.RestoreHi = 4095 },
		"bytes 4096 to 4097 to restore lie outside the context": func(c *PoolConfig) { c.RestoreHi = 4097 },
	} {
		c := most
		set(&c)
		if _, err := NewPool(c); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestWhereThingsLie asks of addresses what they belong to.
func TestWhereThingsLie(t *testing.T) {
	a := newArena(t, nil)
	for addr, want := range map[uint64]bool{a.Addr(0): true, a.Addr(1<<20 - 1): true, a.Addr(0) - 1: false, a.Addr(1 << 20): false} {
		off, ok := a.OffOf(addr)
		if ok != want || ok && a.Addr(off) != addr {
			t.Errorf("%#x: %#x, %v", addr, off, ok)
		}
	}
	p := newCaller(t, nil)
	bottom := p.threads[0].call.stack.addr
	for addr, want := range map[uint64]bool{bottom: false, bottom - 1: true, bottom - guardSize: true, bottom - guardSize - 1: false} {
		if p.InGuard(addr) != want {
			t.Errorf("%+d from the stack's bottom: in the guard page: %v", int64(addr-bottom), !want)
		}
	}
	d, err := NewLowData(64)
	if err != nil {
		t.Fatal(err)
	}
	if d.Addr(63) >= 1<<31 {
		t.Errorf("low data lies at %#x", d.Addr(0))
	}
	d.Store4(8, 0x01020304)
	d.Store8(16, 0x05060708090a0b0c)
	if got := d.At(d.Addr(8), 16); fmt.Sprintf("%x", got) != "04030201000000000c0b0a0908070605" {
		t.Errorf("data % x", got)
	}
	if d.At(d.Addr(63), 2) != nil || d.At(d.Addr(0)-1, 1) != nil {
		t.Error("bytes outside of the data")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("closed twice: %v", err)
	}
}

// TestContextIsExchanged gives a pool another context; what is restored is the new one's too.
func TestContextIsExchanged(t *testing.T) {
	image := []byte{0x48, 0x8b, 0x07, 0x48, 0xff, 0x07, 0xc3} // mov rax, [rdi]; inc qword [rdi]; ret
	a := newArena(t, image)
	p, err := NewPool(PoolConfig{Threads: 1, Ctx: []byte{7, 0, 0, 0, 0, 0, 0, 0}, RestoreHi: 8, Outcomes: []uint64{7, 9}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	for _, want := range []byte{7, 9} {
		p.SetContext([]byte{want, 0, 0, 0, 0, 0, 0, 0})
		if got := p.Context(0); got[0] != want {
			t.Errorf("context % x", got)
		}
		if rax, err := p.Run(3, time.Minute); err != nil || rax != uint64(want) || p.Bad() != 0 {
			t.Errorf("%d, %v, want %d", rax, err, want)
		}
	}
}

// TestMisuse: what breaks the rules of the package panics, or says so.
func TestMisuse(t *testing.T) {
	a := newArena(t, nil)
	p := newCaller(t, nil)
	for want, f := range map[string]func(){
		"exec: store of 2 bytes at 0x0":                         func() { a.StoreAll([]Store{{Width: 2}}) },
		"exec: store of 8 bytes at 0xffff9":                     func() { a.StoreAll([]Store{{Off: 1<<20 - 7, Width: 8}}) },
		"exec: SetPhase: operations must begin and end in turn": func() { p.SetPhase(0, 0) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("%v, want %s", got, want)
				}
			}()
			f()
		}()
	}
	a.StoreAll([]Store{{Off: 1<<20 - 8, Width: 8, Value: 1}, {Off: 1<<20 - 4, Width: 4, Value: 2}, {Off: 1<<20 - 1, Width: 1, Value: 3}})
	if got := fmt.Sprintf("%x", a.Read(1<<20-8, 8)); got != "0100000002000003" {
		t.Errorf("stored %s", got)
	}
	a.StoreAll(nil)
	idle, err := NewPool(PoolConfig{Threads: 1, Outcomes: []uint64{1}})
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := idle.Start(); err == nil || err.Error() != "a pool without an entry point" {
		t.Errorf("started: %v", err)
	}
	if err := SetScheduler(0, 77, 0); err == nil || err.Error() != "sched_setscheduler(0, 77, 0): invalid argument" {
		t.Errorf("policy 77: %v", err)
	}
}

// TestMembarrierAnswers: what the kernel refuses is an error.
func TestMembarrierAnswers(t *testing.T) {
	if err := membarrier(-1); err == nil {
		t.Error("a command that there is not")
	}
	if err := membarrier(mbRegisterPrivateExpedited); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		commands uintptr
		e        unix.Errno
		want     string // "" for nothing
	}{
		{0, unix.ENOSYS, "function not implemented"},
		{mbSyncCore, 0, "Linux 4.14"},
		{mbPrivateExpedited, 0, "Linux 4.16"},
		{mbPrivateExpedited | mbSyncCore, 0, ""},
	} {
		if err := lacks(c.commands, c.e); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("commands %#x, %v: %v, want %s", c.commands, c.e, err, c.want)
		}
	}
}

// TestFaultsAreKept: the first 64 are kept, and all are counted.
func TestFaultsAreKept(t *testing.T) {
	p, err := NewPool(PoolConfig{Threads: 1, Ctx: make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 66 {
		p.threads[0].frame.fault.addr = uint64(n)
		p.threads[0].keepFault()
	}
	if n := p.nFault.Load(); len(p.faults) != 64 || p.faults[63].Addr != 63 || n != 66 {
		t.Errorf("%d of %d are kept", len(p.faults), n)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestWordsAreRestored: of the context those words are restored that have a byte to restore.
func TestWordsAreRestored(t *testing.T) {
	for _, c := range []struct {
		lo, hi int
		words  uint64
	}{{0, 16, 2}, {0, 17, 3}, {7, 8, 1}, {8, 9, 1}, {7, 9, 2}, {8, 8, 0}} {
		p, err := NewPool(PoolConfig{Threads: 1, Ctx: make([]byte, 64), RestoreLo: c.lo, RestoreHi: c.hi})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.threads[0].frame.restoreN; got != c.words {
			t.Errorf("bytes %d to %d: %d words, want %d", c.lo, c.hi, got, c.words)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUnsupportedMachines: where membarrier is missing, there is neither an arena nor a pool.
func TestUnsupportedMachines(t *testing.T) {
	lacking := errors.New("lacks membarrier")
	was := Supported
	Supported = func() error { return lacking }
	defer func() { Supported = was }()
	if a, err := NewArena(1 << 20); a != nil || !errors.Is(err, lacking) {
		t.Errorf("an arena: %v", err)
	}
	if p, err := NewPool(PoolConfig{Threads: 1, Ctx: make([]byte, 8)}); p != nil || !errors.Is(err, lacking) {
		t.Errorf("a pool: %v", err)
	}
}
