package x86

import "encoding/binary"

// Builder collects the machine code of one function. The zero value is empty and ready.
type Builder struct {
	code   []byte
	starts []int
}

// Len is the offset at which the next instruction starts.
func (b *Builder) Len() int { return len(b.code) }

// Code returns the bytes. They are the builder's own, valid until the next Reset.
func (b *Builder) Code() []byte { return b.code }

// Starts returns the offset of every instruction, ascending. As with Code, the slice is the
// builder's own.
func (b *Builder) Starts() []int { return b.starts }

// Reset empties the builder and keeps its memory for the next pass.
func (b *Builder) Reset() { b.code, b.starts = b.code[:0], b.starts[:0] }

// SetRel32 writes the four byte displacement that ends at offset end, so that the call or
// jump which ends there goes to offset to.
func SetRel32(code []byte, end, to int) {
	binary.LittleEndian.PutUint32(code[end-4:end], uint32(int32(to-end)))
}

// begin marks the start of an instruction. Every method that emits one calls it once.
func (b *Builder) begin() { b.starts = append(b.starts, len(b.code)) }

// raw emits one instruction that has no operand to encode.
func (b *Builder) raw(code ...byte) {
	b.begin()
	b.code = append(b.code, code...)
}

// reg emits one instruction on two registers. In forms with one register, reg is the
// extension digit that the manual writes /n.
func (b *Builder) reg(w Width, reg, rm Reg, opcode ...byte) {
	b.begin()
	b.prefix(w, reg, rm, false)
	b.code = append(b.code, opcode...)
	b.code = append(b.code, 0xc0|reg.low()<<3|rm.low())
}

// plus emits one instruction whose opcode has a register in its last three bits.
func (b *Builder) plus(w Width, r Reg, opcode ...byte) {
	b.begin()
	b.prefix(w, 0, r, false)
	b.code = append(b.code, opcode...)
	b.code[len(b.code)-1] |= r.low()
}

// mem emits one instruction on a register, or an extension digit, and memory.
func (b *Builder) mem(w Width, reg Reg, m Mem, opcode ...byte) {
	b.begin()
	b.prefix(w, reg, m.base, false)
	b.memTail(reg, m, opcode...)
}

func (b *Builder) memTail(reg Reg, m Mem, opcode ...byte) {
	b.code = append(b.code, opcode...)
	if m.short() {
		b.code = append(b.code, 0x40|reg.low()<<3|m.base.low())
		b.imm8(int8(m.disp))
		return
	}
	b.code = append(b.code, 0x80|reg.low()<<3|m.base.low())
	b.imm32(m.disp)
}

// prefix emits the operand size prefix and REX. A REX that carries no bit is left out unless
// it is forced: with it, an operand of one byte is sil or dil; without it, dh or bh.
func (b *Builder) prefix(w Width, reg, rm Reg, force bool) {
	if w == W16 {
		b.code = append(b.code, 0x66)
	}
	rex := byte(0x40) | reg.high()<<2 | rm.high()
	if w == W64 {
		rex |= 0x08
	}
	if rex != 0x40 || force {
		b.code = append(b.code, rex)
	}
}

func (b *Builder) imm8(v int8)    { b.code = append(b.code, byte(v)) }
func (b *Builder) imm16(v int16)  { b.code = binary.LittleEndian.AppendUint16(b.code, uint16(v)) }
func (b *Builder) imm32(v int32)  { b.code = binary.LittleEndian.AppendUint32(b.code, uint32(v)) }
func (b *Builder) imm64(v uint64) { b.code = binary.LittleEndian.AppendUint64(b.code, v) }

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
