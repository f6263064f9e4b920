package jit

import (
	"math"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// conditions are the machine's for the comparisons dst, src of eBPF.
var conditions = map[asm.JumpOp]x86.Cond{
	asm.JEq: x86.JE, asm.JNE: x86.JNE, asm.JSet: x86.JNE,
	asm.JGT: x86.JA, asm.JGE: x86.JAE, asm.JLT: x86.JB, asm.JLE: x86.JBE,
	asm.JSGT: x86.JG, asm.JSGE: x86.JGE, asm.JSLT: x86.JL, asm.JSLE: x86.JLE,
}

func (e *emitter) emitJump(i int) {
	ins := &e.p.Insns[i]
	target, _ := e.p.Target(i)
	to := e.ends[target-e.fn.First] // where the instruction before the target ends
	if ins.OpCode == opJa || ins.OpCode == opJaLong {
		if target != i+1 { // a jump to the next instruction is none
			e.jump(i, to)
		}
		return
	}
	e.emitCompare(ins)
	cond := conditions[ins.OpCode.JumpOp()]
	rel, short := e.distance(i, to)
	if short {
		e.JccShort(cond, int8(rel)) // jcc target
		return
	}
	e.JccNear(cond, rel) // jcc target
}

func (e *emitter) jump(i, to int) {
	rel, short := e.distance(i, to)
	if short {
		e.JmpShort(int8(rel)) // jmp target
		return
	}
	e.JmpNear(rel) // jmp target
}

// distance is how far it is from the end of instruction i to an offset, as far as this pass
// knows, and whether a short jump will do.
func (e *emitter) distance(i, to int) (rel int32, short bool) {
	at := i - e.fn.First
	rel = int32(to - e.ends[at+1])
	short = math.MinInt8 <= rel && rel <= int32(e.l.ShortJumpMax)
	if e.sticky && e.long[at] {
		short = false
	}
	e.long[at] = !short
	return rel, short
}

// emitCompare sets the flags for a conditional jump.
func (e *emitter) emitCompare(ins *asm.Instruction) {
	w, dst := x86.W32, reg(ins.Dst)
	if ins.OpCode.Class() == asm.JumpClass {
		w = x86.W64
	}
	set := ins.OpCode.JumpOp() == asm.JSet
	switch {
	case ins.OpCode.Source() == asm.RegSource && set:
		e.Test(w, dst, reg(ins.Src)) // test dst, src
	case ins.OpCode.Source() == asm.RegSource:
		e.Op(x86.Cmp, w, dst, reg(ins.Src)) // cmp dst, src
	case set:
		e.TestImm(w, dst, imm(ins)) // test dst, imm
	case imm(ins) == 0:
		e.Test(w, dst, dst) // test dst, dst
	default:
		e.CmpImm(w, dst, imm(ins)) // cmp dst, imm
	}
}
