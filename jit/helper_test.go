package jit

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
)

// arrayOptions has an array of values m, of the given stride.
func arrayOptions(l *Layout, stride uint32) Options {
	return Options{Layout: l, Maps: map[string]MapInfo{
		"m": {Addr: testMap, MaxEntries: 4, Values: testMap + uint64(l.ArrayPtrs), Stride: stride},
	}}
}

func lookup(sym string) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, 0).WithReference(sym),
		asm.FnMapLookupElem.Call(), asm.Return(),
	}
}

// insnHex is the machine code of one instruction of the program.
func insnHex(img *Image, i int) string {
	return hex.EncodeToString(img.Code[img.Insns[i]:img.Insns[i+1]])
}

// TestLookupIsInlined has the sequence that a verifier puts in place of a lookup, as the
// running kernel compiles it; TestExpansions of stress/identity asks the kernel itself.
func TestLookupIsInlined(t *testing.T) {
	p := mustParse(t, lookup("m"))
	for stride, scale := range map[uint32]string{8: "48c1e003", 24: "486bc018"} {
		img := mustCompile(t, p, arrayOptions(&V612, stride))
		want := "4881c738010000" + "8b4600" + "4883f804" + "7309" + scale + "4801f8" + "eb02" + "31c0"
		if got := insnHex(img, 3); got != want {
			t.Errorf("stride %d: %s, want %s", stride, got, want)
		}
	}
	img := mustCompile(t, p, options(&V612)) // nothing is known of the values
	if got := insnHex(img, 3); got != "e800000000" {
		t.Errorf("lookup in another map: %s, want a call", got)
	}
}

// TestLegacyLoads has the loads from the packet: as the verifier of the kernel rewrites them.
func TestLegacyLoads(t *testing.T) {
	p := mustParse(t, asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadAbs(12, asm.Half), asm.LoadInd(asm.R0, asm.R7, 1, asm.Byte), asm.LoadInd(asm.R0, asm.R2, 0, asm.Word),
		asm.Return(),
	})
	if p.Funcs[0].CalleeRegs != [4]bool{true, true} {
		t.Error("R6 or R7 is not saved")
	}
	img := mustCompile(t, p, options(&V612))
	for i, want := range []string{
		"be0c000000" + "4889df" + "e800000000" + "4885c0" + "7d07" + "31c0" + "415d5bc9c3",
		"4c89ee" + "4883c601" + "4889df" + "e800000000" + "4885c0" + "7d04" + "31c0",
		"4889df" + "e800000000" + "4885c0" + "7d04" + "31c0",
	} {
		if got := insnHex(img, 1+i); !strings.HasPrefix(got, want) {
			t.Errorf("insn %d: %s, want %s...", 1+i, got, want)
		}
	}
	want := []HelperCall{{1, 0, LoadPacket16, ""}, {2, 0, LoadPacket8, ""}, {3, 0, LoadPacket32, ""}}
	if diff := cmp.Diff(want, p.Calls); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}

// TestReloadBeforeHelper: layouts up to v6.12 bring the counter to helpers too.
func TestReloadBeforeHelper(t *testing.T) {
	p := mustParse(t, concat(asm.Instructions{asm.FnKtimeGetNs.Call(), asm.Mov.Reg(asm.R6, asm.R1)}, tailCallTo("m", 1), ret(0)))
	for l, want := range map[*Layout]string{
		&SeedLayout: "e800000000", &V510: "488b85f8ffffff" + "e800000000", &V612: "488b85f0ffffff" + "e800000000", &V613: "e800000000",
	} {
		if got := insnHex(mustCompile(t, p, options(l)), 0); got != want {
			t.Errorf("%s: %s, want %s", l.Name, got, want)
		}
	}
}

// TestHelperRefs: every call of a helper is listed with the helper that it calls, and left open.
func TestHelperRefs(t *testing.T) {
	p := mustParse(t, concat(asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1), asm.FnKtimeGetNs.Call(), asm.LoadAbs(0, asm.Byte), asm.FnGetPrandomU32.Call()}, ret(0)))
	img := mustCompile(t, p, options(&V612))
	if len(img.Refs) != 3 {
		t.Fatalf("%d references: %+v", len(img.Refs), img.Refs)
	}
	for n, h := range []Helper{KtimeGetNs, LoadPacket8, GetPrandomU32} {
		r := img.Refs[n]
		if r.Kind != RefHelper || r.Helper != h || r.Size != 4 || binary.LittleEndian.Uint32(img.Code[r.Off:]) != 0 || img.Code[r.Off-1] != 0xe8 {
			t.Errorf("reference %d is %+v, want an open call of %v", n, r, h)
		}
	}
}

// TestValueAddress: only an array has values whose addresses a program may hold from the start.
func TestValueAddress(t *testing.T) {
	p := mustParse(t, concat(asm.Instructions{asm.LoadMapValue(asm.R1, 0, 8).WithReference("m")}, ret(0)))
	mustCompile(t, p, arrayOptions(&V612, 16))
	o := Options{Layout: &V612, Maps: map[string]MapInfo{"m": {Addr: testMap, MaxEntries: 4}}}
	if _, err := Compile(p, o); err == nil || !strings.Contains(err.Error(), `insn 0 (LoadMapValue dst: r1, fd: 0 off: 8 <m>): map "m" is no array of values`) {
		t.Errorf("error %v", err)
	}
}

// TestForeignCalls: what a program calls outside of itself is an operand like others: a helper of the
// UAPI, or a function of a kernel.
func TestForeignCalls(t *testing.T) {
	for _, tt := range []struct {
		call asm.Instruction
		is   Helper
	}{
		{asm.FnSkbStoreBytes.Call(), Helper(asm.FnSkbStoreBytes)},
		{asm.FnCgrpStorageDelete.Call(), 211},
		{asm.Instruction{OpCode: opCall, Constant: 212}, KernelFunction},
		{asm.Instruction{OpCode: opCall, Constant: 0xbad2310}, KernelFunction},
		{asm.Instruction{OpCode: opCall, Constant: 1<<16 + 1}, KernelFunction},
		{asm.Instruction{OpCode: opCall, Src: asm.PseudoKfuncCall, Constant: int64(MapLookupElem)}, KernelFunction},
		{asm.Instruction{OpCode: opCall, Src: asm.PseudoKfuncCall, Constant: -1}.WithReference("bpf_iter_num_next"), KernelNext},
	} {
		p := mustParse(t, concat(tailCallTo("m", 3), asm.Instructions{tt.call, asm.Return()}))
		if len(p.TailCalls) != 1 || p.TailCalls[0].Key != 3 || !p.TailCalls[0].Const {
			t.Errorf("%v: tail calls %+v", tt.call, p.TailCalls)
		}
		img, err := Compile(p, options(&V612))
		switch {
		case err != nil:
			t.Errorf("%v: %v", tt.call, err)
		case !slices.ContainsFunc(img.Refs, func(r Ref) bool { return r.Kind == RefHelper && r.Helper == tt.is }):
			t.Errorf("%v: operands %+v", tt.call, img.Refs)
		}
	}
}

// TestHelpersAreListed: each helper once, and none that is no helper. Tail calls are the compiler's own.
func TestHelpersAreListed(t *testing.T) {
	seen := map[Helper]bool{}
	for _, h := range Helpers() {
		if seen[h] || h == 0 || h == Helper(asm.FnTailCall) {
			t.Errorf("%v is listed", h)
		}
		seen[h] = true
	}
	for h, want := range map[Helper]string{
		KernelFunction: "kernel_function", KernelNext: "kernel_function_next", LoadPacket16: "load_packet_16",
		Helper(asm.FnMapLookupElem): "bpf_map_lookup_elem",
	} {
		if !seen[h] || h.String() != want {
			t.Errorf("%v: listed %v, want %s", h, seen[h], want)
		}
	}
}
