package jit

import (
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// emitALU compiles arithmetic, in the selection of instructions of recent kernels whatever
// the layout: products by imul, quotients without saving what need not be saved.
func (e *emitter) emitALU(ins *asm.Instruction) {
	w, dst := x86.W32, reg(ins.Dst)
	if ins.OpCode.Class() == asm.ALU64Class {
		w = x86.W64
	}
	byReg := ins.OpCode.Source() == asm.RegSource
	switch op := ins.OpCode.ALUOp(); op {
	case asm.Mov:
		e.emitMov(w, ins)
	case asm.MovSX8, asm.MovSX16, asm.MovSX32:
		e.Movsx(w, signedMoves[op], dst, reg(ins.Src)) // movsx dst, src
	case asm.Neg:
		e.Neg(w, dst) // neg dst
	case asm.Swap:
		e.emitSwap(ins)
	case asm.Mul:
		if e.l.OldDivide {
			e.emitOldProduct(w, ins)
			return
		}
		if byReg {
			e.Imul(w, dst, reg(ins.Src)) // imul dst, src
			return
		}
		e.ImulImm(w, dst, imm(ins)) // imul dst, dst, imm
	case asm.Div, asm.Mod, asm.SDiv, asm.SMod:
		e.emitDivide(w, ins)
	case asm.LSh, asm.RSh, asm.ArSh:
		e.emitShift(w, ins)
	default:
		if byReg {
			e.Op(simpleOps[op], w, dst, reg(ins.Src)) // op dst, src
			return
		}
		e.OpImm(simpleOps[op], w, dst, imm(ins)) // op dst, imm
	}
}

var simpleOps = map[asm.ALUOp]x86.ALU{
	asm.Add: x86.Add, asm.Sub: x86.Sub, asm.And: x86.And, asm.Or: x86.Or, asm.Xor: x86.Xor,
}

var signedMoves = map[asm.ALUOp]x86.Width{
	asm.MovSX8: x86.W8, asm.MovSX16: x86.W16, asm.MovSX32: x86.W32,
}

func (e *emitter) emitMov(w x86.Width, ins *asm.Instruction) {
	dst := reg(ins.Dst)
	switch {
	case isPerCPUAddr(ins):
		if ins.Dst != ins.Src {
			e.Mov(w, dst, reg(ins.Src)) // mov dst, src
		}
		e.AddGS(dst, 0) // add dst, gs:[this_cpu_off]
		e.refer(RefPerCPU, 4)
	case ins.OpCode.Source() == asm.RegSource:
		if w == x86.W64 && ins.Dst == ins.Src {
			return // nothing changes, and the kernel emits nothing
		}
		e.Mov(w, dst, reg(ins.Src)) // mov dst, src
	case w == x86.W64:
		e.MovSigned32(dst, imm(ins)) // mov dst, simm32
	default:
		e.MovImm32(dst, uint32(imm(ins))) // mov dst, imm32
	}
}

// emitSwap compiles conversions of byte order. x86 is little endian: conversion to that only
// truncates.
func (e *emitter) emitSwap(ins *asm.Instruction) {
	dst := reg(ins.Dst)
	swaps := ins.OpCode.Class() == asm.ALU64Class || ins.OpCode.Endianness() == asm.BE
	switch {
	case ins.Constant == 16:
		if swaps {
			e.Ror16(dst, 8) // ror dst16, 8
		}
		e.Movzx16(dst) // movzx dst32, dst16
	case swaps:
		e.Bswap(x86.Width(ins.Constant/8), dst) // bswap dst
	case ins.Constant == 32:
		e.Mov(x86.W32, dst, dst) // mov dst32, dst32
	}
}

var shiftOps = map[asm.ALUOp]x86.Shift{asm.LSh: x86.Shl, asm.RSh: x86.Shr, asm.ArSh: x86.Sar}

// emitShift compiles shifts. Without BMI2 the count has to be in cl.
func (e *emitter) emitShift(w x86.Width, ins *asm.Instruction) {
	op, dst, src := shiftOps[ins.OpCode.ALUOp()], reg(ins.Dst), reg(ins.Src)
	switch {
	case ins.OpCode.Source() == asm.ImmSource:
		mask := uint8(w)*8 - 1                       // as the CPU does
		e.ShiftImm(op, w, dst, uint8(imm(ins))&mask) // op dst, imm
	case src == x86.RCX && !(e.l.SavesRCX && dst == x86.RCX):
		e.ShiftCL(op, w, dst) // op dst, cl
	case e.l.ShiftX:
		e.ShiftX(op, w, dst, src) // opx dst, dst, src
	case dst == x86.RCX:
		saves := e.l.SavesRCX && src != x86.RCX
		e.Mov(x86.W64, auxReg, x86.RCX) // mov r11, rcx
		if saves {
			e.Push(x86.RCX) // push rcx
		}
		if src != x86.RCX {
			e.Mov(x86.W64, x86.RCX, src) // mov rcx, src
		}
		e.ShiftCL(op, w, auxReg) // op r11, cl
		if saves {
			e.Pop(x86.RCX) // pop rcx
		}
		e.Mov(x86.W64, x86.RCX, auxReg) // mov rcx, r11
	default:
		e.Push(x86.RCX)              // push rcx
		e.Mov(x86.W64, x86.RCX, src) // mov rcx, src
		e.ShiftCL(op, w, dst)        // op dst, cl
		e.Pop(x86.RCX)               // pop rcx
	}
}

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

func (e *emitter) emitMinusOneDivisor(w x86.Width, ins *asm.Instruction) {
	dst := reg(ins.Dst)
	if isRemainder(ins) {
		e.Op(x86.Xor, x86.W32, dst, dst) // xor dst, dst
		return
	}
	e.Neg(w, dst) // neg dst
}

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
	if e.l.OldDivide && !isSigned(ins) {
		e.emitOldQuotient(w, ins)
		return
	}
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
