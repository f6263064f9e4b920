package sim

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim/x86"
)

const table = "jmp_table"

func parse(t testing.TB, name string, insns ...asm.Instruction) *jit.Program {
	t.Helper()
	insns = append(asm.Instructions(nil), insns...)
	insns[0] = insns[0].WithSymbol(name)
	p, err := jit.Parse(name, insns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tailCall calls the program of a key; R6 holds the context.
func tailCall(key int32) []asm.Instruction {
	return []asm.Instruction{
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMapPtr(asm.R2, 0).WithReference(table),
		asm.Mov.Imm(asm.R3, key),
		asm.FnTailCall.Call(),
	}
}

// caller has direct sites, site i of key i mod keys, two callee-saved registers and a stack
// word. Falling through all of them it returns 100.
func caller(t testing.TB, sites, keys int) *jit.Program {
	insns := []asm.Instruction{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R7, 58),
		asm.Mov.Imm(asm.R2, 42),
		asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord),
	}
	for i := range sites {
		insns = append(insns, tailCall(int32(i%keys))...)
	}
	return parse(t, "entry", append(insns,
		asm.LoadMem(asm.R0, asm.RFP, -8, asm.DWord),
		asm.Add.Reg(asm.R0, asm.R7),
		asm.Return())...)
}

// leaf returns n.
func leaf(t testing.TB, name string, n int32) *jit.Program {
	return parse(t, name,
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R0, n),
		asm.Return())
}

var testCtx = binary.LittleEndian.AppendUint64(nil, 0x1122334455667788)

// direct is a subject with direct sites alone.
func direct(t testing.TB, threads, sites, programs int) Config {
	s := protocol.DefaultSubject()
	s.Shape.Threads = threads
	c := Config{
		Subject: s, Layout: &jit.V510, Entry: caller(t, sites, 1), Maps: map[string]int{table: 1},
		Keys: []protocol.Key{{Map: table, Index: 0}}, Ctx: testCtx, Outcomes: []uint64{100},
	}
	for i := range programs {
		c.Programs = append(c.Programs, leaf(t, fmt.Sprintf("p%d", i), int32(i+1)))
		c.Outcomes = append(c.Outcomes, uint64(i+1))
	}
	return c
}

func script(t testing.TB, text string) protocol.Script {
	t.Helper()
	s, err := protocol.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// whole is the script install, update, remove, install.
const whole = "put 0 0\nput 0 1\ndelete 0\nput 0 0\n"

func check(t testing.TB, c Config) *Result {
	t.Helper()
	r, err := Check(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// indirect tail calls the key that its context tells.
func indirect(t testing.TB) *jit.Program {
	return parse(t, "entry",
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R9, 7),
		asm.LoadMapPtr(asm.R2, 0).WithReference(table),
		asm.LoadMem(asm.R3, asm.R6, 0, asm.Byte),
		asm.FnTailCall.Call(),
		asm.Mov.Reg(asm.R0, asm.R9),
		asm.Return())
}

// loadsOne returns what its context holds, by way of a function whose address it loads.
func loadsOne(t testing.TB) *jit.Program {
	return parse(t, "entry",
		asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: asm.R2, Src: asm.PseudoFunc, Constant: -1}.WithReference("f"),
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Instruction{OpCode: 0x8d, Dst: asm.R2},
		asm.Return(),
		asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord).WithSymbol("f"),
		asm.Return())
}

// returns is what an undisturbed execution by one thread returns.
func (s *system) returns(t testing.TB, x state) uint64 {
	t.Helper()
	g := newWalker(s)
	for range 10_000 {
		y, err := g.step(x, func(m move, _ state, f *fault) bool { return m.actor == 0 && f == nil })
		if err != nil {
			t.Fatal(err)
		}
		if x = y; x[s.wordOf(0)] == s.idle {
			return g.t.Regs[x86.RAX]
		}
	}
	t.Fatal("does not return")
	return 0
}

// leafEnd returns 0.
var leafEnd = []asm.Instruction{asm.Mov.Imm(asm.R0, 0), asm.Return()}

// TestPagesOfTexts: an image begins on a page, whatever the size of the one before it.
func TestPagesOfTexts(t *testing.T) {
	c := direct(t, 1, 1, 2).withDefaults()
	s, err := newSystem(&c)
	if err != nil {
		t.Fatal(err)
	}
	odd := false
	for _, x := range s.texts {
		if x.at%pageSize != 0 {
			t.Errorf("%s lies at %#x", x.name, x.at)
		}
		odd = odd || len(x.img.Code)%2 == 1
	}
	if !odd {
		t.Error("no image has an odd size")
	}
}
