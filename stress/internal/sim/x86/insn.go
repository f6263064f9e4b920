package x86

import (
	"slices"

	"golang.org/x/arch/x86/x86asm"
)

// What an instruction does is named by [x86asm.Op], but for two: all conditional jumps, of which
// Insn.cond says the condition, and cdq with cqo. Nops are what has no effect here: pause, lfence and
// endbr64 too, for nothing is speculated, nor are indirect jumps checked.
const (
	opJcc  = x86asm.JE
	opSign = x86asm.CDQ
)

// A Reg is a general purpose register by its number in the encoding.
type Reg uint8

const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15

	noReg Reg = 0xff
)

var regNames = [...]string{
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
}

// String returns the register's name.
func (r Reg) String() string { return regNames[r] }

// RegByName returns the register of a name.
func RegByName(name string) (r Reg, ok bool) {
	n := slices.Index(regNames[:], name)
	return Reg(max(n, 0)), n >= 0
}

// place is where an operand is.
type place uint8

const (
	nowhere place = iota
	inReg
	inMem // at Insn.mem
	inImm // Insn.imm
)

// operand is a register, the memory operand or the immediate.
type operand struct {
	in  place
	reg Reg
}

func regOperand(r Reg) operand { return operand{inReg, r} }

var (
	memOperand = operand{in: inMem}
	immOperand = operand{in: inImm}
)

// address is [base + index*scale + disp], or, with rip, disp after the instruction.
type address struct {
	base, index Reg
	scale       uint8
	rip         bool
	disp        int32
}

// An Insn is one machine instruction.
type Insn struct {
	op       x86asm.Op
	w        uint8 // bytes of the operation
	from     uint8 // movzx and movsx: bytes of the source
	dst, src operand
	mem      address
	imm      int64 // of jumps and calls: the distance from the end
	cond     uint8 // jcc: the low digit of its opcode
	size     uint8
}

// Valid reports whether there is an instruction: one of those that are known.
func (i *Insn) Valid() bool { return i.op != 0 }

// Size returns the length of the encoding.
func (i *Insn) Size() int { return int(i.size) }

// JumpsToReg reports whether the instruction is a jump to where a register says.
func (i *Insn) JumpsToReg() bool { return i.op == x86asm.JMP && i.src.in == inReg }
