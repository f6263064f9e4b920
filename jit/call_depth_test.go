package jit

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
)

// callsOfAllKinds calls the kernel twice and a function once, and tail calls in it.
func callsOfAllKinds() asm.Instructions {
	return concat(asm.Instructions{
		kernelFunc(5), kernelFunc(7), asm.Call.Label("sub"), asm.Return(),
		asm.LoadMapPtr(asm.R2, 0).WithReference("m").WithSymbol("sub"), asm.Mov.Imm(asm.R3, 1), asm.FnTailCall.Call()},
		ret(0))
}

// TestCallDepth: the instruction stands right before the call, after the counter of tail calls;
// tail calls have none. Linux 6.12 emits the second form, here without its address.
func TestCallDepth(t *testing.T) {
	const reload, call = "488b85f0ffffff", "e800000000" // mov rax, [rbp-16]; call helper
	for depth, want := range map[CallDepth]string{
		CallDepthNone:     "",
		CallDepthAbsolute: "6548c13c250000000005", // sar qword ptr gs:[depth], 5
		CallDepthRelative: "6548c13d0000000005",   // sar qword ptr gs:[rip+depth], 5
	} {
		p, err := ParseTranslated("test", callsOfAllKinds())
		if err != nil {
			t.Fatal(err)
		}
		l := V613
		l.CallDepth = depth
		o := options(&l)
		o.Uncounted = map[int32]bool{7: true}
		img := mustCompile(t, p, o)
		for i, before := range []string{want, "", reload + want} {
			got, whole := strings.CutPrefix(code(img, i, i), before)
			if i == 2 {
				got, whole = got[:2]+call[2:], whole && got[:2] == call[:2]
			}
			if !whole || got != call {
				t.Errorf("form %d, call %d: %s, want %s before %s", depth, i, code(img, i, i), before, call)
			}
		}
		if want != "" && strings.Count(hex.EncodeToString(img.Code), want) != 2 {
			t.Errorf("form %d: not two of %s in %x", depth, want, img.Code)
		}
		var refs []Ref
		if depth != CallDepthNone { // four bytes of address, and one that follows
			at := Off(len(want)/2 - 5)
			refs = []Ref{{Kind: RefCallDepth, Insn: 0, Off: img.Insns[0] + at, Size: 4},
				{Kind: RefCallDepth, Insn: 2, Off: img.Insns[2] + Off(len(reload)/2) + at, Size: 4}}
		}
		var got []Ref
		for _, r := range img.Refs {
			if r.Kind == RefCallDepth {
				got = append(got, r)
			}
		}
		if diff := cmp.Diff(refs, got); diff != "" {
			t.Errorf("form %d: want - got:\n%s", depth, diff)
		}
	}
}

// TestCallDepthStandIn: what can be run touches no memory of a kernel's CPU. Every offset is as it
// is there.
func TestCallDepthStandIn(t *testing.T) {
	for depth, want := range map[CallDepth]string{
		CallDepthAbsolute: "0f1f440000" + "0f1f440000",
		CallDepthRelative: "0f1f440000" + "6690" + "6690",
	} {
		l := V613
		l.CallDepth = depth
		img := mustCompile(t, mustParse(t, concat(asm.Instructions{asm.FnKtimeGetNs.Call(), asm.Call.Label("sub"), asm.Return(),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("sub"), asm.Return()})), options(&l))
		for i := range 2 {
			if got := code(img, i, i); !strings.HasPrefix(got, want+"e8") || len(got) != len(want)+10 {
				t.Errorf("form %d, call %d: %s, want %s and a call", depth, i, got, want)
			}
		}
		for _, r := range img.Refs {
			if r.Kind == RefCallDepth {
				t.Errorf("form %d: operand %+v", depth, r)
			}
		}
	}
	l, err := LayoutByName("v6.12+ibt+calldepth")
	if err != nil || l.CallDepth != CallDepthRelative || V612.CallDepth != CallDepthNone {
		t.Errorf("%+v, %v", l, err)
	}
}
