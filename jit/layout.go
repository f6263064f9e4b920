package jit

import "tailpoke/jit/x86"

// Layout is how a kernel lays out functions and tail calls: a list of facts, of which a name says an
// era and what differs from it, see [LayoutByName] and [Layout.String]. Nearly all of it is data, so
// that a copy with a field changed is a layout too: that is how faulty ones are made.
type Layout struct {
	Name string

	// AdjOff is X86_TAIL_CALL_OFFSET: a tail call enters a program this far from its start,
	// after the nop, the clearing of the counter and the set-up of rbp.
	AdjOff uint8

	// What an indirect site reads: the offset of max_entries and of the pointers in struct
	// bpf_array, and of bpf_func in struct bpf_prog. They vary with the kernel's configuration.
	// An array of other things has its values where one of programs has its pointers.
	ArrayMaxEntries, ArrayPtrs, ProgFunc uint32

	Counter Counter

	// UnroundedReload: before a call the counter is read from a stack depth that was not
	// rounded up to quad words, as 5.10 to 5.18 did.
	UnroundedReload bool

	ReloadsForHelpers bool // the counter is reloaded before calls of helpers, in vain: up to 6.12

	MovesEmptyStack bool   // sub and add rsp even by 0
	PopsCounter     bool   // the epilogue pops the counter, though leave would drop it
	ShiftX          bool   // shifts by a register use BMI2: 6.1 and later, on CPUs that have it
	ShortJumpMax    uint32 // the longest forward distance that a jump of two bytes is used for

	IBT           bool // CONFIG_X86_KERNEL_IBT: endbr64 first of all, and where tail calls enter
	OldNops       bool // the nop of five bytes is the one of up to 5.12, on CPUs that like it
	LimitJAE      bool // the counter by value is compared with the limit (5.17 on), not with one less
	OldDivide     bool // up to 5.15: a quotient saves rax and rdx whatever it is for; a product is mul r11
	WideConstants bool // up to 6.9: a constant of 64 bits below zero is loaded by movabs
	SavesRCX      bool // up to 6.1: a shift of rcx by a register pushes rcx
	PlainXchg     bool // 7.0 on: xchg has no lock prefix

	Forms Forms // how control leaves an image

	CallDepth CallDepth // how calls are counted: 6.2 and later, on some CPUs
}

// Counter is what an era means by the limit of tail calls. The interpreter reads it too.
type Counter struct {
	Limit      uint32 // tail calls that succeed from one entry
	MissSpends bool   // a tail call of an empty key counts: it is counted before the key is looked at
	Calls      CounterCalls
}

// CounterCalls is what becomes of the counter when a function calls another.
type CounterCalls uint8

const (
	CounterResets  CounterCalls = iota // every called function starts at zero
	CounterByValue                     // the callee has a copy: its caller does not see what it spends
	CounterShared                      // the callee has a pointer: an execution has one counter
)

// Nop is the nop that stands in a slot, in the place of a jump.
func (l *Layout) Nop() [SlotSize]byte {
	var b x86.Builder
	if l.OldNops {
		b.OldNop5()
	} else {
		b.Nop5()
	}
	return [SlotSize]byte(b.Code())
}

// keeps says whether a function holds the counter in its frame.
func (l *Layout) keeps(fn *Function) bool {
	if l.Counter.Calls == CounterResets {
		return fn.HasTailCall
	}
	return fn.TailCallReachable
}

// clears says whether a function sets the counter to zero when it is entered at its start.
func (l *Layout) clears(fn *Function, main bool) bool {
	return l.keeps(fn) && (main || l.Counter.Calls == CounterResets)
}

// counting is what the layout does with the counter on the machine.
func (l *Layout) counting() counting {
	if l.Counter.Calls == CounterShared {
		return byPointer{}
	}
	return byValue{}
}
