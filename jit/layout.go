package jit

import (
	"fmt"
	"strings"

	"tailpoke/jit/x86"
)

// Layout is how an era of the kernel lays out functions and tail calls. Nearly all of it is
// data, so that a copy with a field changed is a layout too: that is how faulty ones are made.
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

	MovesEmptyStack bool // sub and add rsp even by 0
	PopsCounter     bool // the epilogue pops the counter, though leave would drop it
	ShiftX          bool // shifts by a register use BMI2: 6.1 and later, on CPUs that have it
	ShortJumpMax    int  // the longest forward distance that a jump of two bytes is used for

	counting counting
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
	// CounterResets starts every called function at zero.
	CounterResets CounterCalls = iota
	// CounterByValue hands the callee a copy: what it spends is not seen by its caller.
	CounterByValue
	// CounterShared hands the callee a pointer: there is one counter for the execution.
	CounterShared
)

// counting emits what an era does with the counter on the machine. A further era is one more
// implementation and one more Layout value.
type counting interface {
	clear(b *x86.Builder, zero bool)                            // filler before push rbp
	push(b *x86.Builder, main bool, limit uint32)               // the frame's counter words
	test(b *x86.Builder, depth int32, limit uint32) x86.Forward // jumps when nothing is left
	spend(b *x86.Builder, depth int32)                          // counts one tail call
	pop(b *x86.Builder)                                         // takes the words off again
	reload(b *x86.Builder, depth int32)                         // rax for a function called
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

// LayoutByName finds a layout, or makes a faulty one: "v6.12 with limit=34, landing=11".
func LayoutByName(name string) (*Layout, error) {
	base, edits, faulty := strings.Cut(name, " with ")
	var known []string
	for _, l := range Layouts() {
		if l.Name == base {
			if faulty {
				return l.with(name, strings.Split(edits, ","))
			}
			return l, nil
		}
		known = append(known, l.Name)
	}
	return nil, fmt.Errorf("unknown layout %q: there are %q", base, known)
}

// Layouts lists the layouts, oldest first.
func Layouts() []*Layout { return []*Layout{&SeedLayout, &V510, &V612} }
