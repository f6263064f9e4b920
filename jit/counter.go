package jit

import "tailpoke/jit/x86"

// counting emits what an era does with the counter on the machine. A further era is one more
// implementation and one more Layout value.
type counting interface {
	clear(b *x86.Builder, zero bool)                         // filler before push rbp
	push(b *x86.Builder, main bool, limit uint32)            // the frame's counter words
	test(b *x86.Builder, depth int32, l *Layout) x86.Forward // jumps when nothing is left
	spend(b *x86.Builder, depth int32)                       // counts one tail call
	pop(b *x86.Builder)                                      // takes the words off again
	reload(b *x86.Builder, depth int32)                      // rax for a function called
}

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

func (byPointer) test(b *x86.Builder, depth int32, l *Layout) x86.Forward {
	b.Load(x86.W64, x86.RAX, byPointerWord(depth))               // mov rax, [rbp-16-depth]
	b.OpAtImm8(x86.Cmp, x86.W64, x86.RAX, int8(l.Counter.Limit)) // cmp qword ptr [rax], limit
	return b.JccForward(x86.JAE)                                 // jae out
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

// byValue is the counter of 5.10 to 6.11, and of the seed: rax brings it in, one quad word
// under the eBPF stack keeps it, of which the upper half is what counts.
type byValue struct{}

func (byValue) clear(b *x86.Builder, zero bool) {
	if zero {
		b.MovImm32(x86.RAX, 0) // xor eax, eax
		return
	}
	b.Nop2() // as long, so that tail calls enter every function at the same offset
}

func (byValue) push(b *x86.Builder, _ bool, _ uint32) { b.Push(x86.RAX) } // push rax

func (byValue) test(b *x86.Builder, depth int32, l *Layout) x86.Forward {
	b.Load(x86.W32, x86.RAX, byValueWord(depth)) // mov eax, [rbp-4-depth]
	limit := int32(l.Counter.Limit)
	if l.LimitJAE {
		b.CmpImm(x86.W32, x86.RAX, limit) // cmp eax, limit
		return b.JccForward(x86.JAE)      // jae out
	}
	b.CmpImm(x86.W32, x86.RAX, limit-1) // cmp eax, limit-1
	return b.JccForward(x86.JA)         // ja out
}

func (byValue) spend(b *x86.Builder, depth int32) {
	b.OpImm(x86.Add, x86.W32, x86.RAX, 1)         // add eax, 1
	b.Store(x86.W32, byValueWord(depth), x86.RAX) // mov [rbp-4-depth], eax
}

func (byValue) pop(b *x86.Builder) { b.Pop(x86.RAX) } // pop rax

func (byValue) reload(b *x86.Builder, depth int32) {
	b.Load(x86.W64, x86.RAX, x86.At32(x86.RBP, -8-depth)) // mov rax, [rbp-8-depth]
}

// byValueWord is the upper half of the quad word that push rax wrote.
func byValueWord(depth int32) x86.Mem { return x86.At32(x86.RBP, -4-depth) }
