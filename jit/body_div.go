package jit

import (
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// emitDivide compiles division and remainder, with what RFC 9669 says where the machine has no
// answer: by zero the quotient is zero and the remainder the dividend, and dividing the
// least number by -1 gives that number and leaves nothing. In the kernel the verifier puts
// these tests in, as eBPF instructions, and leaves them out for constants.
func (e *emitter) emitDivide(w x86.Width, ins *asm.Instruction) {
	switch {
	case e.p.Translated:
		e.emitQuotient(w, ins)
	case ins.OpCode.Source() == asm.ImmSource:
		e.emitDivideImm(w, ins)
	case isSigned(ins):
		e.emitDivideSigned(w, ins)
	default:
		e.emitDivideReg(w, ins)
	}
}

func isSigned(ins *asm.Instruction) bool {
	op := ins.OpCode.ALUOp()
	return op == asm.SDiv || op == asm.SMod
}

func isRemainder(ins *asm.Instruction) bool {
	op := ins.OpCode.ALUOp()
	return op == asm.Mod || op == asm.SMod
}

func (e *emitter) emitDivideImm(w x86.Width, ins *asm.Instruction) {
	switch {
	case imm(ins) == 0:
		e.emitZeroDivisor(w, ins)
	case imm(ins) == -1 && isSigned(ins):
		e.emitMinusOneDivisor(w, ins)
	default:
		e.emitQuotient(w, ins)
	}
}

func (e *emitter) emitDivideReg(w x86.Width, ins *asm.Instruction) {
	src := reg(ins.Src)
	e.Test(w, src, src) // test src, src
	if isRemainder(ins) {
		zero := e.JccForward(x86.JE) // je zero
		e.emitQuotient(w, ins)
		if w == x86.W64 {
			e.Bind(zero)
			return
		}
		done := e.JmpForward() // jmp done
		e.Bind(zero)
		e.emitZeroDivisor(w, ins)
		e.Bind(done)
		return
	}
	nonzero := e.JccForward(x86.JNE) // jne nonzero
	e.emitZeroDivisor(w, ins)
	done := e.JmpForward() // jmp done
	e.Bind(nonzero)
	e.emitQuotient(w, ins)
	e.Bind(done)
}

func (e *emitter) emitDivideSigned(w x86.Width, ins *asm.Instruction) {
	src := reg(ins.Src)
	e.Test(w, src, src)           // test src, src
	zero := e.JccForward(x86.JE)  // je zero
	e.CmpImm(w, src, -1)          // cmp src, -1
	minus := e.JccForward(x86.JE) // je minus
	e.emitQuotient(w, ins)
	divided := e.JmpForward() // jmp done
	e.Bind(minus)
	e.emitMinusOneDivisor(w, ins)
	negated := e.JmpForward() // jmp done
	e.Bind(zero)
	e.emitZeroDivisor(w, ins)
	e.Bind(divided, negated)
}

// emitMinusOneDivisor leaves what the divisor -1 gives.
func (e *emitter) emitMinusOneDivisor(w x86.Width, ins *asm.Instruction) {
	dst := reg(ins.Dst)
	if isRemainder(ins) {
		e.Op(x86.Xor, x86.W32, dst, dst) // xor dst, dst
		return
	}
	e.Neg(w, dst) // neg dst
}

// emitZeroDivisor leaves what a zero divisor gives.
func (e *emitter) emitZeroDivisor(w x86.Width, ins *asm.Instruction) {
	dst := reg(ins.Dst)
	switch {
	case !isRemainder(ins):
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
	if isSigned(ins) {
		e.SignRDX(w)   // cqo
		e.Idiv(w, src) // idiv src
	} else {
		e.Op(x86.Xor, x86.W32, x86.RDX, x86.RDX) // xor edx, edx
		e.Div(w, src)                            // div src
	}
	result := x86.RAX
	if isRemainder(ins) {
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
