package x86

// Push pushes a register.
func (b *Builder) Push(r Reg) {
	b.begin()
	b.prefix(W32, 0, r, false)
	b.code = append(b.code, 0x50|r.low()) // push r
}

// Pop pops a register.
func (b *Builder) Pop(r Reg) {
	b.begin()
	b.prefix(W32, 0, r, false)
	b.code = append(b.code, 0x58|r.low()) // pop r
}

// Leave drops the frame: rsp = rbp, then pop rbp.
func (b *Builder) Leave() {
	b.raw(0xc9) // leave
}

// Nop2 is one instruction of two bytes.
func (b *Builder) Nop2() {
	b.raw(0x66, 0x90) // xchg ax, ax
}

// Nop3 is one instruction of three bytes.
func (b *Builder) Nop3() {
	b.raw(0x0f, 0x1f, 0x00) // nop dword ptr [rax]
}

// Nop5 is one instruction of five bytes, the size of a near jump. Because it is one
// instruction and not five, no thread can stand inside it, and it is safe to patch.
func (b *Builder) Nop5() {
	b.raw(0x0f, 0x1f, 0x44, 0x00, 0x00) // nop dword ptr [rax+rax*1+0x0]
}

// Pause hints that the code spins.
func (b *Builder) Pause() {
	b.raw(0xf3, 0x90) // pause
}

// Lfence waits for earlier instructions, and stops speculation.
func (b *Builder) Lfence() {
	b.raw(0x0f, 0xae, 0xe8) // lfence
}

// Int3 traps.
func (b *Builder) Int3() {
	b.raw(0xcc) // int3
}
