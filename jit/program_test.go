package jit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// tailCallTo is the usual code of a tail call, with R1 in place.
func tailCallTo(sym string, key int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R2, 0).WithReference(sym),
		asm.Mov.Imm(asm.R3, key),
		asm.FnTailCall.Call(),
	}
}

func concat(parts ...asm.Instructions) asm.Instructions {
	var all asm.Instructions
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func ret(v int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, v), asm.Return()}
}

func mustParse(t testing.TB, insns asm.Instructions) *Program {
	t.Helper()
	p, err := Parse("test", insns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// loadFunc loads the address of a function.
func loadFunc(dst asm.Register, name string) asm.Instruction {
	return asm.Instruction{OpCode: opLoadImm64, Dst: dst, Src: asm.PseudoFunc, Constant: -1}.WithReference(name)
}

// decode reads raw eight byte units.
func decode(t testing.TB, raw []byte) asm.Instructions {
	t.Helper()
	insns, err := asm.AppendInstructions(nil, bytes.NewReader(raw), binary.LittleEndian, "linux")
	if err != nil {
		t.Fatal(err)
	}
	return insns
}

func TestParseRejects(t *testing.T) {
	exit := asm.Return()
	long := make(asm.Instructions, 0, MaxInsns+2)
	for range MaxInsns {
		long = append(long, asm.Mov.Imm(asm.R0, 0))
	}
	jump := func(off int16) asm.Instruction { return asm.Instruction{OpCode: opJa, Offset: off} }
	for _, tt := range []struct {
		name  string
		insns asm.Instructions
		want  string
	}{
		{"empty", nil, "program without instructions"},
		{"falls off the end", asm.Instructions{asm.Mov.Imm(asm.R0, 1)}, "insn 0 (MovImm dst: r0 imm: 1): function test runs off its end"},
		{"ends in a conditional jump", asm.Instructions{exit, asm.JEq.Imm(asm.R0, 0, "").WithReference("")}, "insn 1"},
		{"jump beyond the end", asm.Instructions{jump(1), exit}, "insn 0 (Ja off: 1): target is outside of the program"},
		{"jump before the start", asm.Instructions{jump(-2), exit}, "insn 0 (Ja off: -2): target is outside of the program"},
		{"jump into a dword load", asm.Instructions{jump(1), asm.LoadImm(asm.R0, 1<<40, asm.DWord), exit}, "target is the second half of insn 1"},
		{"jump to an unknown label", asm.Instructions{asm.Ja.Label("nowhere"), exit}, `symbol "nowhere" is not defined`},
		{"symbol twice", asm.Instructions{exit.WithSymbol("a"), exit.WithSymbol("a")}, `insn 1 (Exit): symbol "a" is defined twice`},
		{"unknown opcode", asm.Instructions{{OpCode: 0xff}, exit}, "unknown opcode"},
		{"call by register with a source", asm.Instructions{{OpCode: 0x8d, Src: 1}, exit}, "source r1 in a reserved field"},
		{"recursion by register", asm.Instructions{asm.Call.Label("sub"), exit,
			loadFunc(asm.R1, "sub").WithSymbol("sub"), {OpCode: opCallX, Dst: asm.R1}, exit}, "calls are more than 8 frames deep"},
		{"packet load of a double word", asm.Instructions{asm.LoadAbs(0, asm.DWord), exit}, "unknown opcode"},
		{"packet load by two registers", asm.Instructions{asm.LoadInd(asm.R1, asm.R2, 0, asm.Word), exit}, "insn 0 (LdIndW dst: r1 src: r2 imm: 0): destination r1 in a reserved field"},
		{"signed move of a constant", asm.Instructions{asm.MovSX8.Imm(asm.R0, 2), exit}, "unknown opcode"},
		{"signed move of 32 bits to 32", asm.Instructions{asm.MovSX32.Reg32(asm.R0, asm.R1), exit}, "unknown opcode"},
		{"signed load of 64 bits", asm.Instructions{{OpCode: asm.LoadMemSXOp(asm.DWord)}, exit}, "unknown opcode"},
		{"per CPU address", asm.Instructions{{OpCode: asm.Mov.Op(asm.RegSource), Offset: -1}, exit}, "offset -1 in a reserved field"},
		{"atomic byte", asm.Instructions{{OpCode: asm.AddAtomic.OpCode(asm.Word).SetSize(asm.Byte)}, exit}, "unknown opcode"},
		{"reserved offset", asm.Instructions{{OpCode: asm.Add.Op(asm.ImmSource), Offset: 3}, exit}, "offset 3 in a reserved field"},
		{"swap of 24 bits", asm.Instructions{{OpCode: 0xdc, Constant: 24}, exit}, "swap of 24 bits"},
		{"call of kind 3", asm.Instructions{{OpCode: opCall, Src: 3}, exit}, "call of kind 3 is not supported"},
		{"address of a variable of the kernel", asm.Instructions{{OpCode: opLoadImm64, Src: 3}, exit}, "pseudo load 3 is not supported"},
		{"function pointer outside", asm.Instructions{{OpCode: opLoadImm64, Src: asm.PseudoFunc, Constant: 9}, exit}, "target is outside of the program"},
		{"register 11", asm.Instructions{{OpCode: asm.Mov.Op(asm.RegSource), Src: 11}, exit}, "no register r11"},
		{"write to the frame pointer", asm.Instructions{asm.Mov.Imm(asm.R10, 0), exit}, "insn 0 (MovImm dst: rfp imm: 0): the frame pointer cannot be written"},
		{"fetch into the frame pointer", asm.Instructions{asm.FetchAdd.Mem(asm.R1, asm.R10, asm.DWord, 0), exit}, "the frame pointer cannot be written"},
		{"depth by two ways", deep(6), "calls are more than 8 frames deep"},
		{"call outside", asm.Instructions{{OpCode: opCall, Src: asm.PseudoCall, Constant: 7}, exit}, "target is outside of the program"},
		{"jump into another function", concat(asm.Instructions{asm.Call.Label("sub"), jump(0), exit.WithSymbol("sub")}), "insn 1 (Ja off: 0): jump leaves function test"},
		{"recursion", asm.Instructions{asm.Call.Label("sub"), exit, asm.Call.Label("sub").WithSymbol("sub"), exit}, "insn 2 (Call -1 <sub>): calls are more than 8 frames deep"},
		{"frame of 513", asm.Instructions{asm.StoreMem(asm.R10, -513, asm.R1, asm.Byte), exit}, "access of 1 bytes at -513 is outside of the stack of 512 bytes"},
		{"above the frame", asm.Instructions{asm.StoreMem(asm.R10, -4, asm.R1, asm.DWord), exit}, "access of 8 bytes at -4"},
		{"frame of 520 by a copy", asm.Instructions{asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -512), asm.StoreMem(asm.R2, -8, asm.R1, asm.DWord), exit}, "insn 2"},
		{"too long", append(long, exit), "program exceeds 65536 instructions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("test", tt.insns)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if p != nil {
				t.Error("a program came with the error")
			}
		})
	}
}

// deep calls a chain of functions, and then the same chain from another one; n functions above the
// last. So the second walk is one frame deeper than the first, and it knows how deep the chain is.
func deep(n int) asm.Instructions {
	insns := asm.Instructions{asm.Call.Label("chain0"), asm.Call.Label("other"), asm.Mov.Imm(asm.R0, 0), asm.Return()}
	for i := range n {
		insns = append(insns, asm.Call.Label(fmt.Sprintf("chain%d", i+1)).WithSymbol(fmt.Sprintf("chain%d", i)), asm.Return())
	}
	last := ret(0)
	last[0] = last[0].WithSymbol(fmt.Sprintf("chain%d", n))
	return concat(insns, last, asm.Instructions{asm.Call.Label("chain0").WithSymbol("other"), asm.Return()})
}

// TestParseAccepts: what looks like something that is refused, and is not.
func TestParseAccepts(t *testing.T) {
	for name, insns := range map[string]asm.Instructions{
		"depth by two ways":                   deep(5),
		"the frame pointer is added":          concat(asm.Instructions{asm.AddAtomic.Mem(asm.R1, asm.R10, asm.DWord, 0)}, ret(0)),
		"the frame pointer is a store's":      concat(asm.Instructions{asm.StoreMem(asm.R1, 0, asm.R10, asm.DWord)}, ret(0)),
		"the frame pointer is exchanged with": concat(asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.CmpXchg.Mem(asm.R1, asm.R10, asm.DWord, 0)}, ret(0)),
	} {
		if _, err := Parse("test", insns); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFunctionsFromSymbolsAndFromDistances(t *testing.T) {
	insns := concat(
		asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("entry"),
			asm.LoadImm(asm.R2, 1<<40, asm.DWord), // two units: distances count them
			asm.JEq.Imm(asm.R6, 0, "out"),
			asm.Call.Label("sub"),
			asm.Return().WithSymbol("out"),
			asm.Mov.Reg(asm.R9, asm.R1).WithSymbol("sub"),
			asm.StoreImm(asm.R10, -12, 1, asm.Word),
		},
		tailCallTo("m", 3), ret(1))
	var raw bytes.Buffer
	// Marshal resolves references in place; it gets a copy.
	if err := append(asm.Instructions(nil), insns...).Marshal(&raw, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]asm.Instructions{"symbols": insns, "distances": decode(t, raw.Bytes())} {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, in)
			if len(p.Funcs) != 2 {
				t.Fatalf("%d functions, want 2", len(p.Funcs))
			}
			entry, sub := p.Funcs[0], p.Funcs[1]
			if entry.First != 0 || entry.Len != 5 || sub.First != 5 || sub.Len != 7 {
				t.Errorf("functions %+v", p.Funcs)
			}
			if entry.CalleeRegs != [4]bool{true} || sub.CalleeRegs != [4]bool{3: true} {
				t.Errorf("registers %v and %v", entry.CalleeRegs, sub.CalleeRegs)
			}
			if entry.StackDepth != 0 || sub.StackDepth != 12 {
				t.Errorf("stacks %d and %d, want 0 and 12", entry.StackDepth, sub.StackDepth)
			}
			if entry.HasTailCall || !entry.TailCallReachable || !sub.HasTailCall || !sub.TailCallReachable {
				t.Errorf("tail calls of %+v", p.Funcs)
			}
			if to, ok := p.Target(2); !ok || to != 4 {
				t.Errorf("Target(2) = %d, %t", to, ok)
			}
			if fn, ok := p.Callee(3); !ok || fn != 1 {
				t.Errorf("Callee(3) = %d, %t", fn, ok)
			}
			if name == "symbols" && (entry.Name != "entry" || sub.Name != "sub") {
				t.Errorf("names %q and %q", entry.Name, sub.Name)
			}
		})
	}
	if insns[2].Offset != -1 || insns[3].Constant != -1 {
		t.Error("the caller's instructions were changed")
	}
}

func TestConstantArguments(t *testing.T) {
	m := asm.LoadMapPtr(asm.R2, 0).WithReference("m")
	other := asm.LoadMapPtr(asm.R2, 0).WithReference("other")
	for _, tt := range []struct {
		name  string
		insns asm.Instructions
		want  TailCall
	}{
		{"plain", asm.Instructions{m, asm.Mov.Imm(asm.R3, 5)},
			TailCall{Map: "m", Key: 5, Const: true}},
		{"32 bit move", asm.Instructions{m, asm.Mov.Imm32(asm.R3, 5)},
			TailCall{Map: "m", Key: 5, Const: true}},
		{"by way of other registers", asm.Instructions{
			asm.LoadMapPtr(asm.R7, 0).WithReference("m"), asm.Mov.Imm(asm.R4, 1), asm.LSh.Imm(asm.R5, 1),
			asm.Add.Imm(asm.R4, 2), asm.Mov.Reg(asm.R3, asm.R4), asm.Mov.Reg(asm.R2, asm.R7)},
			TailCall{Map: "m", Key: 3, Const: true}},
		{"key from memory", asm.Instructions{m, asm.LoadMem(asm.R3, asm.R1, 0, asm.Word)},
			TailCall{Map: "m"}},
		{"key -1", asm.Instructions{m, asm.Mov.Imm(asm.R3, -1)}, TailCall{Map: "m"}},
		{"key above 32 bits", asm.Instructions{m, asm.LoadImm(asm.R3, 1<<32, asm.DWord)}, TailCall{Map: "m"}},
		{"same key on two paths", asm.Instructions{
			m, asm.Mov.Imm(asm.R3, 2), asm.JEq.Imm(asm.R1, 0, "call"), asm.Mov.Imm(asm.R3, 2)},
			TailCall{Map: "m", Key: 2, Const: true}},
		{"keys that differ", asm.Instructions{
			m, asm.Mov.Imm(asm.R3, 0), asm.JEq.Imm(asm.R1, 0, "call"), asm.Mov.Imm(asm.R3, 2)},
			TailCall{Map: "m"}},
		{"maps that differ", asm.Instructions{
			asm.Mov.Imm(asm.R3, 0), m, asm.JEq.Imm(asm.R1, 0, "call"), other},
			TailCall{}},
		{"no map on one path", asm.Instructions{
			asm.Mov.Imm(asm.R3, 0), asm.JEq.Imm(asm.R1, 0, "call"), m}, TailCall{}},
		{"key of a loop", asm.Instructions{
			m, asm.Mov.Imm(asm.R3, 0), asm.Add.Imm(asm.R3, 1).WithSymbol("again"),
			asm.JLT.Imm(asm.R3, 3, "again")},
			TailCall{Map: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			insns := concat(tt.insns, asm.Instructions{asm.FnTailCall.Call().WithSymbol("call")}, ret(0))
			p := mustParse(t, insns)
			tt.want.Insn = len(tt.insns)
			if len(p.TailCalls) != 1 || p.TailCalls[0] != tt.want {
				t.Errorf("tail calls %+v, want %+v", p.TailCalls, tt.want)
			}
		})
	}
}

// TestCallsClobberRegisters: a call of any kind, or a load from the packet, leaves nothing known of
// R0 to R5, and all of the others.
func TestCallsClobberRegisters(t *testing.T) {
	sub := asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("sub"), asm.Return()}
	for _, call := range []asm.Instructions{
		{asm.Call.Label("sub")},
		{asm.FnKtimeGetNs.Call()},
		{loadFunc(asm.R1, "sub"), {OpCode: opCallX, Dst: asm.R1}},
		{asm.LoadAbs(0, asm.Word)},
	} {
		for r := asm.R0; r <= asm.R9; r++ {
			known := func(before asm.Instruction, after ...asm.Instruction) TailCall {
				return mustParse(t, concat(asm.Instructions{before}, call, after, asm.Instructions{asm.FnTailCall.Call()}, ret(0), sub)).TailCalls[0]
			}
			usual := tailCallTo("m", 1)
			key := known(asm.Mov.Imm(r, 7), asm.Mov.Reg(asm.R3, r), usual[0])
			array := known(asm.LoadMapPtr(r, 0).WithReference("m"), asm.Mov.Reg(asm.R2, r), usual[1])
			keeps := r >= asm.R6
			if key.Const != keeps || keeps && key.Key != 7 || (array.Map == "m") != keeps {
				t.Errorf("%v after %v: key %+v, map %+v", r, call[len(call)-1], key, array)
			}
		}
	}
}

func TestStackDepth(t *testing.T) {
	for _, tt := range []struct {
		name  string
		insns asm.Instructions
		want  int
	}{
		{"none", nil, 0},
		{"a byte", asm.Instructions{asm.StoreMem(asm.R10, -1, asm.R1, asm.Byte)}, 1},
		{"deepest access", asm.Instructions{
			asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord), asm.StoreMem(asm.R10, -24, asm.R1, asm.DWord)}, 24},
		{"by a copy", asm.Instructions{
			asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -16), asm.StoreMem(asm.R2, -4, asm.R1, asm.Word)}, 20},
		{"an address made", asm.Instructions{asm.Mov.Reg(asm.R2, asm.R10), asm.Sub.Imm(asm.R2, 40)}, 40},
		{"an address with a variable in it", asm.Instructions{
			asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Reg(asm.R2, asm.R1)}, MaxStack},
		{"a variable plus an address", asm.Instructions{
			asm.Mov.Reg(asm.R2, asm.R1), asm.Add.Reg(asm.R2, asm.R10)}, MaxStack},
		{"half an address", asm.Instructions{
			asm.Mov.Reg(asm.R2, asm.R10), asm.Mov.Reg32(asm.R2, asm.R1)}, 0},
		{"unreachable", asm.Instructions{
			asm.Ja.Label("out"), asm.StoreMem(asm.R10, -32, asm.R1, asm.DWord), asm.Mov.Imm(asm.R0, 0).WithSymbol("out")}, 32},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustParse(t, concat(tt.insns, ret(0))).Funcs[0].StackDepth; got != tt.want {
				t.Errorf("depth %d, want %d", got, tt.want)
			}
		})
	}
}

func TestUnreachableCodeIsAccepted(t *testing.T) {
	mustParse(t, concat(ret(0), tailCallTo("m", 0), ret(1)))
}
