package x86

import "math"

// Mov copies a register. At 32 bits it clears the upper half of dst.
func (b *Builder) Mov(w Width, dst, src Reg) { b.reg(w, src, dst, 0x89) } // mov dst, src

// Movzx16 clears all but the lowest 16 bits of a register.
func (b *Builder) Movzx16(r Reg) { b.reg(W32, r, r, 0x0f, 0xb7) } // movzx r32, r16

// signExtend has the opcodes by the width of what is extended, in a register or in memory.
var signExtend = [...][]byte{
	W8:  {0x0f, 0xbe}, // movsx dst, byte
	W16: {0x0f, 0xbf}, // movsx dst, word
	W32: {0x63},       // movsxd dst, dword
}

// Movsx extends the sign of the lowest from bytes of a register to w, of 32 or 64 bits. At 32
// bits the upper half of dst is cleared.
func (b *Builder) Movsx(w, from Width, dst, src Reg) {
	b.begin()
	b.prefix(w, dst, src, from == W8) // without REX, 4 to 7 are ah to bh
	b.code = append(b.code, signExtend[from]...)
	b.code = append(b.code, 0xc0|dst.low()<<3|src.low())
}

// MovImm32 loads a constant of 32 bits, extended with zeros to 64.
func (b *Builder) MovImm32(dst Reg, v uint32) {
	if v == 0 {
		b.reg(W32, dst, dst, 0x31) // xor dst, dst
		return
	}
	b.plus(W32, dst, 0xb8) // mov dst, imm32
	b.imm32(int32(v))
}

// MovSigned32 loads a constant of 32 bits, extended with its sign to 64.
func (b *Builder) MovSigned32(dst Reg, v int32) {
	if v >= 0 {
		b.MovImm32(dst, uint32(v))
		return
	}
	b.MovSigned32Wide(dst, v)
}

// MovSigned32Wide is MovSigned32 in the form that holds for any constant.
func (b *Builder) MovSigned32Wide(dst Reg, v int32) {
	b.reg(W64, 0, dst, 0xc7) // mov dst, simm32
	b.imm32(v)
}

// MovAbs loads a constant of 64 bits by the longest form.
func (b *Builder) MovAbs(dst Reg, v uint64) {
	b.plus(W64, dst, 0xb8) // movabs dst, imm64
	b.imm64(v)
}

// MovImm64 loads a constant of 64 bits by the shortest of the three forms.
func (b *Builder) MovImm64(dst Reg, v uint64) {
	switch {
	case v <= math.MaxUint32:
		b.MovImm32(dst, uint32(v))
	case int64(v) == int64(int32(v)):
		b.MovSigned32(dst, int32(v))
	default:
		b.MovAbs(dst, v)
	}
}
