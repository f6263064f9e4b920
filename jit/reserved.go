package jit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// fields says which operands an instruction has. RFC 9669, 3.1: what it has not, shall be zero.
type fields struct{ dst, src, offset, imm bool }

// fieldsOf is which operands an instruction of a known opcode has.
func fieldsOf(ins *asm.Instruction) fields {
	op := ins.OpCode
	byReg := op.Source() == asm.RegSource
	switch op.Class() {
	case asm.LdClass:
		if isLegacyLoad(ins) {
			return fields{src: op.Mode() == asm.IndMode, imm: true}
		}
		return fields{dst: true, src: true, imm: true} // the source says what the constant is
	case asm.LdXClass:
		return fields{dst: true, src: true, offset: true}
	case asm.StClass:
		return fields{dst: true, offset: true, imm: true}
	case asm.StXClass: // an atomic operation is part of the opcode here
		return fields{dst: true, src: true, offset: true, imm: op.Mode() == asm.AtomicMode}
	case asm.ALUClass, asm.ALU64Class:
		switch op.ALUOp() {
		case asm.Neg:
			return fields{dst: true}
		case asm.Swap:
			return fields{dst: true, imm: true}
		}
		return fields{dst: true, src: byReg, imm: !byReg}
	}
	switch op {
	case opExit:
		return fields{}
	case opJa:
		return fields{offset: true}
	case opJaLong:
		return fields{imm: true}
	case opCall:
		return fields{src: true, imm: true} // the source says what is called
	case opCallX:
		return fields{dst: true}
	}
	return fields{dst: true, src: byReg, offset: true, imm: !byReg}
}

// checkReserved refuses an operand that an instruction has not.
func checkReserved(ins *asm.Instruction) error {
	has := fieldsOf(ins)
	switch {
	case !has.dst && ins.Dst != 0:
		return fmt.Errorf("destination %v in a reserved field", ins.Dst)
	case !has.src && ins.Src != 0:
		return fmt.Errorf("source %v in a reserved field", ins.Src)
	case !has.offset && ins.Offset != 0:
		return fmt.Errorf("offset %d in a reserved field", ins.Offset)
	case !has.imm && ins.Constant != 0:
		return fmt.Errorf("constant %d in a reserved field", ins.Constant)
	}
	return nil
}
