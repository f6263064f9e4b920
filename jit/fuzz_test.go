package jit

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// FuzzCompile gives raw bytecode to the compiler: it must answer with an error or with an
// image that keeps the package's promises, and leave the instructions as they are.
func FuzzCompile(f *testing.F) {
	for _, insns := range []asm.Instructions{
		ret(1),
		concat(tailCallTo("m", 1), ret(7)),
		{asm.Ja.Label("out"), asm.Mov.Imm(asm.R1, 1), asm.Return().WithSymbol("out")},
		{asm.Call.Label("sub"), asm.Return(), asm.Div.Reg(asm.R0, asm.R1).WithSymbol("sub"), asm.Return()},
		{asm.StoreMem(asm.R10, -16, asm.R7, asm.DWord), asm.FetchXor.Mem(asm.R10, asm.R0, asm.Word, -8), asm.Return()},
		{asm.LoadImm(asm.R1, 0, asm.DWord).WithReference("sub"), {OpCode: opCallX, Dst: asm.R1}, asm.Return(),
			asm.SDiv.Reg(asm.R0, asm.R3).WithSymbol("sub"), asm.MovSX8.Reg(asm.R1, asm.R2), asm.Return()},
		{asm.LoadMemSX(asm.R1, asm.R10, -4, asm.Word), asm.LoadAcquire(asm.R2, asm.R1, asm.Byte, 3), asm.Return()},
		concat(lookup("m"), asm.Instructions{asm.LoadInd(asm.R0, asm.R7, 3, asm.Half), asm.FnTracePrintk.Call(), asm.Return()}),
		{asm.JSLT.Imm32(asm.R3, -5, "top").WithSymbol("top"), asm.LSh.Reg(asm.R4, asm.R9), asm.Return()},
	} {
		var raw bytes.Buffer
		if err := insns.Marshal(&raw, binary.LittleEndian); err != nil {
			f.Fatal(err)
		}
		f.Add(raw.Bytes(), uint32(4))
	}
	f.Add([]byte("\x18 000000\x00\x00\x00\x000000\x950000000"), uint32(0)) // a value of a map
	f.Fuzz(func(t *testing.T, raw []byte, entries uint32) {
		insns, err := asm.AppendInstructions(nil, bytes.NewReader(raw), binary.LittleEndian, "linux")
		if err != nil {
			return
		}
		compileTranslated(t, insns, entries)
		p, err := Parse("fuzz", insns)
		if err != nil {
			if p != nil {
				t.Error("a program came with the error")
			}
			return
		}
		var again bytes.Buffer
		for _, ins := range insns {
			if _, err := ins.Marshal(&again, binary.LittleEndian); err != nil {
				t.Fatalf("accepted %v, of which there is no encoding: %v", ins, err)
			}
		}
		maps := map[string]MapInfo{}
		for _, m := range p.Maps() {
			maps[m] = MapInfo{Addr: testMap, MaxEntries: entries, Values: testMap, Stride: entries % 40}
		}
		for _, l := range Layouts() {
			for _, forms := range []Forms{{}, {Return: ReturnThunk, Jump: JumpRetpoline}} {
				o := leaving(l, forms)
				o.Maps = maps
				img := mustCompile(t, p, o)
				for _, r := range img.Refs {
					if r.Kind == RefHelper && !slices.Contains(Helpers(), r.Helper) {
						t.Errorf("a call of helper %v, which there is not", r.Helper)
					}
				}
			}
		}
	})
}

// compileTranslated takes the bytecode as what a kernel gave back.
func compileTranslated(t *testing.T, insns asm.Instructions, entries uint32) {
	p, err := ParseTranslated("fuzz", insns)
	if err != nil {
		return
	}
	o := leaving(&V612, Forms{Return: ReturnThunk, Jump: JumpThunk})
	o.Maps = map[string]MapInfo{}
	for _, m := range p.Maps() {
		o.Maps[m] = MapInfo{Addr: testMap, MaxEntries: entries, Values: testMap}
	}
	for f := range p.Funcs {
		o.FuncAddrs = append(o.FuncAddrs, 0xffffffffc0000000+uint64(f)<<12)
	}
	mustCompile(t, p, o)
}
