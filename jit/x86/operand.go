package x86

// Reg is a general purpose register, numbered as the hardware numbers it.
type Reg uint8

// The sixteen general purpose registers.
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
)

// low is the part of the register's number that stands in ModRM or in the opcode.
func (r Reg) low() byte { return byte(r & 7) }

// high is the bit of the register's number that stands in the REX prefix.
func (r Reg) high() byte { return byte(r >> 3 & 1) }

// Width is the width of an operation in bytes.
type Width uint8

// The four widths of general purpose operations.
const (
	W8  Width = 1
	W16 Width = 2
	W32 Width = 4
	W64 Width = 8
)

// Mem is the operand [base+disp]. Its base is neither rsp nor r12: these need an index byte,
// and nothing in the compiler's register map is held in them.
type Mem struct {
	base Reg
	disp int32
	wide bool
}

// At is [base+disp] with the shorter of the two displacements that the kernel uses.
func At(base Reg, disp int32) Mem { return Mem{base: base, disp: disp} }

// At32 is [base+disp] with a displacement of four bytes, however small it is.
func At32(base Reg, disp int32) Mem { return Mem{base: base, disp: disp, wide: true} }

// short says whether the displacement takes one byte.
func (m Mem) short() bool { return !m.wide && isInt8(m.disp) }

func isInt8(v int32) bool { return v == int32(int8(v)) }
