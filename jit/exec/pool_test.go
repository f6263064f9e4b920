//go:build linux && amd64

package exec

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// run starts threads on an image and stops them when until says so.
func run(t *testing.T, cfg PoolConfig, image []byte, until func(*Pool) bool) *Pool {
	t.Helper()
	a := newArena(t, image)
	p, err := NewPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.SetEntries([]uint64{a.Addr(0)})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return until(p) })
	p.Stop()
	return p
}

func newArena(t testing.TB, image []byte) *Arena {
	t.Helper()
	a, err := NewArena(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	a.Write(0, image)
	return a
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened within 20 s")
		}
	}
}

func executed(n uint64) func(*Pool) bool {
	return func(p *Pool) bool { return p.Counters().Executions >= n }
}

var loadCtx = []byte{
	0x48, 0x8b, 0x07, // mov rax, [rdi]
	0xc3, // ret
}

func TestOutcomesAreCounted(t *testing.T) {
	p := run(t, PoolConfig{Threads: 4, Ctx: []byte{7, 0, 0, 0, 0, 0, 0, 0}, Outcomes: []uint64{5, 7}}, loadCtx, executed(100_000))
	c := p.Counters()
	if c.Outcomes[0] != 0 || c.Outcomes[1] != c.Executions || c.Anomalies != 0 || c.Overlaps[0] != c.Executions {
		t.Errorf("counters %+v", c)
	}
}

// TestOthers: every value that is no outcome is one, 0 too, and is judged like one.
func TestOthers(t *testing.T) {
	for _, value := range []byte{0, 9} {
		a := newArena(t, []byte{0xb8, value, 0, 0, 0, 0xc3}) // mov eax, value; ret
		p, err := NewPool(PoolConfig{Threads: 1, Outcomes: []uint64{5, 7}, Others: true})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		p.SetEntries([]uint64{a.Addr(0)})
		p.SetPhase(1, 0b100)
		p.SetPhase(0, 0b100)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return executed(1000)(p) })
		if c := p.Counters(); c.Anomalies != 0 || len(c.Outcomes) != 3 || c.Outcomes[2] == 0 {
			t.Errorf("value %d: %+v", value, c)
		}
		p.SetPhase(2, 0b011) // no other value may be returned
		waitFor(t, func() bool { return p.Bad() > 0 })
		p.Stop()
		if an := p.Anomalies(); an[0].Kind != BadPhase || an[0].RAX != uint64(value) {
			t.Errorf("value %d: %+v", value, an)
		}
	}
}

func TestAnomaliesAreSeen(t *testing.T) {
	zero := make([]byte, 8)
	for _, tc := range []struct {
		name  string
		image []byte
		check func(Anomaly) bool
	}{
		{"value", []byte{0xb8, 9, 0, 0, 0, 0xc3}, // mov eax, 9; ret
			func(a Anomaly) bool { return a.Kind == BadValue && a.RAX == 9 }},
		{"value 0 that is no outcome", []byte{0x31, 0xc0, 0xc3}, // xor eax, eax; ret
			func(a Anomaly) bool { return a.Kind == BadValue && a.RAX == 0 }},
		{"rbx", []byte{0x31, 0xdb, 0xb8, 1, 0, 0, 0, 0xc3}, // xor ebx, ebx; mov eax, 1; ret
			func(a Anomaly) bool { return a.Kind == BadRegisters && a.Regs[0] == 0 && a.Regs[1] == a.Canary[1] }},
		{"r15", []byte{0x45, 0x31, 0xff, 0xb8, 1, 0, 0, 0, 0xc3}, // xor r15d, r15d; mov eax, 1; ret
			func(a Anomaly) bool { return a.Kind == BadRegisters && a.Regs[5] == 0 && a.Regs[4] == a.Canary[4] }},
		{"rsp", []byte{0x59, 0x48, 0x83, 0xc4, 0x10, 0xb8, 1, 0, 0, 0, 0xff, 0xe1}, // pop rcx; add rsp, 16; mov eax, 1; jmp rcx
			func(a Anomaly) bool { return a.Kind == BadRegisters && a.RSPOff == 16 }},
		{"canary leads to poison", []byte{0x48, 0x8b, 0x03, 0xc3}, // mov rax, [rbx]; ret
			func(a Anomaly) bool { return a.Kind == BadValue && a.RAX == 0xdead0000dead }},
		{"ud2", []byte{0x0f, 0x0b}, func(a Anomaly) bool { return a.Kind == Fault && a.Signal == 4 }},
		{"load of 0", []byte{0x31, 0xc0, 0x48, 0x8b, 0x00}, // xor eax, eax; mov rax, [rax]
			func(a Anomaly) bool { return a.Kind == Fault && a.Signal == 11 && a.Addr == 0 }},
		{"int3", []byte{0x90, 0xcc}, func(a Anomaly) bool { return a.Kind == Fault && a.Signal == 5 && a.RIP&0xfff == 1 }},
		{"wild jump", []byte{0x48, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xe0}, // mov rax, 1<<40; jmp rax
			func(a Anomaly) bool { return a.Kind == Fault && a.RIP == 1<<40 }},
		{"rsp is 0", []byte{0x31, 0xe4, 0x50}, // xor esp, esp; push rax
			func(a Anomaly) bool { return a.Kind == Fault && a.RSP == 0 }},
		{"stack overflow", []byte{0x50, 0xeb, 0xfd}, // push rax; jmp -3
			func(a Anomaly) bool { return a.Kind == Fault && a.Signal == 11 }},
		{"division by 0", []byte{0x31, 0xc9, 0x31, 0xd2, 0x48, 0xf7, 0xf1}, // xor ecx, ecx; xor edx, edx; div rcx
			func(a Anomaly) bool { return a.Kind == Fault && a.Signal == 8 }},
		{"direction flag", []byte{0xfd, 0x0f, 0x0b}, // std; ud2
			func(a Anomaly) bool { return a.Kind == Fault && a.Signal == 4 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := run(t, PoolConfig{Threads: 2, Ctx: zero, Outcomes: []uint64{1}}, tc.image, executed(1000))
			c, as := p.Counters(), p.Anomalies()
			if c.Anomalies != c.Executions || len(as) == 0 {
				t.Fatalf("%d anomalies of %d executions, %d kept", c.Anomalies, c.Executions, len(as))
			}
			for _, a := range as {
				if !tc.check(a) {
					t.Fatalf("anomaly %+v", a)
				}
			}
		})
	}
}

func TestGoFaultsStillReachGo(t *testing.T) {
	newArena(t, []byte{0xc3}) // installs the handlers
	defer func() {
		if recover() == nil {
			t.Error("a nil dereference did not panic")
		}
	}()
	var p *int
	_ = *p
}

func TestPhasesJudgeOutcomes(t *testing.T) {
	a := newArena(t, loadCtx)
	p, err := NewPool(PoolConfig{Threads: 1, Ctx: []byte{7, 0, 0, 0, 0, 0, 0, 0}, Outcomes: []uint64{5, 7}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	p.SetPhase(1, 0b10) // an install: 7 may occur
	p.SetPhase(0, 0b10)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return executed(1000)(p) })
	if p.Bad() != 0 {
		t.Fatalf("legal outcomes were accused: %+v", p.Anomalies())
	}
	p.SetPhase(2, 0b01) // an update: 5 alone may occur
	waitFor(t, func() bool { return p.Bad() > 0 })
	p.Stop()
	for _, an := range p.Anomalies() {
		if an.Kind != BadPhase || an.RAX != 7 || an.To != 3 {
			t.Errorf("anomaly %+v", an)
		}
	}
	if c := p.Counters(); c.Overlaps[2] == 0 || c.Overlaps[0] == 0 {
		t.Errorf("overlaps %v", c.Overlaps)
	}
}

// TestPhasesComeRound changes what an image returns so fast that threads are descheduled
// for many rounds of the ring of phases: an execution must never be judged by a phase
// that took the place of its own.
func TestPhasesComeRound(t *testing.T) {
	d, err := NewData(4096)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	image := []byte{0x48, 0xa1} // mov rax, [moffs64]
	image = binary.LittleEndian.AppendUint64(image, d.Addr(0))
	a := newArena(t, append(image, 0xc3)) // ret
	p, err := NewPool(PoolConfig{Threads: 8, Outcomes: []uint64{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	p.SetPhase(1, 0b11)
	p.SetPhase(0, 0b01)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		v := rng.Uint64N(2) // at random, so that a phase and the one a round later differ
		p.SetPhase(1, 0b11)
		d.Store8(0, v)
		p.SetPhase(0, 1<<v)
	}
	p.Stop()
	if p.Bad() != 0 {
		t.Errorf("%d executions accused: %+v", p.Bad(), p.Anomalies()[0])
	}
}

func TestContextIsRestored(t *testing.T) {
	image := []byte{
		0x48, 0x8b, 0x47, 0x08, // mov rax, [rdi+8]
		0x48, 0xff, 0x47, 0x08, // inc qword [rdi+8]
		0xc3, // ret
	}
	ctx := make([]byte, 24)
	ctx[8] = 3
	p := run(t, PoolConfig{Threads: 1, Ctx: ctx, RestoreLo: 8, RestoreHi: 16, Outcomes: []uint64{3}}, image, executed(1000))
	if p.Bad() != 0 {
		t.Errorf("the context was not restored: %+v", p.Anomalies()[0])
	}
}

func TestSixtyFourOutcomes(t *testing.T) {
	values := make([]uint64, MaxOutcomes)
	for i := range values {
		values[i] = uint64(i) * 0x1111
	}
	if _, err := perfectHash(values); err != nil {
		t.Error(err)
	}
	if _, err := perfectHash([]uint64{1, 1}); err == nil {
		t.Error("equal outcomes were accepted")
	}
}

func TestBadConfig(t *testing.T) {
	ok := PoolConfig{Threads: 1, Outcomes: []uint64{1}}
	for name, change := range map[string]func(*PoolConfig){
		"no threads":     func(c *PoolConfig) { c.Threads = 0 },
		"long context":   func(c *PoolConfig) { c.Ctx = make([]byte, MaxCtx+1) },
		"restore beyond": func(c *PoolConfig) { c.RestoreHi = 1 },
		"many outcomes":  func(c *PoolConfig) { c.Outcomes = make([]uint64, MaxOutcomes+1) },
	} {
		cfg := ok
		change(&cfg)
		if p, err := NewPool(cfg); err == nil {
			p.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	p, err := NewPool(PoolConfig{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(1, time.Second); err == nil {
		t.Error("ran without an entry")
	}
	p.SetEntries([]uint64{1})
	if err := p.Start(); err == nil {
		t.Error("started without outcomes")
	}
	for _, size := range []int{0, -1, 1, MaxArena + os.Getpagesize()} {
		if _, err := NewArena(size); err == nil {
			t.Errorf("arena of %d bytes accepted", size)
		}
	}
}

func TestCollectorDoesNotWait(t *testing.T) {
	a := newArena(t, []byte{0xeb, 0xfe, 0xc3}) // jmp self: no call ever ends
	p, err := NewPool(PoolConfig{Threads: 4, Outcomes: []uint64{1}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	runtime.GC() // would hang
}

func TestEndlessImageIsEnded(t *testing.T) {
	a := newArena(t, []byte{0xeb, 0xfe}) // jmp self
	p, err := NewPool(PoolConfig{Threads: 3, Outcomes: []uint64{1}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if n := p.Counters().Anomalies; n != 3 {
		t.Errorf("%d anomalies, want one a thread", n)
	}
	for _, an := range p.Anomalies() {
		if an.Kind != Fault || an.Signal != Evicted || an.RIP != a.Addr(0) {
			t.Errorf("anomaly %+v", an)
		}
	}
}

func TestFrameLayout(t *testing.T) {
	var f frame
	if n := unsafe.Sizeof(f); n != frameSize {
		t.Errorf("frame has %d bytes, want %d", n, frameSize)
	}
	if o := unsafe.Offsetof(f.slot); o%64 != 0 {
		t.Errorf("the epoch slot at %d shares a cache line", o)
	}
	for name, got := range map[string]uintptr{
		"anomaly": unsafe.Sizeof(anomaly{}), "outcome": unsafe.Sizeof(outcome{}), "phase": unsafe.Sizeof(phase{}),
	} {
		if want := map[string]uintptr{"anomaly": 1 << 7, "outcome": 1 << 5, "phase": 1 << 4}[name]; got != want {
			t.Errorf("%s has %d bytes, the loop shifts by %d", name, got, want)
		}
	}
}
