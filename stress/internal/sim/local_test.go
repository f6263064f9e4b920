package sim

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim/x86"
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
		{"rsp off by -8", func(t *thread) { t.Regs[x86.RSP] -= 8 }},
		{"returns with rbx = 0x1", func(t *thread) { t.Regs[x86.RBX] = 1 }},
		{"returns with rbp", func(t *thread) { t.Regs[x86.RBP]++ }},
		{"returns with r12", func(t *thread) { t.Regs[x86.R12]++ }},
		{"returns with r15", func(t *thread) { t.Regs[x86.R15]++ }},
		{"word 0 of its caller's stack", func(t *thread) { t.Mem.Stack.Bytes[stackSize-8*callerWords] ^= 1 }},
		{"word 15 of its caller's stack", func(t *thread) { t.Mem.Stack.Bytes[stackSize-1] ^= 1 }},
		{"returns 0x65, which no path", func(t *thread) { t.Regs[x86.RAX]++ }},
	} {
		x := newThread(s)
		x.enter(s)
		x.Regs[x86.RSP] += 8
		x.Regs[x86.RAX] = 100
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
		x.phase, x.tails, x.Flags = phase(1+rng.IntN(2)), uint8(rng.IntN(34)), x86.Flags(rng.IntN(32))
		for i := range x.Regs {
			x.Regs[i] = rng.Uint64()
		}
		x.Regs[x86.RSP] = stackTop - 8*uint64(rng.IntN(100))
		for at := x.Regs[x86.RSP]; at < stackTop; at++ {
			x.Mem.Stack.Bytes[at-stackAt] = byte(rng.Uint32())
		}
		y.unpack(string(x.pack(nil)))
		if diff := cmp.Diff(x.pack(nil), y.pack(nil)); diff != "" || y.Regs != x.Regs || y.RIP != x.RIP || y.phase != x.phase {
			t.Fatal(diff)
		}
	}
}

func TestMutatorsPack(t *testing.T) {
	for _, m := range []mutator{
		{op: none, given: none, old: none},
		{call: MaxCalls, op: int(protocol.Remove), key: MaxKeys - 1, given: MaxTexts - 1, old: MaxTexts - 1,
			action: maxActions, micro: maxMicros, changed: maxActions + 1, dropped: true},
		{call: 1, op: int(protocol.Update), key: 1, given: 0, old: none, action: 3, micro: 2, changed: 1},
	} {
		if got := mutatorOf(m.pack()); got != m {
			t.Errorf("%+v becomes %+v", m, got)
		}
	}
}
