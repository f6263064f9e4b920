package x86

// Load reads memory into a register and fills the rest of it with zeros.
func (b *Builder) Load(w Width, dst Reg, m Mem) {
	switch w {
	case W8:
		b.mem(W64, dst, m, 0x0f, 0xb6) // movzx dst, byte ptr [m]
	case W16:
		b.mem(W64, dst, m, 0x0f, 0xb7) // movzx dst, word ptr [m]
	default:
		b.mem(w, dst, m, 0x8b) // mov dst, [m]
	}
}

// LoadSigned reads memory into a register and fills the rest of it with the sign.
func (b *Builder) LoadSigned(w Width, dst Reg, m Mem) {
	b.mem(W64, dst, m, signExtend[w]...)
}

// LeaRIP makes the address that lies disp after the end of the instruction.
func (b *Builder) LeaRIP(dst Reg, disp int32) {
	b.raw(0x48|dst.high()<<2, 0x8d, 0x05|dst.low()<<3) // lea dst, [rip+disp32]
	b.imm32(disp)
}

// AddGS adds the quad word at an offset in gs, where kernels keep what each CPU has for itself.
func (b *Builder) AddGS(dst Reg, off int32) {
	b.raw(0x65, 0x48|dst.high()<<2, 0x03, 0x04|dst.low()<<3, 0x25) // add dst, gs:[off]
	b.imm32(off)
}

// SarGS divides the quad word at an offset in gs by a power of two, rounding down.
func (b *Builder) SarGS(off int32, count uint8) {
	b.raw(0x65, 0x48, 0xc1, 0x3c, 0x25) // sar qword ptr gs:[off], count
	b.imm32(off)
	b.code = append(b.code, count)
}

// SarGSRIP is SarGS of an offset in gs that lies disp after the end of the instruction.
func (b *Builder) SarGSRIP(disp int32, count uint8) {
	b.raw(0x65, 0x48, 0xc1, 0x3d) // sar qword ptr gs:[rip+disp32], count
	b.imm32(disp)
	b.code = append(b.code, count)
}

// LoadIndexed8 reads the quad word [base + index*8 + disp32].
func (b *Builder) LoadIndexed8(dst, base, index Reg, disp int32) {
	b.begin()
	rex := 0x48 | dst.high()<<2 | index.high()<<1 | base.high()
	sib := 3<<6 | index.low()<<3 | base.low()
	b.code = append(b.code, rex, 0x8b, 0x84|dst.low()<<3, sib) // mov dst, [base+index*8+disp32]
	b.imm32(disp)
}

// Store writes a register to memory.
func (b *Builder) Store(w Width, m Mem, src Reg) {
	if w != W8 {
		b.mem(w, src, m, 0x89) // mov [m], src
		return
	}
	b.begin()
	b.prefix(w, src, m.base, src >= RSP) // without REX, 4 to 7 are ah to bh
	b.memTail(src, m, 0x88)              // mov byte ptr [m], src8
}

// StoreTop writes a register to the quad word that the stack pointer points to.
func (b *Builder) StoreTop(src Reg) {
	b.raw(0x48|src.high()<<2, 0x89, 0x04|src.low()<<3, 0x24) // mov [rsp], src
}

// StoreImm writes a constant to memory; at 64 bits its sign is extended.
func (b *Builder) StoreImm(w Width, m Mem, v int32) {
	if w == W8 {
		b.mem(w, 0, m, 0xc6) // mov byte ptr [m], imm8
		b.imm8(int8(v))
		return
	}
	b.mem(w, 0, m, 0xc7) // mov [m], imm
	if w == W16 {
		b.imm16(int16(v))
		return
	}
	b.imm32(v)
}

// CmpMem compares memory with a register.
func (b *Builder) CmpMem(w Width, m Mem, src Reg) { b.mem(w, src, m, 0x39) } // cmp [m], src

// OpAtImm8 is [base] = [base] op v, or a comparison. It is the one operand that the kernel
// writes without a displacement; rbp and r13 as base have no such form.
func (b *Builder) OpAtImm8(op ALU, w Width, base Reg, v int8) {
	b.begin()
	b.prefix(w, 0, base, false)
	b.code = append(b.code, 0x83, byte(op)<<3|base.low()) // op [base], imm8
	b.imm8(v)
}

// LockOp is [m] = [m] op src, atomically.
func (b *Builder) LockOp(op ALU, w Width, m Mem, src Reg) {
	b.lock(w, src, m, byte(op)<<3|0x01) // lock op [m], src
}

// LockXadd adds src to memory, atomically, and leaves in src what was there.
func (b *Builder) LockXadd(w Width, m Mem, src Reg) {
	b.lock(w, src, m, 0x0f, 0xc1) // lock xadd [m], src
}

// Xchg exchanges src and memory, locked as it is.
func (b *Builder) Xchg(w Width, m Mem, src Reg) { b.mem(w, src, m, 0x87) } // xchg [m], src

// LockXchg is Xchg with the prefix, which kernels before 7.0 write all the same.
func (b *Builder) LockXchg(w Width, m Mem, src Reg) {
	b.lock(w, src, m, 0x87) // lock xchg [m], src
}

// LockCmpxchg writes src to memory if rax is there; rax gets what was there if not.
func (b *Builder) LockCmpxchg(w Width, m Mem, src Reg) {
	b.lock(w, src, m, 0x0f, 0xb1) // lock cmpxchg [m], src
}

func (b *Builder) lock(w Width, src Reg, m Mem, opcode ...byte) {
	b.raw(0xf0) // lock
	b.prefix(w, src, m.base, false)
	b.memTail(src, m, opcode...)
}
