package jit

import (
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// emitDivide compiles unsigned division and remainder, with what RFC 9669 says of a zero
// divisor: the quotient is zero, the remainder the dividend. In the kernel the verifier puts these
// tests in, as eBPF instructions, and leaves them out for constants.
func (e *emitter) emitDivide(w x86.Width, ins *asm.Instruction) {
	dst, mod := reg(ins.Dst), ins.OpCode.ALUOp() == asm.Mod
	if ins.OpCode.Source() == asm.ImmSource {
		if imm(ins) != 0 {
			e.emitQuotient(w, ins)
			return
		}
		e.emitZeroDivisor(w, dst, mod)
		return
	}
	src := reg(ins.Src)
	e.Test(w, src, src) // test src, src
	if mod {
		zero := e.JccForward(x86.JE) // je zero
		e.emitQuotient(w, ins)
		if w == x86.W64 {
			e.Bind(zero)
			return
		}
		done := e.JmpForward() // jmp done
		e.Bind(zero)
		e.emitZeroDivisor(w, dst, mod)
		e.Bind(done)
		return
	}
	nonzero := e.JccForward(x86.JNE) // jne nonzero
	e.emitZeroDivisor(w, dst, mod)
	done := e.JmpForward() // jmp done
	e.Bind(nonzero)
	e.emitQuotient(w, ins)
	e.Bind(done)
}

// emitZeroDivisor leaves what a zero divisor gives.
func (e *emitter) emitZeroDivisor(w x86.Width, dst x86.Reg, mod bool) {
	switch {
	case !mod:
		e.Op(x86.Xor, x86.W32, dst, dst) // xor dst, dst
	case w == x86.W32:
		e.Mov(x86.W32, dst, dst) // mov dst32, dst32
	}
}

// emitQuotient divides by what is not zero. The machine divides rdx:rax; of these two, the
// one that is not dst has to survive.
func (e *emitter) emitQuotient(w x86.Width, ins *asm.Instruction) {
	dst, src := reg(ins.Dst), reg(ins.Src)
	if dst != x86.RAX {
		e.Push(x86.RAX) // push rax
	}
	if dst != x86.RDX {
		e.Push(x86.RDX) // push rdx
	}
	switch {
	case ins.OpCode.Source() == asm.ImmSource:
		e.MovSigned32Wide(auxReg, imm(ins)) // mov r11, imm
		src = auxReg
	case src == x86.RAX || src == x86.RDX:
		e.Mov(x86.W64, auxReg, src) // mov r11, src
		src = auxReg
	}
	if dst != x86.RAX {
		e.Mov(w, x86.RAX, dst) // mov rax, dst
	}
	e.Op(x86.Xor, x86.W32, x86.RDX, x86.RDX) // xor edx, edx
	e.Div(w, src)                            // div src
	result := x86.RAX
	if ins.OpCode.ALUOp() == asm.Mod {
		result = x86.RDX
	}
	if dst != result {
		e.Mov(w, dst, result) // mov dst, result
	}
	if dst != x86.RDX {
		e.Pop(x86.RDX) // pop rdx
	}
	if dst != x86.RAX {
		e.Pop(x86.RAX) // pop rax
	}
}
