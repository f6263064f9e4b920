package jit

import "tailpoke/jit/x86"

// SeedLayout is the layout of the patch series as first posted on 16 July 2020. A subprogram
// with a tail call of its own starts counting at zero, which a later version of the series
// mended: two functions can tail call one another for ever.
var SeedLayout = Layout{
	Name:            "seed",
	AdjOff:          11, // nop5, xor or nop2, push rbp, mov rbp
	ArrayMaxEntries: 0x24,
	ArrayPtrs:       0x110,
	ProgFunc:        0x30,
	Counter:         Counter{Limit: 33, MissSpends: true, Calls: CounterResets},
	MovesEmptyStack: true,
	PopsCounter:     true,
	ShortJumpMax:    127,
	counting:        byValue{},
}

// V510 is the layout of Linux 5.10, but for one fault of that release: before a call it
// reloaded the counter from a depth that was not rounded up (mended by ff672c67ee76 in 5.19).
// Set UnroundedReload in a copy to have it back.
var V510 = Layout{
	Name:            "v5.10",
	AdjOff:          11,
	ArrayMaxEntries: 0x24,
	ArrayPtrs:       0x110,
	ProgFunc:        0x30,
	Counter:         Counter{Limit: 33, MissSpends: true, Calls: CounterByValue},
	ShortJumpMax:    127,
	counting:        byValue{},
}

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

func (byValue) push(b *x86.Builder, _ bool) {
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
