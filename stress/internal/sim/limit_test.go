package sim

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/layouttest"
)

// hierarchy calls a subprogram twice, which tail calls key 0.
func hierarchy(t testing.TB) *jit.Program {
	insns := []asm.Instruction{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Call.Label("sub"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Call.Label("sub"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
		asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("sub"),
	}
	insns = append(insns, tailCall(0)...)
	return parse(t, "entry", append(insns, asm.Mov.Imm(asm.R0, 2), asm.Return())...)
}

// selfCaller is a subject in which the entry, put into key 0, is tail called by itself.
func selfCaller(t testing.TB, entry *jit.Program, l *jit.Layout) Config {
	s := protocol.DefaultSubject()
	s.Shape.Threads = 1
	s.Layout = l.Name
	return Config{
		Subject: s, Layout: l, Entry: entry, Programs: []*jit.Program{entry},
		Maps: map[string]int{table: 1}, Keys: []protocol.Key{{Map: table, Index: 0}}, Ctx: testCtx,
		Held: []int{0}, Script: protocol.Script{},
	}
}

func TestHierarchySpendsTheLimitTwice(t *testing.T) {
	for _, l := range layouttest.All(t) {
		t.Run(l.Name, func(t *testing.T) {
			r := check(t, selfCaller(t, hierarchy(t), l))
			want := protocol.Violated
			if l.Counter.Calls == jit.CounterShared {
				want = protocol.Safe
			}
			if r.Verdict != want || r.Verdict == protocol.Violated && r.Property != protocol.TailLimit {
				t.Errorf("%v %v, want %v %v\n%v", r.Verdict, r.Property, want, protocol.TailLimit, r.Witness)
			}
			t.Logf("%v: %d states, %d locals, depth %d", r.Verdict, r.States, r.Locals, r.Depth)
		})
	}
}

// TestHierarchyWhileItIsInstalled begins with an empty key.
func TestHierarchyWhileItIsInstalled(t *testing.T) {
	for _, l := range layouttest.All(t) {
		c := selfCaller(t, hierarchy(t), l)
		c.Held, c.Script, c.Forward = nil, script(t, "put 0 0\n"), true
		r := check(t, c)
		want := protocol.TailLimit
		if l.Counter.Calls == jit.CounterShared {
			want = ""
		}
		expect(t, r, want)
	}
}

// TestSelfCallsStopAtTheLimit has no subprogram: every layout counts right.
func TestSelfCallsStopAtTheLimit(t *testing.T) {
	entry := parse(t, "entry", append(append([]asm.Instruction{asm.Mov.Reg(asm.R6, asm.R1)}, tailCall(0)...), leafEnd...)...)
	for _, l := range layouttest.All(t) {
		c := selfCaller(t, entry, l)
		c.Outcomes = []uint64{0}
		expect(t, check(t, c), "")

		generous := *l // one more
		generous.Counter.Limit++
		c.Layout = &generous
		expect(t, check(t, c), protocol.TailLimit)

		wrong := *l // every tail call makes a frame of its own, and starts counting anew
		wrong.AdjOff = 0
		c.Layout = &wrong
		expect(t, check(t, c), protocol.TailLimit)

		wrong.AdjOff = l.AdjOff - 1 // into the middle of an instruction
		expect(t, check(t, c), protocol.NoTorn)
	}
}

// TestSeedResetsTheCounterInSubprograms has two programs that tail call each other by way of a
// subprogram: in the seed layout for ever.
func TestSeedResetsTheCounterInSubprograms(t *testing.T) {
	insns := []asm.Instruction{asm.Call.Label("sub"), asm.Return(), asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("sub")}
	entry := parse(t, "entry", append(append(insns, tailCall(0)...), leafEnd...)...)
	for _, l := range layouttest.All(t) {
		want := protocol.Property("")
		if l.Counter.Calls == jit.CounterResets {
			want = protocol.TailLimit
		}
		r := check(t, selfCaller(t, entry, l))
		expect(t, r, want)
		if w := r.Witness; w != nil && !strings.HasPrefix(w.Text, "tail call 34 of one execution, from entry+0x") {
			t.Errorf("text %q", w.Text)
		}
	}
}
