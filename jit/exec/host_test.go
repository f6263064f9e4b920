//go:build linux && amd64

package exec

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// hostFunc is a host that is one function.
type hostFunc func(c *HelperCall) (uint64, bool)

func (f hostFunc) Call(c *HelperCall) (uint64, bool) { return f(c) }

const stubAt = 512 // of helper 7 in the arena

// callImage calls helper 7 with the context and four numbers, and returns what it returns and 1.
func callImage() []byte {
	code := []byte{
		0x53,             // push rbx
		0x31, 0xdb, 0x55, // xor ebx, ebx; push rbp
		0xbe, 2, 0, 0, 0, 0xba, 3, 0, 0, 0, // mov esi, 2; mov edx, 3
		0xb9, 4, 0, 0, 0, 0x41, 0xb8, 5, 0, 0, 0, // mov ecx, 4; mov r8d, 5
		0xe8, 0, 0, 0, 0, // call helper
		0x5d, 0x5b, // pop rbp; pop rbx
		0x48, 0xff, 0xc0, 0xc3, // inc rax; ret
	}
	const end = 30
	binary.LittleEndian.PutUint32(code[end-4:], stubAt-end)
	return append(append(code, make([]byte, stubAt-len(code))...), HelperStub(7)...)
}

func newCaller(t testing.TB, host Host) *Pool {
	t.Helper()
	a := newArena(t, callImage())
	p, err := NewPool(PoolConfig{Threads: 1, Ctx: make([]byte, 16), Outcomes: []uint64{43}, Host: host})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.SetEntries([]uint64{a.Addr(0)})
	return p
}

func TestHelperIsCalled(t *testing.T) {
	var got HelperCall
	var epoch uint64
	var p *Pool
	p = newCaller(t, hostFunc(func(c *HelperCall) (uint64, bool) {
		got, epoch = *c, p.Readers()[0].Epoch()
		c.Bytes(c.Args[0], 16)[3] = 9
		runtime.GC()
		return 42, true
	}))
	rax, err := p.Run(1, time.Minute)
	if err != nil || rax != 43 || p.Bad() != 0 {
		t.Fatalf("%d, %v, %+v", rax, err, p.Anomalies())
	}
	if got.Fn != 7 || got.Args != [5]uint64{got.Ctx, 2, 3, 4, 5} {
		t.Errorf("call %+v", got)
	}
	if epoch == 0 {
		t.Error("the read-side section ended")
	}
	if ctx := p.Context(0); ctx[3] != 9 {
		t.Errorf("context % x", ctx)
	}
}

// TestHelpersOfManyThreads has threads in helpers while others execute and the pool stops.
func TestHelpersOfManyThreads(t *testing.T) {
	var calls atomic.Uint64
	p := run(t, PoolConfig{Threads: 8, Outcomes: []uint64{43}, Host: hostFunc(func(c *HelperCall) (uint64, bool) {
		calls.Add(1)
		return 42, true
	})}, callImage(), executed(20_000))
	if c := p.Counters(); c.Anomalies != 0 || c.Executions != calls.Load() {
		t.Errorf("%d calls, counters %+v, %+v", calls.Load(), c, p.Anomalies())
	}
}

func TestHelperRefuses(t *testing.T) {
	for name, host := range map[string]Host{
		"no host": nil,
		"refused": hostFunc(func(c *HelperCall) (uint64, bool) {
			c.Bad = 0x1234
			return 0, false
		}),
	} {
		p := newCaller(t, host)
		if _, err := p.Run(3, time.Minute); err != nil {
			t.Fatal(err)
		}
		as := p.Anomalies()
		if len(as) != 3 || as[0].Kind != Fault || as[0].Signal != 11 || as[0].RIP&0xfff != 30 || host != nil && as[0].Addr != 0x1234 {
			t.Errorf("%s: %+v", name, as)
		}
		if p.Readers()[0].Epoch() != 0 {
			t.Errorf("%s: still inside its section", name)
		}
	}
}

// TestPanicInHost: a fault of Go code that an image has called is Go's.
func TestPanicInHost(t *testing.T) {
	var null *HelperCall
	p := newCaller(t, hostFunc(func(*HelperCall) (rax uint64, ok bool) {
		defer func() {
			if recover() != nil {
				rax, ok = 42, true
			}
		}()
		return uint64(null.Fn), true
	}))
	if rax, err := p.Run(1, time.Minute); err != nil || rax != 43 || p.Bad() != 0 {
		t.Errorf("%d, %v, %+v", rax, err, p.Anomalies())
	}
}

// TestBytes asks for memory at the edges of what the thread has.
func TestBytes(t *testing.T) {
	p := newCaller(t, nil)
	c := &p.threads[0].call
	lo, hi := c.stack.addr, c.stack.addr+uint64(len(c.stack.bytes))
	for _, tt := range []struct {
		addr uint64
		n    int
		ok   bool
	}{
		{lo, 8, true}, {hi - 8, 8, true}, {hi, 0, true}, {c.Ctx, 16, true}, {lo, len(c.stack.bytes), true},
		{lo - 1, 8, false}, {hi - 7, 8, false}, {hi, 1, false}, {0, 1, false}, {lo, -1, false}, {^uint64(0), 2, false}, {lo, 1 << 40, false},
	} {
		if got := c.Bytes(tt.addr, tt.n); (got != nil) != tt.ok || tt.ok && len(got) != tt.n {
			t.Errorf("%d bytes at %+d: %d", tt.n, int64(tt.addr-lo), len(got))
		}
	}
}

func TestRunThrowsOut(t *testing.T) {
	a := newArena(t, []byte{0xeb, 0xfe}) // jmp self
	p, err := NewPool(PoolConfig{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	for range 2 {
		if _, err := p.Run(1, 100*time.Millisecond); err != ErrLimit {
			t.Fatal(err)
		}
		if as := p.Anomalies(); len(as) != 1 || as[0].Signal != Evicted || as[0].RIP != a.Addr(0) {
			t.Errorf("%+v", as)
		}
	}
	a.Write(0, []byte{0xb8, 3, 0, 0, 0, 0xc3}) // mov eax, 3; ret
	if rax, err := p.Run(5, time.Minute); err != nil || rax != 3 || p.Counters().Executions != 5 {
		t.Errorf("%d, %v, %+v", rax, err, p.Counters())
	}
}

// TestHelperLoopIsThrownOut: an image that is nearly always in a helper is found there.
func TestHelperLoopIsThrownOut(t *testing.T) {
	code := callImage()
	const callAt, jmpAt = 25, 30
	copy(code[jmpAt:], []byte{0xeb, 256 + callAt - jmpAt - 2}) // jmp to the call
	a := newArena(t, code)
	host := hostFunc(func(*HelperCall) (uint64, bool) {
		time.Sleep(10 * time.Microsecond)
		return 42, true
	})
	p, err := NewPool(PoolConfig{Threads: 2, Outcomes: []uint64{43}, Host: host})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	start := time.Now()
	if _, err := p.Run(1, 100*time.Millisecond); err != ErrLimit {
		t.Error(err)
	}
	if as := p.Anomalies(); len(as) != 1 || as[0].Signal != Evicted || as[0].RIP != a.Addr(jmpAt) {
		t.Errorf("%+v", as)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestHelperDoesNotAllocate(t *testing.T) {
	p := newCaller(t, hostFunc(func(*HelperCall) (uint64, bool) { return 42, true }))
	allocs := func(calls int) float64 {
		return testing.AllocsPerRun(20, func() {
			if _, err := p.Run(calls, time.Minute); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := allocs(1), allocs(1001); many-few > 100 {
		t.Errorf("%v allocations in a run of 1 call, %v in one of 1001", few, many)
	}
}

// BenchmarkHelper is one call that leaves the image for Go and comes back; the execution around it
// is BenchmarkLoop's.
func BenchmarkHelper(b *testing.B) {
	p := newCaller(b, hostFunc(func(*HelperCall) (uint64, bool) { return 42, true }))
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := p.Run(b.N, time.Hour); err != nil || p.Bad() != 0 {
		b.Fatal(err, p.Anomalies())
	}
}
