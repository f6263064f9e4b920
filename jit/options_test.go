package jit

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
)

// twoFunctions has a tail call of a known key, one of another key, and a function that makes none.
func twoFunctions(t testing.TB) *Program {
	return mustParse(t, concat(
		asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}, tailCallTo("m", 1),
		asm.Instructions{asm.Mov.Reg(asm.R1, asm.R6)}, tailCallTo("m", 2),
		asm.Instructions{asm.Call.Label("sub"), asm.Return(), asm.Mov.Imm(asm.R0, 7).WithSymbol("sub"), asm.Return()}))
}

// TestWhatAVerifierDecided: depths of stacks and kinds of sites that are given go before what was
// found, each for its own function and tail call.
func TestWhatAVerifierDecided(t *testing.T) {
	p := twoFunctions(t)
	found := mustCompile(t, p, options(&V612))
	if !found.Sites[0].Direct || !found.Sites[1].Direct {
		t.Fatalf("sites %+v", found.Sites)
	}
	o := options(&V612)
	o.Direct = []bool{false, true}
	img := mustCompile(t, p, o)
	if img.Sites[0].Direct || !img.Sites[1].Direct || img.Sites[1].Key != 2 {
		t.Errorf("sites %+v", img.Sites)
	}
	o = options(&V612)
	o.StackDepths = []int{20, 0} // rounded up to 24
	img = mustCompile(t, p, o)
	const sub24 = "4881ec18000000"
	for i, want := range []bool{true, false} {
		f := img.Funcs[i]
		if got := strings.Contains(hex.EncodeToString(img.Code[f.Off:f.Off+f.Size]), sub24); got != want {
			t.Errorf("function %d has a stack of 24 bytes: %v", i, got)
		}
	}
}

// TestOptionsFitTheProgram has lists of other lengths than the program's.
func TestOptionsFitTheProgram(t *testing.T) {
	p := twoFunctions(t)
	for want, set := range map[string]func(o *Options){
		"compile: no layout":                                     func(o *Options) { o.Layout = nil },
		"compile: no layout.":                                    func(o *Options) { o.Layout = &Layout{Name: "mine"} },
		"compile: 1 addresses of 2 functions":                    func(o *Options) { o.FuncAddrs = []uint64{1} },
		"compile: 3 stack depths of 2 functions":                 func(o *Options) { o.StackDepths = make([]int, 3) },
		"compile: 0 counters of 2 functions":                     func(o *Options) { o.TailCallReachable = []bool{} },
		"compile: kinds of 1 tail calls, there are 2":            func(o *Options) { o.Direct = []bool{true} },
		"compile: 1 private stacks of 2 functions":               func(o *Options) { o.PrivateStacks = []uint64{0} },
		`insn 1 (LoadMapPtr dst: r2 fd: 0 <m>): unknown map "m"`: func(o *Options) { o.Maps = nil },
	} {
		o := options(&V612)
		set(&o)
		if _, err := Compile(p, o); err == nil || err.Error() != strings.TrimSuffix(want, ".") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, set := range []func(o *Options){
		func(o *Options) { o.FuncAddrs = []uint64{1, 2} },
		func(o *Options) { o.TailCallReachable = []bool{true, true} },
		func(o *Options) { o.PrivateStacks = []uint64{0, 0} },
	} {
		o := options(&V612)
		set(&o)
		if _, err := Compile(p, o); err != nil {
			t.Error(err)
		}
	}
}

// TestSizesOfAddresses: the operand of a map's address is as long as it must be, and none if the
// address is null.
func TestSizesOfAddresses(t *testing.T) {
	p := mustParse(t, concat(asm.Instructions{asm.LoadMapPtr(asm.R1, 0).WithReference("m")}, ret(0)))
	for addr, want := range map[uint64][]Ref{
		0:                 nil,
		1:                 {{Kind: RefMap, Size: 4}},
		1<<32 - 1:         {{Kind: RefMap, Size: 4}},
		1 << 32:           {{Kind: RefMap, Size: 8}},
		1<<64 - 1<<31:     {{Kind: RefMap, Size: 4}},
		1<<64 - 1<<31 - 1: {{Kind: RefMap, Size: 8}},
		1<<63 | 1:         {{Kind: RefMap, Size: 8}},
	} {
		o := options(&V612)
		o.Maps = map[string]MapInfo{"m": {Addr: addr, MaxEntries: 4}}
		img := mustCompile(t, p, o)
		for i := range want {
			want[i].Off = img.Insns[1] - Off(want[i].Size)
		}
		if diff := cmp.Diff(want, img.Refs); diff != "" {
			t.Errorf("%#x: want - got:\n%s", addr, diff)
		}
	}
}

// TestFetchThroughR0 has the address, the operand, or both in R0, which waits in r10 meanwhile.
func TestFetchThroughR0(t *testing.T) {
	for ins, want := range map[asm.Instruction]string{
		asm.FetchOr.Mem(asm.R0, asm.R2, asm.DWord, 0): "4989c2498b4200" + "4989c34909f3" + "f04d0fb15a0075ee" + "4889c64c89d0",
		asm.FetchAnd.Mem(asm.R0, asm.R0, asm.Word, 4): "4989c2418b4204" + "4189c34521d3" + "f0450fb15a0475ee" + "4189c24c89d0",
	} {
		p := mustParse(t, concat(asm.Instructions{asm.Mov.Reg(asm.R0, asm.R1), ins}, ret(0)))
		if got := insnHex(mustCompile(t, p, options(&V612)), 1); got != want {
			t.Errorf("%v: %s, want %s", ins, got, want)
		}
	}
}

// TestJoinedFrames: of two addresses in the frame on two paths it is known that they are in it,
// so that what is computed from them needs the whole stack.
func TestJoinedFrames(t *testing.T) {
	two := func(second asm.Instruction, then ...asm.Instruction) *Program {
		return mustParse(t, concat(asm.Instructions{
			asm.Mov.Reg(asm.R2, asm.R10), asm.JEq.Imm(asm.R1, 0, "on"), second,
			asm.Mov.Imm(asm.R0, 0).WithSymbol("on"),
		}, then, ret(0)))
	}
	for name, tt := range map[string]struct {
		p    *Program
		want int
	}{
		"made from either":     {two(asm.Add.Imm(asm.R2, -8), asm.Mov.Reg(asm.R3, asm.R2)), MaxStack},
		"no address on one":    {two(asm.Mov.Imm(asm.R2, 0), asm.Mov.Reg(asm.R3, asm.R2)), 0},
		"masked":               {two(asm.Mov.Reg(asm.R2, asm.R10), asm.And.Imm(asm.R2, -16)), MaxStack},
		"multiplied":           {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Mul.Imm(asm.R2, 2)), 0},
		"the same on both":     {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -24)), 24},
		"subtracted":           {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Sub.Imm(asm.R2, 40)), 40},
		"the lowest byte":      {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -MaxStack)), MaxStack},
		"below the stack":      {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -MaxStack-1)), 0},
		"half an address":      {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm32(asm.R2, -8)), 0},
		"a number and a frame": {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Mov.Imm(asm.R3, -16), asm.Add.Reg(asm.R3, asm.R2)), 16},
		"of a frame, a frame":  {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Mov.Imm(asm.R3, -16), asm.Sub.Reg(asm.R3, asm.R2)), 0},
		"two frames":           {two(asm.Mov.Reg(asm.R2, asm.R10), asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Reg(asm.R3, asm.R2)), 0},
	} {
		if got := tt.p.Funcs[0].StackDepth; got != tt.want {
			t.Errorf("%s: a stack of %d bytes, want %d", name, got, tt.want)
		}
	}
}

// TestFoldedKeys computes keys from constants, in 64 and in 32 bits. What is more than 32 bits
// is no key that a program could mean, and rarer operations are not folded.
func TestFoldedKeys(t *testing.T) {
	const unknown = 1 << 40
	for _, tt := range []struct {
		op         asm.ALUOp
		x          int64
		y          int32
		wide, half uint64 // the key, or unknown
	}{
		{asm.Add, 5, 3, 8, 8},
		{asm.Sub, 5, 3, 2, 2},
		{asm.And, 6, 3, 2, 2},
		{asm.Or, 6, 3, 7, 7},
		{asm.Xor, 6, 3, 5, 5},
		{asm.Mul, 6, 3, unknown, unknown},
		{asm.Add, 1<<32 - 2, 3, unknown, 1},
		{asm.Sub, 1, 3, unknown, 1<<32 - 2},
		{asm.Or, 1 << 32, 3, unknown, 3},
		{asm.Xor, 0, -1, unknown, 1<<32 - 1},
		{asm.And, 1<<33 | 9, -1, unknown, 9},
		{asm.Add, 1<<32 - 1, 1, unknown, 0},
		{asm.Sub, 1 << 32, 1, 1<<32 - 1, 1<<32 - 1},
	} {
		for want, ins := range map[uint64]asm.Instruction{tt.wide: tt.op.Imm(asm.R3, tt.y), tt.half | 1<<50: tt.op.Imm32(asm.R3, tt.y)} {
			p := mustParse(t, concat(asm.Instructions{
				asm.LoadMapPtr(asm.R2, 0).WithReference("m"), asm.LoadImm(asm.R3, tt.x, asm.DWord), ins, asm.FnTailCall.Call()}, ret(0)))
			want &^= 1 << 50
			got := p.TailCalls[0]
			if got.Const != (want != unknown) || got.Const && uint64(got.Key) != want {
				t.Errorf("%v of %#x: %+v, want key %#x", ins, tt.x, got, want)
			}
		}
	}
}

func TestNamesOfHelpers(t *testing.T) {
	for h, want := range map[Helper]string{
		MapLookupElem: "bpf_map_lookup_elem", KtimeGetNs: "bpf_ktime_get_ns", GetSmpProcessorID: "bpf_get_smp_processor_id",
		LoadPacket8: "load_packet_8", LoadPacket16: "load_packet_16", LoadPacket32: "load_packet_32",
	} {
		if got := h.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestSlots: a direct site's slots are where the compiler put the jump over it and the nop.
func TestSlots(t *testing.T) {
	o := options(&V510)
	o.Direct = []bool{true, false}
	img := mustCompile(t, twoFunctions(t), o)
	s := img.Sites[0]
	if diff := cmp.Diff([]Slot{{Off: s.TailcallBypass, Out: s.BypassAddr}, {Off: s.TailcallTarget}}, s.Slots()); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
	if slots := img.Sites[1].Slots(); slots != nil {
		t.Errorf("slots of an indirect site: %v", slots)
	}
}
