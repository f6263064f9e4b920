package jit

import (
	"fmt"
	"strconv"
	"strings"
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
	CounterResets  CounterCalls = iota // every called function starts at zero
	CounterByValue                     // the callee has a copy: its caller does not see what it spends
	CounterShared                      // the callee has a pointer: an execution has one counter
)

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

// layoutEdits are the faults that a layout can be given by name, each with a field changed. The
// value of an edit is a number; of "unrounded" there is none.
var layoutEdits = map[string]func(l *Layout, v uint8){
	"limit":     func(l *Layout, v uint8) { l.Counter.Limit = uint32(v) }, // tail calls that succeed
	"landing":   func(l *Layout, v uint8) { l.AdjOff = v },                // in bytes
	"unrounded": func(l *Layout, _ uint8) { l.UnroundedReload = true },    // see UnroundedReload
}

// with returns a copy of the layout with faults.
func (l *Layout) with(name string, edits []string) (*Layout, error) {
	faulty := *l
	faulty.Name = name
	for _, e := range edits {
		what, value, numbered := strings.Cut(strings.TrimSpace(e), "=")
		edit, ok := layoutEdits[what]
		if !ok || numbered == (what == "unrounded") {
			return nil, fmt.Errorf("layout %q: %q is none of limit=N, landing=N, unrounded", name,
				strings.TrimSpace(e))
		}
		n := uint64(0)
		if numbered {
			var err error
			if n, err = strconv.ParseUint(value, 10, 7); err != nil {
				return nil, fmt.Errorf("layout %q: %s is not a number from 0 to 127", name, value)
			}
		}
		edit(&faulty, uint8(n))
	}
	return &faulty, nil
}

// SeedLayout is the layout of the patch series as first posted on 16 July 2020. A subprogram
// with a tail call of its own starts counting at zero, which a later version of the series
// mended: two functions can tail call one another for ever.
var SeedLayout = Layout{
	Name: "seed", AdjOff: 11, // nop5, xor or nop2, push rbp, mov rbp
	ArrayMaxEntries: 0x24, ArrayPtrs: 0x110, ProgFunc: 0x30,
	Counter: Counter{Limit: 33, MissSpends: true, Calls: CounterResets}, counting: byValue{},
	MovesEmptyStack: true, PopsCounter: true, ShortJumpMax: 127,
}

// V510 is the layout of Linux 5.10, but for one fault of that release: before a call it
// reloaded the counter from a depth that was not rounded up (mended by ff672c67ee76 in 5.19).
// Set UnroundedReload in a copy to have it back.
var V510 = Layout{
	Name: "v5.10", AdjOff: 11,
	ArrayMaxEntries: 0x24, ArrayPtrs: 0x110, ProgFunc: 0x30,
	Counter: Counter{Limit: 33, MissSpends: true, Calls: CounterByValue}, counting: byValue{},
	ReloadsForHelpers: true, ShortJumpMax: 127,
}

// V612 is the layout of Linux 6.12 and later: all functions of an execution share one counter,
// and a tail call of an empty key is free. The offsets are those of 6.18 in its usual
// configuration for this CPU.
var V612 = Layout{
	Name: "v6.12", AdjOff: 12, // nop5, xor or nop3, push rbp, mov rbp
	ArrayMaxEntries: 0x4c, ArrayPtrs: 0x138, ProgFunc: 0x48,
	Counter: Counter{Limit: 33, Calls: CounterShared}, counting: byPointer{},
	ShortJumpMax: 123,
}
