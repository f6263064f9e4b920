package jit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

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
		e.movImm64(dst, v)
	}
}

// movImm64 loads a constant in as few bytes as the layout's kernels do.
func (e *emitter) movImm64(dst x86.Reg, v uint64) {
	if v > math.MaxUint32 && e.l.WideConstants {
		e.MovAbs(dst, v) // movabs dst, imm64
		return
	}
	e.MovImm64(dst, v) // mov dst, imm64
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
	e.movImm64(dst, addr) // mov dst, imm64
	switch {
	case addr == 0: // xor dst, dst: no operand
	case addr > math.MaxUint32 && e.l.WideConstants:
		e.refer(kind, 8)
	case addr <= math.MaxUint32 || int64(addr) == int64(int32(addr)):
		e.refer(kind, 4)
	default:
		e.refer(kind, 8)
	}
}

// emitStore compiles stores of registers, atomic ones too.
func (e *emitter) emitStore(ins *asm.Instruction) {
	w, src := width(ins.OpCode.Size()), reg(ins.Src)
	at := x86.At(reg(ins.Dst), int32(ins.Offset))
	if ins.OpCode.Mode() != asm.AtomicMode {
		e.Store(w, at, src) // mov [dst+off], src
		return
	}
	switch op := ins.OpCode.AtomicOp(); op {
	case opLoadAcquire: // on this machine every load is one, and every store releases
		e.Load(w, reg(ins.Dst), x86.At(src, int32(ins.Offset))) // mov dst, [src+off]
	case opStoreRelease:
		e.Store(w, at, src) // mov [dst+off], src
	case asm.FetchAdd:
		e.LockXadd(w, at, src) // lock xadd [dst+off], src
	case asm.Xchg:
		if e.l.PlainXchg {
			e.Xchg(w, at, src) // xchg [dst+off], src
			break
		}
		e.LockXchg(w, at, src) // lock xchg [dst+off], src
	case asm.CmpXchg:
		e.LockCmpxchg(w, at, src) // lock cmpxchg [dst+off], src
		if w == x86.W32 && !e.p.Translated {
			// If it matches, the machine leaves rax alone; eBPF wants its upper half zero.
			e.Mov(w, x86.RAX, x86.RAX) // mov eax, eax
		}
	case asm.FetchAnd, asm.FetchOr, asm.FetchXor:
		e.emitFetch(w, ins)
	default:
		e.LockOp(atomicOps[op], w, at, src) // lock op [dst+off], src
	}
}

var atomicOps = map[asm.AtomicOp]x86.ALU{
	asm.AddAtomic: x86.Add, asm.AndAtomic: x86.And, asm.OrAtomic: x86.Or, asm.XorAtomic: x86.Xor,
	asm.FetchAnd: x86.And, asm.FetchOr: x86.Or, asm.FetchXor: x86.Xor,
}

// emitFetch compiles the fetching operations that the machine does not have, as a loop of
// compare and exchange. That needs rax; R0 waits in a scratch register.
func (e *emitter) emitFetch(w x86.Width, ins *asm.Instruction) {
	dst, src := reg(ins.Dst), reg(ins.Src)
	e.Mov(x86.W64, axReg, x86.RAX) // mov r10, rax
	if src == x86.RAX {
		src = axReg
	}
	if dst == x86.RAX {
		dst = axReg
	}
	at := x86.At(dst, int32(ins.Offset))
	again := e.Len()
	e.Load(w, x86.RAX, at)                                 // again: mov rax, [dst+off]
	e.Mov(w, auxReg, x86.RAX)                              // mov r11, rax
	e.Op(atomicOps[ins.OpCode.AtomicOp()], w, auxReg, src) // op r11, src
	e.LockCmpxchg(w, at, auxReg)                           // lock cmpxchg [dst+off], r11
	e.JccShort(x86.JNE, int8(again-e.Len()-2))             // jne again
	e.Mov(w, src, x86.RAX)                                 // mov src, rax
	e.Mov(x86.W64, x86.RAX, axReg)                         // mov rax, r10
}
