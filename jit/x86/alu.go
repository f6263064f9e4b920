package x86

// ALU is an operation of the classic group of eight; its value is the digit that the
// encodings share.
type ALU uint8

// The operations that the compiler uses.
const (
	Add ALU = 0
	Or  ALU = 1
	And ALU = 4
	Sub ALU = 5
	Xor ALU = 6
	Cmp ALU = 7
)

// Op is dst = dst op src, or a comparison of the two.
func (b *Builder) Op(op ALU, w Width, dst, src Reg) {
	b.reg(w, src, dst, byte(op)<<3|0x01) // op dst, src
}

// OpImm is dst = dst op v. The comparison has its own method, CmpImm.
func (b *Builder) OpImm(op ALU, w Width, dst Reg, v int32) {
	if dst != RAX || isInt8(v) {
		b.opImm(op, w, dst, v)
		return
	}
	b.begin()
	b.prefix(w, 0, RAX, false)
	b.code = append(b.code, byte(op)<<3|0x05) // op rax, imm32
	b.imm32(v)
}

// OpImm32 is dst = dst op v with four bytes of immediate, however small v is. It is how the
// kernel moves the stack pointer.
func (b *Builder) OpImm32(op ALU, w Width, dst Reg, v int32) {
	b.reg(w, Reg(op), dst, 0x81) // op dst, imm32
	b.imm32(v)
}

// CmpImm compares a register with a constant.
func (b *Builder) CmpImm(w Width, dst Reg, v int32) { b.opImm(Cmp, w, dst, v) } // cmp dst, imm

func (b *Builder) opImm(op ALU, w Width, dst Reg, v int32) {
	if !isInt8(v) {
		b.OpImm32(op, w, dst, v)
		return
	}
	b.reg(w, Reg(op), dst, 0x83) // op dst, imm8
	b.imm8(int8(v))
}

// Test sets the flags from dst & src.
func (b *Builder) Test(w Width, dst, src Reg) { b.reg(w, src, dst, 0x85) } // test dst, src

// TestImm sets the flags from dst & v.
func (b *Builder) TestImm(w Width, dst Reg, v int32) {
	b.reg(w, 0, dst, 0xf7) // test dst, imm32
	b.imm32(v)
}

// Neg negates a register.
func (b *Builder) Neg(w Width, dst Reg) { b.reg(w, 3, dst, 0xf7) } // neg dst

// Imul is dst = dst * src. The low half of the product is the same signed or not.
func (b *Builder) Imul(w Width, dst, src Reg) { b.reg(w, dst, src, 0x0f, 0xaf) } // imul dst, src

// ImulImm is dst = dst * v.
func (b *Builder) ImulImm(w Width, dst Reg, v int32) {
	if isInt8(v) {
		b.reg(w, dst, dst, 0x6b) // imul dst, dst, imm8
		b.imm8(int8(v))
		return
	}
	b.reg(w, dst, dst, 0x69) // imul dst, dst, imm32
	b.imm32(v)
}

// Mul is rdx:rax = rax * src, unsigned.
func (b *Builder) Mul(w Width, src Reg) { b.reg(w, 4, src, 0xf7) } // mul src

// Div divides rdx:rax by src, unsigned: the quotient goes to rax, the remainder to rdx.
func (b *Builder) Div(w Width, src Reg) { b.reg(w, 6, src, 0xf7) } // div src

// Idiv divides rdx:rax by src, signed, rounding towards zero.
func (b *Builder) Idiv(w Width, src Reg) { b.reg(w, 7, src, 0xf7) } // idiv src

// SignRDX fills rdx with the sign of rax, as Idiv wants it.
func (b *Builder) SignRDX(w Width) {
	if w == W64 {
		b.raw(0x48, 0x99) // cqo
		return
	}
	b.raw(0x99) // cdq
}

// Shift is a shift operation; its value is the digit in ModRM.
type Shift uint8

// The three shifts.
const (
	Shl Shift = 4
	Shr Shift = 5
	Sar Shift = 7
)

// ShiftImm shifts by a constant.
func (b *Builder) ShiftImm(op Shift, w Width, dst Reg, count uint8) {
	if count == 1 {
		b.reg(w, Reg(op), dst, 0xd1) // op dst, 1
		return
	}
	b.reg(w, Reg(op), dst, 0xc1) // op dst, imm8
	b.imm8(int8(count))
}

// ShiftCL shifts by cl.
func (b *Builder) ShiftCL(op Shift, w Width, dst Reg) { b.reg(w, Reg(op), dst, 0xd3) } // op dst, cl

// ShiftX shifts dst by any register; it needs BMI2.
func (b *Builder) ShiftX(op Shift, w Width, dst, count Reg) {
	pp := [...]byte{Shl: 1, Sar: 2, Shr: 3}[op] // 66, f3, f2
	wide := byte(0)
	if w == W64 {
		wide = 0x80
	}
	// REX's bits stand inverted in the VEX prefix; X is never used.
	rxb := (1-dst.high())<<7 | 0x40 | (1-dst.high())<<5
	vvvv := (^byte(count) & 0x0f) << 3
	b.raw(0xc4, rxb|0x02, wide|vvvv|pp, 0xf7, 0xc0|dst.low()<<3|dst.low()) // opx dst, dst, count
}

// Ror16 rotates the lowest 16 bits to the right; by 8 it swaps the two bytes.
func (b *Builder) Ror16(dst Reg, count uint8) {
	b.reg(W16, 1, dst, 0xc1) // ror dst16, imm8
	b.imm8(int8(count))
}

// Bswap reverses the bytes of a register of 32 or 64 bits.
func (b *Builder) Bswap(w Width, dst Reg) { b.plus(w, dst, 0x0f, 0xc8) } // bswap dst
