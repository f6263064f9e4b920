package sim

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
)

func newTestSystem(t testing.TB) *system {
	t.Helper()
	c := direct(t, 2, 2, 2).withDefaults()
	c.Script = script(t, whole)
	s, err := newSystem(&c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestReturnsAreJudged breaks one thing at a time of what a thread must give back.
func TestReturnsAreJudged(t *testing.T) {
	s := newTestSystem(t)
	for _, tc := range []struct {
		want string
		set  func(t *thread)
	}{
		{"", func(*thread) {}},
		{"rsp off by -8", func(t *thread) { t.regs[rsp] -= 8 }},
		{"returns with rbx = 0x1", func(t *thread) { t.regs[rbx] = 1 }},
		{"returns with rbp", func(t *thread) { t.regs[rbp]++ }},
		{"returns with r12", func(t *thread) { t.regs[r12]++ }},
		{"returns with r15", func(t *thread) { t.regs[r15]++ }},
		{"word 0 of its caller's stack", func(t *thread) { t.mem.stack[stackSize-8*callerWords] ^= 1 }},
		{"word 15 of its caller's stack", func(t *thread) { t.mem.stack[stackSize-1] ^= 1 }},
		{"returns 0x65, which no path", func(t *thread) { t.regs[rax]++ }},
	} {
		x := newThread(s)
		x.enter(s)
		x.regs[rsp] += 8
		x.regs[rax] = 100
		tc.set(x)
		if got := x.broken(s); tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

func TestThreadsPack(t *testing.T) {
	s := newTestSystem(t)
	rng := rand.New(rand.NewPCG(5, 6))
	x, y := newThread(s), newThread(s)
	for range 100 {
		x.enter(s)
		x.phase, x.tails, x.flags = phase(1+rng.IntN(2)), uint8(rng.IntN(34)), flags(rng.IntN(32))
		for i := range x.regs {
			x.regs[i] = rng.Uint64()
		}
		x.regs[rsp] = stackTop - 8*uint64(rng.IntN(100))
		for at := x.regs[rsp]; at < stackTop; at++ {
			x.mem.stack[at-stackAt] = byte(rng.Uint32())
		}
		y.unpack(string(x.pack(nil)))
		if diff := cmp.Diff(x.pack(nil), y.pack(nil)); diff != "" || y.regs != x.regs || y.rip != x.rip || y.phase != x.phase {
			t.Fatal(diff)
		}
	}
}

func TestMutatorsPack(t *testing.T) {
	for _, m := range []mutator{
		{op: none, given: none, old: none},
		{call: maxCalls, op: int(protocol.Remove), key: MaxKeys - 1, given: MaxTexts - 1, old: MaxTexts - 1,
			action: maxActions, micro: maxMicros, changed: maxActions + 1, dropped: true},
		{call: 1, op: int(protocol.Update), key: 1, given: 0, old: none, action: 3, micro: 2, changed: 1},
	} {
		if got := mutatorOf(m.pack()); got != m {
			t.Errorf("%+v becomes %+v", m, got)
		}
	}
}

// TestBelowTheStackPointerNothingIsKept has accesses of a leaf that makes no frame.
func TestBelowTheStackPointerNothingIsKept(t *testing.T) {
	c := &core{mem: memory{stack: make([]byte, 64), stackAt: 0x1000, ctx: make([]byte, 8), ctxAt: 0x2000, data: &data{}}}
	c.regs[rsp] = 0x1020
	for _, tc := range []struct {
		at   uint64
		size uint8
		want string
	}{
		{0x1020, 8, ""}, {0x1038, 8, ""}, {0x2000, 8, ""}, {0x2007, 1, ""},
		{0x101f, 1, "below the stack pointer"}, {0x1000, 8, "rsp-0x20"},
		{0x1039, 8, "no business"}, {0x2001, 8, "no business"}, {0, 1, "no business"}, {^uint64(0), 8, "no business"},
	} {
		_, err := c.mem.load(tc.at, tc.size, c.regs[rsp])
		if err2 := c.mem.store(tc.at, 1, tc.size, c.regs[rsp]); (err == nil) != (err2 == nil) {
			t.Errorf("%#x: load %v, store %v", tc.at, err, err2)
		}
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%#x: %v, want %q", tc.at, err, tc.want)
		}
	}
	c.mem.stack[0x18] = 7
	if c.setRSP(0x1018); c.mem.stack[0x18] != stackJunk {
		t.Error("what was below the stack pointer is there again")
	}
}
