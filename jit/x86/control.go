package x86

import "fmt"

// Cond is a condition of a jump; its value is the opcode of the short form.
type Cond uint8

// The conditions, named as in the mnemonics: above and below are unsigned, greater and less
// are signed.
const (
	JB  Cond = 0x72
	JAE Cond = 0x73
	JE  Cond = 0x74
	JNE Cond = 0x75
	JBE Cond = 0x76
	JA  Cond = 0x77
	JL  Cond = 0x7c
	JGE Cond = 0x7d
	JLE Cond = 0x7e
	JG  Cond = 0x7f
)

// Forward is a short jump whose target has not been emitted yet: the offset of its end.
type Forward int

// JccForward emits a short conditional jump over instructions that are still to come.
func (b *Builder) JccForward(c Cond) Forward {
	b.JccShort(c, 0)
	return Forward(len(b.code))
}

// JmpForward is JccForward without the condition.
func (b *Builder) JmpForward() Forward {
	b.JmpShort(0)
	return Forward(len(b.code))
}

// Bind makes the next instruction the target of jumps. They are over a few instructions that the
// caller knows: one that is too long for a short jump is a mistake in the caller.
func (b *Builder) Bind(jumps ...Forward) {
	for _, j := range jumps {
		d := len(b.code) - int(j)
		if d > 127 {
			panic(fmt.Sprintf("x86: a short jump over %d bytes", d))
		}
		b.code[j-1] = byte(d)
	}
}

// JccShort jumps on a condition; rel counts from the end of the instruction.
func (b *Builder) JccShort(c Cond, rel int8) { b.raw(byte(c), byte(rel)) } // jcc rel8

// JccNear jumps on a condition.
func (b *Builder) JccNear(c Cond, rel int32) {
	b.raw(0x0f, byte(c)+0x10) // jcc rel32
	b.imm32(rel)
}

// JmpShort jumps.
func (b *Builder) JmpShort(rel int8) { b.raw(0xeb, byte(rel)) } // jmp rel8

// JmpNear jumps; its five bytes are what a patcher exchanges with those of Nop5.
func (b *Builder) JmpNear(rel int32) {
	b.raw(0xe9) // jmp rel32
	b.imm32(rel)
}

// JmpReg jumps to the address in a register.
func (b *Builder) JmpReg(r Reg) { b.reg(W32, 4, r, 0xff) } // jmp r

// Call calls.
func (b *Builder) Call(rel int32) {
	b.raw(0xe8) // call rel32
	b.imm32(rel)
}

// CallReg calls the address in a register.
func (b *Builder) CallReg(r Reg) { b.reg(W32, 2, r, 0xff) } // call r

// Ret returns.
func (b *Builder) Ret() { b.raw(0xc3) } // ret

// Push pushes a register.
func (b *Builder) Push(r Reg) { b.plus(W32, r, 0x50) } // push r

// Pop pops a register.
func (b *Builder) Pop(r Reg) { b.plus(W32, r, 0x58) } // pop r

// Leave drops the frame: rsp = rbp, then pop rbp.
func (b *Builder) Leave() { b.raw(0xc9) } // leave

// Nop2 is one instruction of two bytes.
func (b *Builder) Nop2() { b.raw(0x66, 0x90) } // xchg ax, ax

// Nop3 is one instruction of three bytes.
func (b *Builder) Nop3() { b.raw(0x0f, 0x1f, 0x00) } // nop dword ptr [rax]

// Nop5 is one instruction of five bytes, the size of a near jump. Because it is one
// instruction and not five, no thread can stand inside it, and it is safe to patch.
func (b *Builder) Nop5() { b.raw(0x0f, 0x1f, 0x44, 0x00, 0x00) } // nop dword ptr [rax+rax*1+0x0]

// OldNop5 is the nop of five bytes that Linux up to 5.12 has on CPUs which like it better.
func (b *Builder) OldNop5() { b.raw(0x66, 0x66, 0x66, 0x66, 0x90) } // xchg ax, ax

// Endbr64 marks where an indirect branch may lead to.
func (b *Builder) Endbr64() { b.raw(0xf3, 0x0f, 0x1e, 0xfa) } // endbr64

// Pause hints that the code spins.
func (b *Builder) Pause() { b.raw(0xf3, 0x90) } // pause

// Lfence waits for earlier instructions, and stops speculation.
func (b *Builder) Lfence() { b.raw(0x0f, 0xae, 0xe8) } // lfence

// Int3 traps.
func (b *Builder) Int3() { b.raw(0xcc) } // int3
