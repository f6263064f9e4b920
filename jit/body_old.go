package jit

import (
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// Arithmetic as kernels up to 5.15 compile it, where a layout has OldDivide. They know no signed
// division.

// emitOldQuotient saves rax and rdx whatever dst is; r11 has the divisor and then the result.
func (e *emitter) emitOldQuotient(w x86.Width, ins *asm.Instruction) {
	dst := reg(ins.Dst)
	e.Push(x86.RAX) // push rax
	e.Push(x86.RDX) // push rdx
	if ins.OpCode.Source() == asm.RegSource {
		e.Mov(x86.W64, auxReg, reg(ins.Src)) // mov r11, src
	} else {
		e.MovSigned32Wide(auxReg, imm(ins)) // mov r11, imm
	}
	if dst != x86.RAX {
		e.Mov(x86.W64, x86.RAX, dst) // mov rax, dst
	}
	e.Op(x86.Xor, x86.W32, x86.RDX, x86.RDX) // xor edx, edx
	e.Div(w, auxReg)                         // div r11
	result := x86.RAX
	if isRemainder(ins) {
		result = x86.RDX
	}
	e.Mov(x86.W64, auxReg, result) // mov r11, result
	e.Pop(x86.RDX)                 // pop rdx
	e.Pop(x86.RAX)                 // pop rax
	e.Mov(x86.W64, dst, auxReg)    // mov dst, r11
}

// emitOldProduct multiplies rax by r11, which dst is moved to.
func (e *emitter) emitOldProduct(w x86.Width, ins *asm.Instruction) {
	dst, src := reg(ins.Dst), reg(ins.Src)
	if dst != x86.RAX {
		e.Push(x86.RAX) // push rax
	}
	if dst != x86.RDX {
		e.Push(x86.RDX) // push rdx
	}
	e.Mov(x86.W64, auxReg, dst) // mov r11, dst
	switch {
	case ins.OpCode.Source() == asm.ImmSource && w == x86.W64:
		e.MovSigned32(x86.RAX, imm(ins)) // mov rax, simm32
	case ins.OpCode.Source() == asm.ImmSource:
		e.MovImm32(x86.RAX, uint32(imm(ins))) // mov eax, imm32
	case w == x86.W32 || src != x86.RAX:
		e.Mov(w, x86.RAX, src) // mov rax, src
	}
	e.Mul(w, auxReg) // mul r11
	if dst != x86.RDX {
		e.Pop(x86.RDX) // pop rdx
	}
	if dst != x86.RAX {
		e.Mov(x86.W64, dst, x86.RAX) // mov dst, rax
		e.Pop(x86.RAX)               // pop rax
	}
}
