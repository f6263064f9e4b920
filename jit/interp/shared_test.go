package interp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
)

// sharedWorld has a packet, and maps that others write.
func sharedWorld() World {
	w := skbWorld()
	w.Shared = true
	return w
}

// explored are the numbers that instructions may return in a world.
func explored(t *testing.T, w World, parts ...any) ([]uint64, error) {
	t.Helper()
	outcomes, err := Outcomes(parse(t, "x", parts...), w)
	var got []uint64
	for _, o := range outcomes {
		got = append(got, o.R0)
	}
	return got, err
}

// unknownR7 makes R7 a number of which nothing is known.
var unknownR7 = seq(asm.FnGetPrandomU32.Call(), asm.Mov.Reg(asm.R7, asm.R0))

// either returns 1 if R0 is zero, and 2 if not.
var either = seq(asm.JEq.Imm(asm.R0, 0, "none"), ret(2), asm.Mov.Imm(asm.R0, 1).WithSymbol("none"), exit)

func TestSharedWorlds(t *testing.T) {
	variable := func(op ...any) asm.Instructions { return seq(valuePtr(asm.R1, ".bss", 0), seq(op...), either) }
	keyR7 := seq(unknownR7, asm.StoreMem(asm.R10, -4, asm.R7, asm.Word), at(asm.R2, -4))
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want []uint64
	}{
		{"a variable", variable(asm.LoadMem(asm.R0, asm.R1, 0, asm.Word)), []uint64{1, 2}},
		{"a variable just written", variable(asm.StoreImm(asm.R1, 0, 1, asm.Word), asm.LoadMem(asm.R0, asm.R1, 0, asm.Word)), []uint64{1, 2}},
		{"a fetch", variable(asm.Mov.Imm(asm.R0, 1), asm.FetchAdd.Mem(asm.R1, asm.R0, asm.Word, 0)), []uint64{1, 2}},
		{"a compare and exchange", variable(asm.Mov.Imm(asm.R0, 5), asm.Mov.Imm(asm.R2, 5), asm.CmpXchg.Mem(asm.R1, asm.R2, asm.Word, 0)), []uint64{1, 2}},
		{"an atomic without fetch", variable(asm.Mov.Imm(asm.R0, 5), asm.AddAtomic.Mem(asm.R1, asm.R0, asm.Word, 0)), []uint64{2}},
		{"a load that acquires", variable(asm.LoadAcquire(asm.R0, asm.R1, asm.Word, 0)), []uint64{1, 2}},
		{"a constant of .rodata", seq(valuePtr(asm.R1, ".rodata", 0), asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord), exit), []uint64{11}},
		{".rodata of an unknown key", seq(keyR7, mapPtr(asm.R1, ".rodata"), asm.FnMapLookupElem.Call(), either), []uint64{1, 2}},
		{"time", seq(asm.FnKtimeGetNs.Call(), either), []uint64{1, 2}},
		{"chance", seq(asm.FnGetPrandomU32.Call(), either), []uint64{1, 2}},
		{"processor", seq(asm.FnGetSmpProcessorId.Call(), either), []uint64{1, 2}},
		{"a key of a hash", seq(find("hash", 1), either), []uint64{1, 2}},
		{"a key of an array", seq(find("array", 1), either), []uint64{2}},
		{"a key beyond an array", seq(find("array", 3), either), []uint64{1}},
		{"a key of a per-CPU array", seq(find("percpu", 1), either), []uint64{2}},
		{"an unknown key of an array", seq(keyR7, mapPtr(asm.R1, "array"), asm.FnMapLookupElem.Call(), either), []uint64{1, 2}},
		{"an update of a hash", seq(set("hash", 1, 1, 0), either), []uint64{1, 2}},
		{"an update of an array", seq(set("array", 1, 1, 0), either), []uint64{1}},
		{"an update beyond an array", seq(set("array", 3, 1, 0), exit), []uint64{minus(e2big)}},
		{"an update of an array with an unknown key", seq(keyR7, at(asm.R3, -24), storeWide(asm.R10, -24, 0), asm.StoreImm(asm.R10, -16, 0, asm.Word),
			asm.Mov.Imm(asm.R4, 0), mapPtr(asm.R1, "array"), asm.FnMapUpdateElem.Call(), either), []uint64{1, 2}},
		{"a deletion from a hash", seq(del("hash", 1), either), []uint64{1, 2}},
		{"a deletion from an array", seq(del("array", 1), exit), []uint64{minus(einval)}},
		{"arithmetic", seq(unknownR7, asm.And.Imm(asm.R7, 1), asm.LSh.Imm(asm.R7, 3), asm.Mov.Reg32(asm.R7, asm.R7), asm.Neg.Imm(asm.R7, 0),
			asm.HostTo(asm.BE, asm.R7, asm.Half), asm.Mov.Reg(asm.R0, asm.R7), either), []uint64{1, 2}},
		{"a second operand", seq(unknownR7, asm.Mov.Imm(asm.R0, 3), asm.Sub.Reg(asm.R0, asm.R7), either), []uint64{1, 2}},
		{"comparisons of 32 bits", seq(unknownR7, asm.Mov.Imm(asm.R0, 3), asm.JLT.Imm32(asm.R7, 5, "out"), asm.Mov.Imm(asm.R0, 4), exit.WithSymbol("out")), []uint64{3, 4}},
		{"a number written over", seq(unknownR7, asm.Mov.Imm(asm.R7, 3), asm.Mov.Reg(asm.R0, asm.R7), exit), []uint64{3}},
		{"the stack", seq(unknownR7, storeWide(asm.R10, -8, -1), asm.StoreMem(asm.R10, -8, asm.R7, asm.Half),
			asm.LoadMem(asm.R0, asm.R10, -7, asm.Half), either), []uint64{1, 2}},
		{"the stack next to it", seq(unknownR7, storeWide(asm.R10, -8, 0), asm.StoreMem(asm.R10, -8, asm.R7, asm.Half),
			asm.LoadMem(asm.R0, asm.R10, -6, asm.Half), either), []uint64{1}},
		{"the stack written over", seq(unknownR7, asm.StoreMem(asm.R10, -8, asm.R7, asm.DWord), storeWide(asm.R10, -8, 5),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), []uint64{5}},
		{"the context", seq(keep, unknownR7, asm.StoreMem(asm.R6, 8, asm.R7, asm.Word), asm.LoadMem(asm.R0, asm.R6, 11, asm.Byte), either), []uint64{1, 2}},
		{"the context next to it", seq(keep, unknownR7, asm.StoreMem(asm.R6, 8, asm.R7, asm.Word), asm.LoadMem(asm.R0, asm.R6, 12, asm.Byte), either), []uint64{1}},
		{"a probe of an unknown address", seq(unknownR7, at(asm.R1, -8), asm.Mov.Imm(asm.R2, 8), asm.Mov.Reg(asm.R3, asm.R7), asm.FnProbeRead.Call(),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), either), []uint64{1, 2}},
		{"a probe of a variable", seq(at(asm.R1, -8), asm.Mov.Imm(asm.R2, 8), valuePtr(asm.R3, ".bss", 0), asm.FnProbeRead.Call(),
			asm.LoadMem(asm.R1, asm.R10, -8, asm.DWord), asm.Add.Reg(asm.R0, asm.R1), either), []uint64{1, 2}},
		{"what a probe of a variable gives", seq(at(asm.R1, -8), asm.Mov.Imm(asm.R2, 8), valuePtr(asm.R3, ".bss", 0), asm.FnProbeRead.Call(), exit), []uint64{0}},
		{"the packet", parsed(0), []uint64{0x04030201}},
		{"a load from the packet", seq(keep, asm.LoadAbs(2, asm.Byte), exit), []uint64{3}},
		{"a load from somewhere in the packet", seq(keep, unknownR7, asm.LoadInd(asm.R0, asm.R7, 0, asm.Byte), either), []uint64{0, 1, 2}},
		{"bytes from somewhere in the packet", seq(keep, unknownR7, restore, asm.Mov.Reg(asm.R2, asm.R7), at(asm.R3, -8), asm.Mov.Imm(asm.R4, 8),
			asm.FnSkbLoadBytes.Call(), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), either), []uint64{1, 2}},
		{"what is printed", seq(unknownR7, asm.Mov.Reg(asm.R3, asm.R7), valuePtr(asm.R1, ".rodata", 8), asm.Mov.Imm(asm.R2, 4), asm.FnTracePrintk.Call(), either), []uint64{1, 2}},
		{"a string that others write", seq(valuePtr(asm.R3, ".bss", 0), storeWide(asm.R10, -8, 's'<<8|'%'), at(asm.R1, -8), asm.Mov.Imm(asm.R2, 3), asm.FnTracePrintk.Call(), either), []uint64{1, 2}},
		{"a string somewhere", seq(unknownR7, asm.Mov.Reg(asm.R3, asm.R7), storeWide(asm.R10, -8, 's'<<8|'%'), at(asm.R1, -8), asm.Mov.Imm(asm.R2, 3), asm.FnTracePrintk.Call(), either), []uint64{1, 2}},
		{"an unknown character", seq(unknownR7, asm.Mov.Reg(asm.R3, asm.R7), storeWide(asm.R10, -8, 'c'<<8|'%'), at(asm.R1, -8), asm.Mov.Imm(asm.R2, 3), asm.FnTracePrintk.Call(), exit), []uint64{1}},
		{"one of two values", seq(find("hash", 1), asm.JEq.Imm(asm.R0, 0, "gone"), asm.Mov.Reg(asm.R7, asm.R0), find("hash", 1), asm.JEq.Imm(asm.R0, 0, "gone"),
			asm.JEq.Reg(asm.R0, asm.R7, "same"), ret(4), asm.Mov.Imm(asm.R0, 3).WithSymbol("same"), exit, asm.Mov.Imm(asm.R0, 5).WithSymbol("gone"), exit), []uint64{3, 4, 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := sharedWorld()
			put(t, w.Maps[".rodata"], key4(0), append(key8(11), "%d\x00\x00\x00\x00\x00\x00"...))
			put(t, w.Maps["hash"], key4(1), key8(1))
			got, err := explored(t, w, tt.code)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v; want - got:\n%s", err, diff)
			}
			if got := w.Maps[".bss"].Get(key4(0)); string(got) != string(make([]byte, 16)) {
				t.Errorf(".bss was written: %x", got)
			}
		})
	}
}

// TestUnknownContext: a field of which nothing is said may be anything, until the program writes it;
// its neighbours are known.
func TestUnknownContext(t *testing.T) {
	w := worldOf(&jit.V612, nil)
	w.Ctx[3], w.Ctx[4], w.Ctx[8] = 7, 9, 5
	w.CtxUnknown = [][2]int{{4, 8}}
	load := func(off int16, size asm.Size) asm.Instruction { return asm.LoadMem(asm.R0, asm.R1, off, size) }
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want []uint64
	}{
		{"before", seq(load(3, asm.Byte), exit), []uint64{7}},
		{"after", seq(load(8, asm.Byte), exit), []uint64{5}},
		{"its first byte", seq(load(4, asm.Byte), either), []uint64{1, 2}},
		{"its last byte", seq(load(7, asm.Byte), either), []uint64{1, 2}},
		{"in part", seq(load(0, asm.DWord), either), []uint64{1, 2}},
		{"written", seq(asm.StoreImm(asm.R1, 4, 3, asm.Word), load(4, asm.Word), exit), []uint64{3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := explored(t, w, tt.code)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v; want - got:\n%s", err, diff)
			}
		})
	}
	if w.Ctx[4] != 9 {
		t.Error("the world's context was written")
	}
	if _, err := Run(parse(t, "x", ret(0)), w); err == nil {
		t.Error("Run accepted an unknown context")
	}
	for _, u := range [][2]int{{-1, 2}, {3, 2}, {60, 65}} {
		w.CtxUnknown = [][2]int{u}
		if _, err := Explore(parse(t, "x", ret(0)), w); err == nil {
			t.Errorf("bytes %v of 64 may be unknown", u)
		}
	}
}

func TestSharedRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want string
	}{
		{"an unknown result", seq(asm.FnKtimeGetNs.Call(), exit), "r0 at exit: depends on a number that is not known"},
		{"an unknown address", seq(asm.FnKtimeGetNs.Call(), asm.LoadMem(asm.R0, asm.R0, 0, asm.Byte), exit), "reads memory through an unknown number"},
		{"an unknown offset", seq(unknownR7, asm.Add.Reg(asm.R7, asm.R10), asm.StoreImm(asm.R7, 0, 0, asm.Byte), ret(0)), "writes memory through an unknown number"},
		{"an unknown size", seq(unknownR7, at(asm.R1, -8), asm.Mov.Reg(asm.R2, asm.R7), asm.Mov.Imm(asm.R3, 0), asm.FnProbeRead.Call(), ret(0)), "r2, a size"},
		{"an unknown format", seq(valuePtr(asm.R1, ".bss", 0), asm.Mov.Imm(asm.R2, 4), asm.FnTracePrintk.Call(), ret(0)), "the format: depends"},
		{"a write to the packet", seq(bounds, asm.StoreImm(asm.R2, 0, 0, asm.Byte), ret(0)), "writes into the packet, which others read"},
		{"an atomic in the packet", seq(bounds, asm.Mov.Imm(asm.R0, 0), asm.AddAtomic.Mem(asm.R2, asm.R0, asm.Word, 0), ret(0)), "writes into the packet"},
		{"a helper's write to the packet", seq(bounds, asm.Mov.Reg(asm.R3, asm.R2), asm.Mov.Imm(asm.R2, 0), asm.Mov.Imm(asm.R4, 1), asm.FnSkbLoadBytes.Call(), ret(0)), "writes into the packet"},
		{"an unknown function", seq(unknownR7, asm.Instruction{OpCode: 0x8d, Dst: asm.R7}, ret(0)), "calls an unknown number"},
		{"an unknown address as a map", seq(unknownR7, asm.Mov.Reg(asm.R1, asm.R7), asm.FnMapLookupElem.Call(), ret(0)), "r1 holds an unknown number, not a map"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := explored(t, sharedWorld(), tt.code); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, error %v, want %q", got, err, tt.want)
			}
		})
	}
	if _, err := Run(parse(t, "x", ret(0)), sharedWorld()); err == nil {
		t.Error("Run accepted a shared world")
	}
}

// TestDistanceOfUnknownElements: that of two values of a hash may be any.
func TestDistanceOfUnknownElements(t *testing.T) {
	w := sharedWorld()
	got, err := explored(t, w, find("hash", 1), asm.JEq.Imm(asm.R0, 0, "gone"), asm.Mov.Reg(asm.R7, asm.R0), find("hash", 1), asm.JEq.Imm(asm.R0, 0, "gone"),
		asm.Sub.Reg(asm.R0, asm.R7), either, asm.Mov.Imm(asm.R0, 5).WithSymbol("gone"), exit)
	if diff := cmp.Diff([]uint64{1, 2, 5}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
}

// TestUnknownResultOfFunction: a function may return what is unknown, to a caller that does not.
func TestUnknownResultOfFunction(t *testing.T) {
	got, err := explored(t, sharedWorld(), asm.Call.Label("sub"), either, asm.FnKtimeGetNs.Call().WithSymbol("sub"), exit)
	if diff := cmp.Diff([]uint64{1, 2}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
}

// TestUnknownKey tail calls by a key of which nothing is known.
func TestUnknownKey(t *testing.T) {
	f, g := parse(t, "f", ret(1)), parse(t, "g", ret(2))
	w := sharedWorld()
	w.Held = func(_ string, key uint32) []*jit.Program {
		return [][]*jit.Program{{f}, {f, g}, {g}, {nil}}[key]
	}
	by := seq(asm.LoadMapPtr(asm.R2, 0).WithReference("m"), asm.Mov.Reg(asm.R3, asm.R7), asm.FnTailCall.Call())
	got, err := explored(t, w, keep, unknownR7, restore, by, ret(3))
	if diff := cmp.Diff([]uint64{1, 2, 3}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
	// Every key holds a program, yet there are others.
	w.MaxEntries = func(string) uint32 { return 3 }
	got, err = explored(t, w, keep, unknownR7, restore, by, ret(3))
	if diff := cmp.Diff([]uint64{1, 2, 3}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
	w.MaxEntries = func(string) uint32 { return maxKeys + 1 }
	if _, err := explored(t, w, keep, unknownR7, restore, by, ret(3)); !errors.Is(err, ErrBounded) {
		t.Errorf("error %v, want ErrBounded", err)
	}
}

// TestUnknownKeySpends: where misses count, one of an unknown key may, and one that is
// beyond the map does not.
func TestUnknownKeySpends(t *testing.T) {
	f := parse(t, "f", ret(1))
	parts := []any{keep, unknownR7}
	for range 33 {
		parts = append(parts, restore, asm.LoadMapPtr(asm.R2, 0).WithReference("m"), asm.Mov.Reg(asm.R3, asm.R7), asm.FnTailCall.Call())
	}
	parts = append(parts, restore, tailCall(0), ret(2))
	for l, want := range map[*jit.Layout][]uint64{&jit.V510: {1, 2}, &jit.V612: {1}} {
		w := sharedWorld()
		w.Layout, w.MaxEntries = l, func(string) uint32 { return 2 }
		w.Held = func(_ string, key uint32) []*jit.Program {
			if key == 0 {
				return []*jit.Program{f}
			}
			return []*jit.Program{nil}
		}
		got, err := explored(t, w, parts...)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v; want - got:\n%s", l.Name, err, diff)
		}
	}
}

// TestLoopsOverUnknowns: one that comes back to its state ends, one that counts is bounded, and
// so is one with a limit to its count.
func TestLoopsOverUnknowns(t *testing.T) {
	w := sharedWorld()
	got, err := explored(t, w, asm.FnGetPrandomU32.Call().WithSymbol("again"), asm.JNE.Imm(asm.R0, 0, "again"), ret(3))
	if diff := cmp.Diff([]uint64{3}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
	count := func(limit int32) asm.Instructions {
		return seq(asm.Mov.Imm(asm.R6, 0), unknownR7, asm.Add.Imm(asm.R6, 1).WithSymbol("again"),
			asm.JGE.Imm(asm.R6, limit, "out"), asm.JGT.Reg(asm.R7, asm.R6, "again"), asm.Mov.Reg(asm.R0, asm.R6).WithSymbol("out"), exit)
	}
	got, err = explored(t, w, count(5))
	if diff := cmp.Diff([]uint64{1, 2, 3, 4, 5}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
	w.MaxStates = 50
	if _, err := explored(t, w, count(1000)); !errors.Is(err, ErrBounded) {
		t.Errorf("error %v, want ErrBounded", err)
	}
}

// TestForksMeet has twenty decisions one after the other that leave nothing: 2^20 paths.
func TestForksMeet(t *testing.T) {
	var parts []any
	for n := range 20 {
		next := fmt.Sprintf("n%d", n)
		parts = append(parts, asm.FnGetPrandomU32.Call(), asm.JEq.Imm(asm.R0, 0, next), asm.Mov.Imm(asm.R0, 1), asm.Mov.Imm(asm.R0, 0).WithSymbol(next))
	}
	res, err := Explore(parse(t, "x", append(parts, exit)...), sharedWorld())
	if err != nil || res.States != 20 || len(res.Outcomes) != 1 {
		t.Errorf("%+v, %v, want 20 states", res, err)
	}
}
