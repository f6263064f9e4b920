package jit

import "tailpoke/jit/x86"

// byPointer is the counter of 6.12 and later. A frame has two words under its eBPF stack:
//
//	[rbp-8-depth]   the counter itself, in the frame that owns it; elsewhere a second pointer
//	[rbp-16-depth]  where the counter is
//
// rax brings one of the two in. A tail call pops both words into rax, so that the upper one
// arrives: from the owner the count, which the program that takes over the frame owns then,
// from any other function the pointer. No stack lies as low in memory as the limit, which is
// how the program tells them apart.
type byPointer struct{}

func (byPointer) clear(b *x86.Builder, zero bool) {
	if zero {
		b.Op(x86.Xor, x86.W64, x86.RAX, x86.RAX) // xor rax, rax
		return
	}
	b.Nop3() // as long, so that tail calls enter every function at the same offset
}

func (byPointer) push(b *x86.Builder, main bool, limit uint32) {
	if !main { // it is only ever called, with the pointer in rax
		b.Push(x86.RAX) // push rax
		b.Push(x86.RAX) // push rax
		return
	}
	b.CmpImm(x86.W64, x86.RAX, int32(limit)) // cmp rax, limit
	pointer := b.JccForward(x86.JA)          // ja pointer
	b.Push(x86.RAX)                          // push rax
	b.Mov(x86.W64, x86.RAX, x86.RSP)         // mov rax, rsp
	owner := b.JmpForward()                  // jmp owner
	b.Bind(pointer)
	b.Push(x86.RAX) // pointer: push rax
	b.Bind(owner)
	b.Push(x86.RAX) // owner: push rax
}

func (byPointer) test(b *x86.Builder, depth int32, limit uint32) x86.Forward {
	b.Load(x86.W64, x86.RAX, byPointerWord(depth))     // mov rax, [rbp-16-depth]
	b.OpAtImm8(x86.Cmp, x86.W64, x86.RAX, int8(limit)) // cmp qword ptr [rax], limit
	return b.JccForward(x86.JAE)                       // jae out
}

func (byPointer) spend(b *x86.Builder, _ int32) {
	b.OpAtImm8(x86.Add, x86.W64, x86.RAX, 1) // add qword ptr [rax], 1
}

func (byPointer) pop(b *x86.Builder) {
	b.Pop(x86.RAX) // pop rax
	b.Pop(x86.RAX) // pop rax
}

func (byPointer) reload(b *x86.Builder, depth int32) {
	b.Load(x86.W64, x86.RAX, byPointerWord(depth)) // mov rax, [rbp-16-depth]
}

// byPointerWord is the word that says where the counter is.
func byPointerWord(depth int32) x86.Mem { return x86.At32(x86.RBP, -16-depth) }
