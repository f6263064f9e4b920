package interp

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// Offsets in struct __sk_buff.
const skbData, skbDataEnd, skbNext = 76, 80, 84

// skbWorld has a packet of 20 bytes, 1 to 20.
func skbWorld() World {
	w := mapWorld()
	w.CtxKind, w.Ctx = CtxSkb, make([]byte, 192)
	for i := range byte(20) {
		w.Packet = append(w.Packet, i+1)
	}
	return w
}

// bounds loads data into R2 and data_end into R3.
var bounds = asm.Instructions{
	asm.LoadMem(asm.R2, asm.R1, skbData, asm.Word),
	asm.LoadMem(asm.R3, asm.R1, skbDataEnd, asm.Word),
}

// parsed reads a word at an offset after the check that a compiler makes.
func parsed(off int32) asm.Instructions {
	return seq(bounds, asm.Mov.Reg(asm.R4, asm.R2), asm.Add.Imm(asm.R4, off+4),
		asm.JGT.Reg(asm.R4, asm.R3, "short"), asm.Add.Imm(asm.R2, off), asm.LoadMem(asm.R0, asm.R2, 0, asm.Word), exit,
		asm.Mov.Imm(asm.R0, 99).WithSymbol("short"), exit)
}

func TestDirectPacketAccess(t *testing.T) {
	w := skbWorld()
	w.Ctx[0] = 20
	wantIn(t, w, 0x04030201, parsed(0))
	wantIn(t, w, 0x14131211, parsed(16))
	wantIn(t, w, 99, parsed(17))
	wantIn(t, w, 20, bounds, asm.Sub.Reg(asm.R3, asm.R2), asm.Mov.Reg(asm.R0, asm.R3), exit)
	wantIn(t, w, 20, asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), exit)
	w.Packet = nil
	wantIn(t, w, 99, parsed(0))
	wantIn(t, w, 1, bounds, asm.Mov.Imm(asm.R0, 1), asm.JEq.Reg(asm.R2, asm.R3, "empty"), asm.Mov.Imm(asm.R0, 2), exit.WithSymbol("empty"))
}

func TestPacketIsWritten(t *testing.T) {
	w := skbWorld()
	wantIn(t, w, 1<<8|1, bounds, asm.StoreImm(asm.R2, 1, 9, asm.Byte), asm.Mov.Imm(asm.R4, 1<<8),
		asm.FetchAdd.Mem(asm.R2, asm.R4, asm.Word, 4), asm.LoadMem(asm.R0, asm.R2, 4, asm.Half),
		asm.Sub.Imm(asm.R0, 0x0605-0x0101+0x100), exit)
	if want := []byte{1, 9, 3, 4, 5, 7, 7, 8}; !bytes.Equal(w.Packet[:8], want) {
		t.Errorf("packet %v, want %v...", w.Packet[:8], want)
	}
	// Paths of Explore have a packet each, and the world keeps its own.
	w = skbWorld()
	reader := parse(t, "reader", bounds, asm.LoadMem(asm.R0, asm.R2, 0, asm.Byte), exit)
	entry := parse(t, "entry", keep, tailCall(0), restore, bounds, asm.StoreImm(asm.R2, 0, 40, asm.Byte), tailCall(0), ret(7))
	w.Held = func(string, uint32) []*jit.Program { return []*jit.Program{nil, reader} }
	got, err := Outcomes(entry, w)
	if err != nil || len(got) != 3 || got[0].R0 != 1 || got[1].R0 != 7 || got[2].R0 != 40 {
		t.Errorf("%+v, %v", got, err)
	}
	if w.Packet[0] != 1 {
		t.Error("Explore wrote to the world's packet")
	}
}

func TestPacketRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want string
	}{
		{"past the end", seq(bounds, asm.LoadMem(asm.R0, asm.R2, 17, asm.Word)), "4 bytes at +17 of a packet of 20"},
		{"at the end", seq(bounds, asm.LoadMem(asm.R0, asm.R3, 0, asm.Byte)), "1 bytes at +20 of a packet of 20"},
		{"before the packet", seq(bounds, asm.StoreImm(asm.R2, -1, 0, asm.Byte)), "1 bytes at -1"},
		{"an address in it", seq(bounds, asm.StoreMem(asm.R2, 0, asm.R1, asm.DWord)), "computes with an address"},
		{"half of a bound", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, skbData, asm.Half)}, "2 bytes at +76 of the context"},
		{"both bounds", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, skbData, asm.DWord)}, "8 bytes at +76"},
		{"half of the other bound", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, skbDataEnd, asm.Half)}, "2 bytes at +80"},
		{"a part of a bound", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, skbDataEnd+3, asm.Byte)}, "1 bytes at +83"},
		{"a bound with its sign", asm.Instructions{asm.LoadMemSX(asm.R0, asm.R1, skbData, asm.Word)}, "insn 0 "},
		{"a write of a bound", asm.Instructions{asm.StoreImm(asm.R1, skbData, 0, asm.Word)}, "writes an address of the packet"},
		{"a bound as result", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, skbDataEnd, asm.Word)}, "r0 at exit"},
		{"32 bits of a bound", seq(bounds, asm.Add.Imm32(asm.R2, 1)), "computes with an address"},
	} {
		t.Run(tt.name, func(t *testing.T) { refusesIn(t, skbWorld(), tt.want, tt.code, exit) })
	}
	wantIn(t, skbWorld(), 0, asm.LoadMem(asm.R0, asm.R1, skbData-4, asm.Word), exit)
	wantIn(t, skbWorld(), 0, asm.LoadMem(asm.R0, asm.R1, skbNext, asm.DWord), exit)
	w := skbWorld()
	w.CtxKind = CtxPlain
	wantIn(t, w, 0, asm.LoadMem(asm.R0, asm.R1, skbData, asm.DWord), exit)
	w.CtxKind = CtxXDP + 1
	if _, err := runIn(t, w, ret(0)); err == nil {
		t.Error("a context of no kind was accepted")
	}
}

func TestLegacyLoads(t *testing.T) {
	load := func(ins asm.Instruction) asm.Instructions {
		return seq(keep, asm.Mov.Imm(asm.R0, 5), asm.Mov.Imm(asm.R7, 10), ins, asm.Add.Imm(asm.R0, 1), exit)
	}
	for _, tt := range []struct {
		ins  asm.Instruction
		want uint64 // plus one, unless the function exits
	}{
		{asm.LoadAbs(0, asm.Byte), 1 + 1},
		{asm.LoadAbs(1, asm.Half), 0x0203 + 1},
		{asm.LoadAbs(16, asm.Word), 0x11121314 + 1},
		{asm.LoadAbs(17, asm.Word), 0},
		{asm.LoadAbs(19, asm.Byte), 20 + 1},
		{asm.LoadAbs(20, asm.Byte), 0},
		{asm.LoadInd(asm.R0, asm.R7, 3, asm.Half), 0x0e0f + 1},
		{asm.LoadInd(asm.R0, asm.R7, 10, asm.Byte), 0},
		{asm.LoadInd(asm.R0, asm.R7, -10, asm.Byte), 1 + 1},
		{asm.LoadAbs(-1, asm.Byte), 0},
		{asm.LoadAbs(netBase+20, asm.Byte), 0},
		{asm.LoadAbs(linkBase-1, asm.Byte), 0},
	} {
		wantIn(t, skbWorld(), tt.want, load(tt.ins))
	}
	refusesIn(t, skbWorld(), "header of which nothing is said", load(asm.LoadAbs(netBase+19, asm.Byte)))
	refusesIn(t, skbWorld(), "header of which nothing is said", load(asm.LoadAbs(linkBase, asm.Word)))
	refusesIn(t, skbWorld(), "insn 4 ", keep, asm.Mov.Imm(asm.R3, 1), asm.Mov.Imm(asm.R0, 1), asm.LoadAbs(0, asm.Byte), asm.Mov.Reg(asm.R0, asm.R3), exit)
	refusesIn(t, skbWorld(), "r6 does not hold the context", asm.LoadAbs(0, asm.Byte), exit)
	refusesIn(t, skbWorld(), "r6 does not hold the context", keep, asm.Add.Imm(asm.R6, 4), asm.LoadAbs(0, asm.Byte), exit)
	refusesIn(t, skbWorld(), "never written", keep, asm.LoadInd(asm.R0, asm.R7, 0, asm.Byte), exit)
	refusesIn(t, mapWorld(), "not of a kind that has a packet", keep, asm.LoadAbs(0, asm.Byte), exit)
	// The lower half of an offset counts.
	wantIn(t, skbWorld(), 3, keep, asm.LoadImm(asm.R7, 1<<32|1, asm.DWord), asm.LoadInd(asm.R0, asm.R7, 1, asm.Byte), exit)
}

// TestLegacyLoadInFunction: past the packet's end the function ends, and its caller goes on.
func TestLegacyLoadInFunction(t *testing.T) {
	for off, want := range map[int32]uint64{19: 20 + 100 + 7, 20: 0 + 7} {
		wantIn(t, skbWorld(), want, asm.Mov.Imm(asm.R6, 7), asm.Call.Label("sub"), asm.Add.Reg(asm.R0, asm.R6), exit,
			keep.WithSymbol("sub"), asm.LoadAbs(off, asm.Byte), asm.Add.Imm(asm.R0, 100), exit)
	}
}

func TestSkbLoadBytes(t *testing.T) {
	load := func(off, n int32) asm.Instructions {
		return seq(storeWide(asm.R10, -8, -1), asm.Mov.Imm(asm.R2, off), at(asm.R3, -8), asm.Mov.Imm(asm.R4, n), asm.FnSkbLoadBytes.Call())
	}
	left := seq(asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit)
	rest := ^uint64(0)
	for _, tt := range []struct {
		off, n     int32
		want, left uint64
	}{
		{0, 4, 0, rest<<32 | 0x04030201},
		{17, 3, 0, rest<<24 | 0x141312},
		{18, 3, minus(efault), rest << 24},
		{-1, 1, minus(efault), rest << 8},
		{0, 0, minus(efault), rest},
	} {
		wantIn(t, skbWorld(), tt.want, load(tt.off, tt.n), exit)
		wantIn(t, skbWorld(), tt.left, load(tt.off, tt.n), left)
	}
	refusesIn(t, skbWorld(), "9 bytes at -8 of a stack", load(0, 9), exit)
	refusesIn(t, skbWorld(), "r1 does not hold the context", asm.Mov.Imm(asm.R1, 0), load(0, 1), exit)
	refusesIn(t, mapWorld(), "not of a kind that has a packet", load(0, 1), exit)
	refusesIn(t, skbWorld(), "r4: reads what was never written", at(asm.R3, -8), asm.Mov.Imm(asm.R2, 0), asm.FnSkbLoadBytes.Call(), exit)
}
