package sim

// opcode is what an instruction does, whatever its operands are.
type opcode uint8

const (
	opInvalid opcode = iota
	opNop            // pause and lfence too: here nothing is speculated
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

// reg is a general purpose register by its number in the encoding.
type reg uint8

const (
	rax reg = iota
	rcx
	rdx
	rbx
	rsp
	rbp
	rsi
	rdi
	r8
	r9
	r10
	r11
	r12
	r13
	r14
	r15

	noReg reg = 0xff
)

// place is where an operand is.
type place uint8

const (
	nowhere place = iota
	inReg
	inMem // at insn.mem
	inImm // insn.imm
)

// operand is a register, the memory operand or the immediate.
type operand struct {
	in  place
	reg reg
}

func regOperand(r reg) operand { return operand{inReg, r} }

var (
	memOperand = operand{in: inMem}
	immOperand = operand{in: inImm}
)

// address is [base + index*scale + disp], or, with rip, disp behind the instruction.
type address struct {
	base, index reg
	scale       uint8
	rip         bool
	disp        int32
}

// insn is one machine instruction.
type insn struct {
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

// loads reports whether the instruction reads its memory operand.
func (i *insn) loads() bool {
	return i.src.in == inMem && i.op != opLea || i.dst.in == inMem && i.op != opMov
}
