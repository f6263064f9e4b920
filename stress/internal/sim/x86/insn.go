package x86

import "slices"

// opcode is what an instruction does, apart from its operands.
type opcode uint8

const (
	opInvalid opcode = iota
	opNop            // pause, lfence and endbr64 too: here nothing is speculated, nor indirect jumps checked
	opInt3
	opAdd
	opOr
	opAnd
	opSub
	opXor
	opCmp
	opTest
	opMov
	opMovzx
	opMovsx
	opLea
	opPush
	opPop
	opLeave
	opImul // dst = src * src2, src2 an immediate or dst
	opMul  // rdx:rax = rax * dst
	opDiv
	opIdiv
	opSign // cdq, cqo
	opNeg
	opShl
	opShr
	opSar
	opRor
	opBswap
	opXchg
	opXadd
	opCmpxchg
	opJcc
	opJmp
	opCall
	opRet
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
	op       opcode
	w        uint8 // bytes of the operation
	from     uint8 // movzx and movsx: bytes of the source
	dst, src operand
	mem      address
	imm      int64 // of jumps and calls: the distance from the end
	cond     uint8 // jcc: the low digit of its opcode
	lock     bool
	size     uint8
}

// Valid reports whether there is an instruction: one of those that are known.
func (i *Insn) Valid() bool { return i.op != opInvalid }

// Size returns the length of the encoding.
func (i *Insn) Size() int { return int(i.size) }

// JumpsToReg reports whether the instruction is a jump to where a register says.
func (i *Insn) JumpsToReg() bool { return i.op == opJmp && i.src.in == inReg }
