//go:build linux && amd64

package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/layouttest"
	"tailpoke/stress/internal/sim/x86"
)

const ctxSize = 1024

// rig executes programs on this machine's CPU.
type rig struct {
	arena *exec.Arena
	pool  *exec.Pool
}

func newRig(t testing.TB) *rig {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip("no real CPU to compare with: ", err)
	}
	r := &rig{}
	var err error
	if r.arena, err = exec.NewArena(1 << 20); err != nil {
		t.Fatal(err)
	}
	if r.pool, err = exec.NewPool(exec.PoolConfig{Threads: 1, Ctx: make([]byte, ctxSize), Outcomes: []uint64{0}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.pool.Close(); err != nil {
			t.Error(err)
		}
		if err := r.arena.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestProgramsAsTheCPU executes whole programs, tail calls taken and not taken, in every layout,
// the same bytes of the same distances.
func TestProgramsAsTheCPU(t *testing.T) {
	structs, err := exec.NewData(1 << 16)
	if err != nil {
		t.Skip("no real CPU to compare with: ", err)
	}
	t.Cleanup(func() {
		if err := structs.Close(); err != nil {
			t.Error(err)
		}
	})
	r := newRig(t)
	entries := map[string]*jit.Program{
		"direct": caller(t, 3, 2), "indirect": indirect(t), "by address": loadsOne(t), "leaf": leaf(t, "entry", 5), "subprograms": calls(t),
	}
	runs := 0
	for _, l := range layouttest.All(t) {
		for name, entry := range entries {
			for held := range 9 {
				c := Config{
					Subject: protocol.DefaultSubject(), Layout: l, Entry: entry, Maps: map[string]int{table: 2},
					Programs: []*jit.Program{leaf(t, "p0", 11), caller(t, 1, 2)}, Keys: []protocol.Key{{Map: table, Index: 0}, {Map: table, Index: 1}},
					Held: []int{held%3 - 1, held/3 - 1}, Script: protocol.Script{}, dataAt: structs.Addr(0),
				}
				for first := range byte(4) {
					c.Ctx = make([]byte, ctxSize)
					c.Ctx[0] = first
					r.samePrograms(t, fmt.Sprintf("%s %s holding %v, context %d", l.Name, name, c.Held, first), c, structs)
					runs++
				}
			}
		}
	}
	t.Logf("%d executions", runs)
}

// calls has two subprograms with tail calls of their own.
func calls(t testing.TB) *jit.Program {
	insns := []asm.Instruction{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R8, 1000),
		asm.Call.Label("one"),
		asm.Add.Reg(asm.R8, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Call.Label("two"),
		asm.Add.Reg(asm.R0, asm.R8),
		asm.Return(),
	}
	for key, name := range []string{"one", "two"} {
		sub := []asm.Instruction{asm.Mov.Reg(asm.R6, asm.R1).WithSymbol(name), asm.Mov.Imm(asm.R2, int32(key)), asm.StoreMem(asm.RFP, -16, asm.R2, asm.Word)}
		sub = append(sub, tailCall(int32(key))...)
		insns = append(append(insns, sub...), asm.Mov.Imm(asm.R0, int32(100*(key+1))), asm.Return())
	}
	return parse(t, "entry", insns...)
}

func (r *rig) samePrograms(t testing.TB, name string, c Config, structs *exec.Data) {
	t.Helper()
	c.Subject.Shape.Threads = 1
	c.withDefaults()
	s, err := newSystem(&c)
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.initial()
	if err != nil {
		t.Fatal(err)
	}
	got := s.returns(t, x)

	for _, text := range s.texts {
		r.arena.Write(exec.Off(text.at-textAt), text.img.Code)
	}
	for i, at := range s.slots {
		c := s.slotState(x[firstSlotWord+i]).mem
		r.arena.Write(exec.Off(at.at-textAt), c[:at.size])
	}
	texts := s.texts
	for _, g := range s.data.structs {
		b := structs.At(g.At, len(g.Bytes))
		copy(b, g.Bytes)
		if g.pointers == 0 { // a program: where its text really is
			x86.Put(b[len(b)-8:], r.arena.Addr(exec.Off(texts[0].at-textAt)))
			texts = texts[1:]
		}
		for at := g.pointers; g.pointers != 0 && at < g.At+uint64(len(b)); at += 8 {
			if p, _ := s.data.pointerAt(at, 8); s.pointer(x, p) != none {
				x86.Put(b[at-g.At:][:8], s.texts[s.pointer(x, p)].structAt)
			}
		}
	}
	exec.SyncCore()
	r.pool.SetContext(c.Ctx)
	r.pool.SetEntries([]uint64{r.arena.Addr(exec.Off(s.texts[0].at - textAt))})
	want, err := r.pool.Run(1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.pool.Anomalies() {
		if a.Kind != exec.BadValue {
			t.Fatalf("%s: %+v", name, a)
		}
	}
	if got != want {
		t.Errorf("%s: returns %#x, the CPU %#x", name, got, want)
	}
}
