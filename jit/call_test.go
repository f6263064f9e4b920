package jit

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
)

func callX(r asm.Register) asm.Instruction { return asm.Instruction{OpCode: opCallX, Dst: r} }

// pointers calls a function through a register.
func pointers(t testing.TB, r asm.Register) *Program {
	t.Helper()
	return mustParse(t, concat(
		asm.Instructions{loadFunc(r, "sub"), callX(r), asm.Return(), asm.Mov.Reg(asm.R9, asm.R1).WithSymbol("sub")},
		tailCallTo("m", 0), ret(3)))
}

func TestCallThroughRegister(t *testing.T) {
	for r, want := range map[asm.Register]string{
		asm.R1: "488b85f0ffffff" + "ffd7",              // mov rax, [rbp-16]; call rdi
		asm.R7: "488b85f0ffffff" + "41ffd5",            // ...; call r13
		asm.R0: "4989c3" + "488b85f0ffffff" + "41ffd3", // mov r11, rax; ...; call r11
	} {
		img := mustCompile(t, pointers(t, r), options(&V612))
		if got := code(img, 1, 1); got != want {
			t.Errorf("call %v: %s, want %s", r, got, want)
		}
	}
	p := pointers(t, asm.R1)
	if !p.Funcs[0].TailCallReachable {
		t.Error("the tail call is not seen through the register")
	}
	if fn, ok := p.Loaded(0); !ok || fn != 1 {
		t.Errorf("Loaded(0) = %d, %t", fn, ok)
	}
}

func TestAddressesOfFunctions(t *testing.T) {
	p := pointers(t, asm.R7)
	img := mustCompile(t, p, options(&V612))
	sub := img.Funcs[1].Off - img.Insns[1]
	if got, want := code(img, 0, 0), "4c8d2d"+hex.EncodeToString([]byte{byte(sub), 0, 0, 0}); got != want {
		t.Errorf("relative: %s, want %s", got, want) // lea r13, [rip+sub]
	}
	o := options(&V612)
	for addr, want := range map[uint64]string{
		0xffffffffc0001234: "49c7c5341200c0",       // as the kernel's own
		0x7fff00001234:     "49bd34120000ff7f0000", // anywhere else
	} {
		o.FuncAddrs = []uint64{0x1000, addr}
		img := mustCompile(t, p, o)
		if got := code(img, 0, 0); got != want {
			t.Errorf("at %#x: %s, want %s", addr, got, want)
		}
	}
	o.FuncAddrs = o.FuncAddrs[:1]
	if _, err := Compile(p, o); err == nil || !strings.Contains(err.Error(), "1 addresses of 2 functions") {
		t.Errorf("error %v", err)
	}
}

// kernelFunc calls a function of the kernel, as translated programs do.
func kernelFunc(distance int64) asm.Instruction {
	return asm.Instruction{OpCode: opCall, Constant: distance}
}

// TestTranslated has what only programs have that went through the verifier, and what is
// compiled differently there.
func TestTranslated(t *testing.T) {
	perCPU := asm.Instruction{OpCode: asm.Mov.Op(asm.RegSource), Dst: asm.R1, Src: asm.R0, Offset: -1}
	for _, tt := range []struct {
		ins  asm.Instruction
		want string
	}{
		{kernelFunc(0x12345), "e800000000"},
		{asm.Instruction{OpCode: opCall, Src: asm.PseudoKfuncCall, Constant: 7}, "e800000000"},
		{perCPU, "4889c7" + "6548033c2500000000"},
		{asm.Mov.Reg(regAX, asm.R3), "4989d2"},
		{asm.Div.Reg(asm.R0, asm.R4), "5231d248f7f15a"},
		{asm.SMod.Reg32(asm.R0, asm.R4), "5299f7f989d05a"},
		{asm.SDiv.Imm(asm.R0, -1), "5249c7c3ffffffff489949f7fb5a"},
		{asm.CmpXchg.Mem(asm.R1, asm.R2, asm.Word, 0), "f00fb17700"},
	} {
		p, err := ParseTranslated("test", asm.Instructions{tt.ins, asm.Return()})
		if err != nil {
			t.Errorf("%v: %v", tt.ins, err)
			continue
		}
		img := mustCompile(t, p, options(&V612))
		if got := code(img, 0, 0); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.ins, got, tt.want)
		}
	}
	for _, ins := range []asm.Instruction{perCPU, asm.Mov.Reg(regAX, asm.R3)} {
		if _, err := Parse("test", asm.Instructions{ins, asm.Return()}); err == nil {
			t.Errorf("%v was accepted in a program as written", ins)
		}
	}
}

// TestRefs has every kind of operand that is an address, but the one of TestPrivateStack.
func TestRefs(t *testing.T) {
	value := asm.LoadMapValue(asm.R8, 0, 24).WithReference("m")
	p, err := ParseTranslated("test", concat(
		asm.Instructions{loadFunc(asm.R7, "sub"), value, kernelFunc(5), asm.Call.Label("sub"),
			{OpCode: asm.Mov.Op(asm.RegSource), Dst: asm.R0, Src: asm.R0, Offset: -1},
			asm.LoadMem(asm.R3, asm.R1, 0, asm.Word), asm.LoadMapPtr(asm.R2, 0).WithReference("m"), asm.FnTailCall.Call()},
		ret(0), asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("sub"), asm.Return()}))
	if err != nil {
		t.Fatal(err)
	}
	o := leaving(&V612, Forms{Return: ReturnThunk, Jump: JumpThunk})
	img := mustCompile(t, p, o)
	var kinds []RefKind
	for _, r := range img.Refs {
		kinds = append(kinds, r.Kind)
		if end := r.Off + Off(r.Size); end > img.Insns[r.Insn+1] || r.Off < img.Insns[r.Insn] ||
			!slices.Contains(append(img.Starts, Off(len(img.Code))), end) {
			t.Errorf("operand %+v does not end an instruction of its own", r)
		}
	}
	want := []RefKind{RefFuncAddr, RefMapValue, RefHelper, RefFunc, RefPerCPU, RefMap, RefJumpThunk, RefReturnThunk, RefReturnThunk}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}
