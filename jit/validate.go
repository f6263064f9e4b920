package jit

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// Opcodes that have exactly one meaning.
const (
	opLoadImm64 = asm.OpCode(0x18)
	opJa        = asm.OpCode(0x05)
	opJaLong    = asm.OpCode(0x06) // its distance is in the constant
	opCall      = asm.OpCode(0x85)
	opCallX     = asm.OpCode(0x8d) // through a register
	opExit      = asm.OpCode(0x95)
)

// regAX is a register that the verifier's own instructions may use, and no others.
const regAX = asm.R10 + 1

// Two atomic operations for which the assembler has constructors but no exported names.
const (
	opLoadAcquire  = asm.AtomicOp(0x100 << 8)
	opStoreRelease = asm.AtomicOp(0x110 << 8)
)

var errOpcode = errors.New("unknown opcode")

// validate checks one instruction by itself: that it is known, and that its registers exist
// and may be used as it uses them.
func validate(ins *asm.Instruction, translated bool) error {
	last := asm.R10
	if translated {
		last = regAX
	}
	if ins.Dst > last || ins.Src > last {
		return fmt.Errorf("no register r%d", max(ins.Dst, ins.Src))
	}
	var err error
	size := ins.OpCode.Size()
	switch ins.OpCode.Class() {
	case asm.LdClass:
		err = validateLd(ins, translated)
	case asm.LdXClass:
		err = known(ins.OpCode == asm.LoadMemOp(size) ||
			ins.OpCode == asm.LoadMemSXOp(size) && size != asm.DWord)
	case asm.StClass:
		err = known(ins.OpCode == asm.StoreImmOp(size))
	case asm.StXClass:
		err = validateStore(ins)
	case asm.ALUClass, asm.ALU64Class:
		err = validateALU(ins, translated)
	default:
		err = validateJump(ins)
	}
	if err != nil {
		return err
	}
	if r, ok := written(ins); ok && r == asm.R10 {
		return errors.New("the frame pointer cannot be written")
	}
	if translated { // a verifier leaves things there
		return nil
	}
	return checkReserved(ins)
}

func known(ok bool) error {
	if !ok {
		return errOpcode
	}
	return nil
}

func validateLd(ins *asm.Instruction, translated bool) error {
	if isLegacyLoad(ins) && !translated { // a verifier rewrites them
		return known(ins.OpCode.Size() != asm.DWord)
	}
	if ins.OpCode != opLoadImm64 {
		return errOpcode
	}
	switch ins.Src {
	case 0, asm.PseudoMapFD, asm.PseudoMapValue, asm.PseudoFunc:
		return nil
	}
	return fmt.Errorf("pseudo load %d is not supported", ins.Src)
}

func validateStore(ins *asm.Instruction) error {
	size := ins.OpCode.Size()
	if ins.OpCode.Mode() != asm.AtomicMode {
		return known(ins.OpCode == asm.StoreMemOp(size))
	}
	switch op := ins.OpCode.AtomicOp(); op {
	case asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic, asm.FetchAdd,
		asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg, asm.CmpXchg,
		opLoadAcquire, opStoreRelease:
		return known(ins.OpCode == op.OpCode(size))
	}
	return errOpcode
}

func validateALU(ins *asm.Instruction, translated bool) error {
	if translated && ins.Offset != 0 && !isPerCPUAddr(ins) {
		return fmt.Errorf("offset %d in a reserved field", ins.Offset)
	}
	switch ins.OpCode.ALUOp() {
	case asm.Add, asm.Sub, asm.Mul, asm.Div, asm.Or, asm.And, asm.LSh, asm.RSh,
		asm.Mod, asm.Xor, asm.Mov, asm.ArSh, asm.SDiv, asm.SMod:
		return nil
	case asm.MovSX8, asm.MovSX16:
		return known(ins.OpCode.Source() == asm.RegSource)
	case asm.MovSX32:
		return known(ins.OpCode.Source() == asm.RegSource && ins.OpCode.Class() == asm.ALU64Class)
	case asm.Neg:
		return known(ins.OpCode.Source() == asm.ImmSource)
	case asm.Swap:
		if ins.Constant != 16 && ins.Constant != 32 && ins.Constant != 64 {
			return fmt.Errorf("swap of %d bits", ins.Constant)
		}
		// Bit 3 chooses the byte order; the unconditional swap has no choice.
		return known(ins.OpCode.Class() == asm.ALUClass || ins.OpCode&0x08 == 0)
	}
	return errOpcode
}

func validateJump(ins *asm.Instruction) error {
	switch ins.OpCode {
	case opJa, opJaLong, opExit, opCallX:
		return nil
	case opCall:
		switch ins.Src {
		case 0, asm.PseudoCall, asm.PseudoKfuncCall:
			return nil
		}
		return fmt.Errorf("call of kind %d is not supported", ins.Src)
	}
	_, ok := conditions[ins.OpCode.JumpOp()]
	return known(ok && ins.OpCode&^0xff == 0)
}

// written is the register that an instruction itself writes, calls apart.
func written(ins *asm.Instruction) (asm.Register, bool) {
	switch cls := ins.OpCode.Class(); {
	case isLegacyLoad(ins):
		return asm.R0, true
	case cls == asm.LdClass || cls == asm.LdXClass || cls.IsALU():
		return ins.Dst, true
	case cls == asm.StXClass && ins.OpCode.Mode() == asm.AtomicMode:
		switch ins.OpCode.AtomicOp() {
		case asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic, opStoreRelease:
			return 0, false
		case opLoadAcquire:
			return ins.Dst, true
		case asm.CmpXchg:
			return asm.R0, true
		}
		return ins.Src, true
	}
	return 0, false
}

// fields says which operands an instruction has. RFC 9669, 3.1: what it has not, shall be zero.
type fields struct{ dst, src, offset, imm bool }

// fieldsOf is which operands an instruction of a known opcode has.
func fieldsOf(ins *asm.Instruction) fields {
	op := ins.OpCode
	byReg := op.Source() == asm.RegSource // false for stores and swaps, which have no source bit
	switch op.Class() {
	case asm.LdClass:
		if isLegacyLoad(ins) {
			return fields{src: op.Mode() == asm.IndMode, imm: true}
		}
		return fields{dst: true, src: true, imm: true} // the source says what the constant is
	case asm.LdXClass:
		return fields{dst: true, src: true, offset: true}
	case asm.StXClass: // an atomic operation is part of the opcode here
		return fields{dst: true, src: true, offset: true, imm: op.Mode() == asm.AtomicMode}
	case asm.ALUClass, asm.ALU64Class:
		if op.ALUOp() == asm.Neg {
			return fields{dst: true}
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
