package jit

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
)

// onStacks compiles a translated program with private stacks.
func onStacks(t *testing.T, ends []uint64, insns asm.Instructions) *Image {
	t.Helper()
	p, err := ParseTranslated("test", insns)
	if err != nil {
		t.Fatal(err)
	}
	o := options(&V612)
	o.PrivateStacks = ends
	return mustCompile(t, p, o)
}

// privateEnd is an address that takes eight bytes, as the kernel's do.
const privateEnd = 0x60795bb05b90

// TestPrivateStack has the bytes that Linux 6.18 emits, but for addresses: of a function on a
// private stack, which calls one on the ordinary.
func TestPrivateStack(t *testing.T) {
	insns := concat(asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1), asm.StoreMem(asm.R10, -8, asm.R6, asm.DWord), asm.StoreImm(asm.R10, -64, 5, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R10), asm.StoreMem(asm.R1, -16, asm.R10, asm.DWord), asm.FetchAdd.Mem(asm.R10, asm.R6, asm.DWord, -8),
		kernelFunc(5), asm.LoadMem(asm.R0, asm.R10, -8, asm.Word), asm.JEq.Reg(asm.R6, asm.R10, "out"),
		asm.Call.Label("sub"), asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
	}, asm.Instructions{
		asm.StoreImm(asm.R10, -8, 5, asm.Word).WithSymbol("sub"), asm.Return(),
	})
	img := onStacks(t, []uint64{privateEnd, 0}, insns)
	want := strings.Join([]string{
		"0f1f440000", "0f1f00", "55", "4889e5", // nop5; nop3; push rbp; mov rbp, rsp
		"53",                     // push rbx
		"49b9905bb05b79600000",   // mov r9, end
		"654c030c2500000000",     // add r9, gs:[this_cpu_off]
		"4889fb",                 // mov rbx, rdi
		"498959f8",               // mov [r9-8], rbx
		"41c741c005000000",       // mov dword ptr [r9-64], 5
		"4c89cf",                 // mov rdi, r9
		"4c894ff0",               // mov [rdi-16], r9
		"f0490fc159f8",           // lock xadd [r9-8], rbx
		"4151e8000000004159",     // push r9; call helper; pop r9
		"418b41f8",               // mov eax, [r9-8]
		"4c39cb",                 // cmp rbx, r9
		"7409",                   // je out
		"4151e8070000004159",     // push r9; call sub; pop r9
		"31c0", "5b", "c9", "c3", // xor eax, eax; pop rbx; leave; ret
		"0f1f440000", "0f1f00", "55", "4889e5", "4881ec08000000", // nop5; nop3; push rbp; mov rbp, rsp; sub rsp, 8
		"c745f805000000", "c9", "c3", // mov dword ptr [rbp-8], 5; leave; ret
	}, "")
	if diff := cmp.Diff(want, hex.EncodeToString(img.Code)); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
	if img.Program.Insns[1].Dst != asm.R10 {
		t.Error("the program was changed")
	}
	refs := []Ref{{Kind: RefPrivateStack, Off: 15, Size: 8}, {Kind: RefPerCPU, Off: 28, Size: 4}}
	if diff := cmp.Diff(refs, img.Refs[:2]); diff != "" {
		t.Errorf("operands: want - got:\n%s", diff)
	}
	for _, s := range img.Starts[:7] {
		if !slices.Contains([]Off{0, 5, 8, 9, 12, 13, 23}, s) {
			t.Errorf("an instruction starts at %d", s)
		}
	}
}

// TestPrivateStackRefused has what no kernel gives a private stack.
func TestPrivateStackRefused(t *testing.T) {
	plain := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	tailCall := concat(asm.Instructions{asm.LoadMem(asm.R3, asm.R1, 0, asm.Word),
		asm.LoadMapPtr(asm.R2, 0).WithReference("m"), asm.FnTailCall.Call()}, ret(0))
	for _, tt := range []struct {
		name  string
		parse func(string, asm.Instructions) (*Program, error)
		insns asm.Instructions
		ends  []uint64
		want  string
	}{
		{"a program as written", Parse, plain, []uint64{privateEnd}, errPrivateStack.Error()},
		{"a tail call", ParseTranslated, tailCall, []uint64{privateEnd}, errPrivateStack.Error()},
		{"too many", ParseTranslated, plain, []uint64{privateEnd, 0}, "2 private stacks of 1 functions"},
		{"none, as written", Parse, plain, []uint64{0}, ""},
		{"none, with a tail call", ParseTranslated, tailCall, []uint64{0}, ""},
	} {
		p, err := tt.parse("test", tt.insns)
		if err != nil {
			t.Fatal(err)
		}
		o := options(&V612)
		o.PrivateStacks = tt.ends
		_, err = Compile(p, o)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestCounterWithoutTailCall compiles what is left when a verifier removed the only tail call.
func TestCounterWithoutTailCall(t *testing.T) {
	p, err := ParseTranslated("test", ret(0))
	if err != nil {
		t.Fatal(err)
	}
	o := options(&V612)
	o.TailCallReachable = []bool{true}
	// nop5; xor rax, rax; push rbp; mov rbp, rsp; cmp rax, 33; ja pointer; push rax; mov rax, rsp;
	// jmp owner; pointer: push rax; owner: push rax; xor eax, eax; leave; ret
	const want = "0f1f4400004831c0554889e54883f8217706504889e0eb01505031c0c9c3"
	if got := hex.EncodeToString(mustCompile(t, p, o).Code); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if p.Funcs[0].TailCallReachable {
		t.Error("the program was changed")
	}
	o.TailCallReachable = []bool{true, true}
	if _, err := Compile(p, o); err == nil {
		t.Error("two of one function were accepted")
	}
}
