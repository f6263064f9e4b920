package jit

import "tailpoke/jit/x86"

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

func (byValue) push(b *x86.Builder, _ bool, _ uint32) {
	b.Push(x86.RAX) // push rax
}

func (byValue) test(b *x86.Builder, depth int32, limit uint32) x86.Forward {
	b.Load(x86.W32, x86.RAX, byValueWord(depth)) // mov eax, [rbp-4-depth]
	b.CmpImm(x86.W32, x86.RAX, int32(limit)-1)   // cmp eax, limit-1
	return b.JccForward(x86.JA)                  // ja out
}

func (byValue) spend(b *x86.Builder, depth int32) {
	b.OpImm(x86.Add, x86.W32, x86.RAX, 1)         // add eax, 1
	b.Store(x86.W32, byValueWord(depth), x86.RAX) // mov [rbp-4-depth], eax
}

func (byValue) pop(b *x86.Builder) {
	b.Pop(x86.RAX) // pop rax
}

func (byValue) reload(b *x86.Builder, depth int32) {
	b.Load(x86.W64, x86.RAX, x86.At32(x86.RBP, -8-depth)) // mov rax, [rbp-8-depth]
}

// byValueWord is the upper half of the quad word that push rax wrote.
func byValueWord(depth int32) x86.Mem { return x86.At32(x86.RBP, -4-depth) }
