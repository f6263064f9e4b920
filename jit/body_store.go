package jit

import (
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

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
