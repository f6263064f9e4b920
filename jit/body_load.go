package jit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// emitLoad compiles loads from memory.
func (e *emitter) emitLoad(ins *asm.Instruction) {
	w, dst := width(ins.OpCode.Size()), reg(ins.Dst)
	at := x86.At(reg(ins.Src), int32(ins.Offset))
	if ins.OpCode.Mode() == asm.MemSXMode {
		e.LoadSigned(w, dst, at) // movsx dst, [src+off]
		return
	}
	e.Load(w, dst, at) // mov dst, [src+off]
}

// emitLoadImm64 compiles the instruction of two units: a constant, a map, a value in it, or a
// function.
func (e *emitter) emitLoadImm64(i int) {
	ins := &e.p.Insns[i]
	dst, v := reg(ins.Dst), uint64(ins.Constant)
	switch ins.Src {
	case asm.PseudoMapFD:
		e.emitAddress(RefMap, dst, e.o.Maps[MapSymbol(ins)].Addr)
	case asm.PseudoMapValue:
		// The upper half is the offset in the value.
		e.emitAddress(RefMapValue, dst, e.o.Maps[MapSymbol(ins)].Values+v>>32)
	case asm.PseudoFunc:
		e.emitFuncAddr(dst, int(e.p.targets[i]))
	default:
		e.MovImm64(dst, v) // mov dst, imm64
	}
}

// emitFuncAddr loads the address of a function: as a constant, as kernels do, when it is
// known, and from the instruction pointer when it is not.
func (e *emitter) emitFuncAddr(dst x86.Reg, fn int) {
	if e.o.FuncAddrs != nil {
		e.emitAddress(RefFuncAddr, dst, e.o.FuncAddrs[fn])
		return
	}
	e.LeaRIP(dst, 0) // lea dst, [rip+fn]
	e.refer(RefFuncAddr, 4)
	e.calls = append(e.calls, callSite{end: e.Len(), callee: fn})
}

// emitAddress loads a constant that is an address, in as few bytes as will do.
func (e *emitter) emitAddress(kind RefKind, dst x86.Reg, addr uint64) {
	e.MovImm64(dst, addr) // mov dst, imm64
	switch {
	case addr == 0: // xor dst, dst: no operand
	case addr <= math.MaxUint32 || int64(addr) == int64(int32(addr)):
		e.refer(kind, 4)
	default:
		e.refer(kind, 8)
	}
}
