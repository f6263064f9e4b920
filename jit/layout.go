package jit

import (
	"fmt"
	"slices"
	"strconv"
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

	IBT           bool // CONFIG_X86_KERNEL_IBT: endbr64 first of all, and where tail calls enter
	OldNops       bool // the nop of five bytes is the one of up to 5.12, on CPUs that like it
	LimitJAE      bool // the counter by value is compared with the limit (5.17 on), not with one less
	OldDivide     bool // up to 5.15: a quotient saves rax and rdx whatever it is for; a product is mul r11
	WideConstants bool // up to 6.9: a constant of 64 bits below zero is loaded by movabs
	SavesRCX      bool // up to 6.1: a shift of rcx by a register pushes rcx
	PlainXchg     bool // 7.0 on: xchg has no lock prefix

	CallDepth CallDepth // how calls are counted: 6.2 and later, on some CPUs

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

// LayoutByName finds a layout, with options that kernels of its era may have, "v6.12+ibt"; or makes a
// faulty one: "v6.12+ibt with limit=34, landing=11".
func LayoutByName(name string) (*Layout, error) {
	whole, edits, faulty := strings.Cut(name, " with ")
	base, options, optional := strings.Cut(whole, "+")
	var known []string
	for _, l := range Layouts() {
		known = append(known, l.Name)
		if l.Name != base {
			continue
		}
		var err error
		if optional {
			l, err = l.plus(whole, strings.Split(options, "+"))
		}
		if err == nil && faulty {
			l, err = l.with(name, strings.Split(edits, ","))
		}
		return l, err
	}
	return nil, fmt.Errorf("unknown layout %q: there are %q", base, known)
}

// Layouts lists the layouts, oldest first.
func Layouts() []*Layout { return []*Layout{&SeedLayout, &V510, &V519, &V612, &V70} }

// Option is what kernels of one era have or have not, by how they are built and what they run on.
type Option struct {
	Name, Says string
	set        func(*Layout)
}

// LayoutOptions are those that a layout's name can have after a plus.
func LayoutOptions() []Option {
	return []Option{
		{"ibt", "endbr64 at the start and where tail calls enter: CONFIG_X86_KERNEL_IBT, 5.18 and later", (*Layout).addIBT},
		{"bmi2", "shifts by a register use BMI2: 6.1 and later", func(l *Layout) { l.ShiftX = true }},
		{"calldepth", "calls are counted, as booted with retbleed=stuff: 6.8 and later; nops where code is run",
			func(l *Layout) { l.CallDepth = CallDepthRelative }},
	}
}

func optionNames() (names []string) {
	for _, o := range LayoutOptions() {
		names = append(names, o.Name)
	}
	return names
}

// endbrSize is the size of endbr64 in bytes.
const endbrSize = 4

// addIBT moves everything by the first endbr64; tail calls enter at the second.
func (l *Layout) addIBT() {
	if !l.IBT {
		l.IBT, l.AdjOff = true, l.AdjOff+endbrSize
	}
}

// plus returns a copy of the layout with options.
func (l *Layout) plus(name string, options []string) (*Layout, error) {
	more := *l
	more.Name = name
	for _, o := range options {
		i := slices.IndexFunc(LayoutOptions(), func(known Option) bool { return known.Name == o })
		if i < 0 {
			return nil, fmt.Errorf("layout %q: no option %q: there are %v", name, o, optionNames())
		}
		LayoutOptions()[i].set(&more)
	}
	return &more, nil
}

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
	OldDivide: true, WideConstants: true, SavesRCX: true,
}

// V519 is the layout of Linux 5.19 to 6.1, and, but for shifts of rcx, of all up to 6.11.
var V519 = Layout{
	Name: "v5.19", AdjOff: 11,
	ArrayMaxEntries: 0x24, ArrayPtrs: 0x110, ProgFunc: 0x30,
	Counter: Counter{Limit: 33, MissSpends: true, Calls: CounterByValue}, counting: byValue{},
	ReloadsForHelpers: true, ShortJumpMax: 127,
	LimitJAE: true, WideConstants: true, SavesRCX: true,
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

// V70 is the layout of Linux 7.0 and later.
var V70 = func() Layout {
	l := V612
	l.Name, l.PlainXchg = "v7.0", true
	return l
}()
