package jit

// The eras differ in facts that the code shows. What else changed is no matter of a layout: 6.13
// brought private stacks, which programs with tail calls do not get, and 7.3 a number for the
// verifier's own register, which package identity reads.

// Layouts lists the layouts of the eras, oldest first.
func Layouts() []*Layout {
	return []*Layout{&SeedLayout, &V510, &V519, &V62, &V610, &V612, &V613, &V70}
}

// LayoutAliases are names of eras that have the layout of an older one.
func LayoutAliases() map[string]*Layout {
	return map[string]*Layout{"v7.3": &V70}
}

// SeedLayout is the layout of the patch series as first posted on 16 July 2020. A subprogram
// with a tail call of its own starts counting at zero, which a later version of the series
// mended: two functions can tail call one another for ever.
var SeedLayout = Layout{
	Name: "seed", AdjOff: 11, // nop5, xor or nop2, push rbp, mov rbp
	ArrayMaxEntries: 0x24, ArrayPtrs: 0x110, ProgFunc: 0x30,
	Counter:         Counter{Limit: 33, MissSpends: true, Calls: CounterResets},
	MovesEmptyStack: true, PopsCounter: true, ShortJumpMax: 127,
}

// V510 is the layout of Linux 5.10, but for one fault of that release: before a call it
// reloaded the counter from a depth that was not rounded up (mended by ff672c67ee76 in 5.19).
// Set UnroundedReload in a copy to have it back.
var V510 = Layout{
	Name: "v5.10", AdjOff: 11,
	ArrayMaxEntries: 0x24, ArrayPtrs: 0x110, ProgFunc: 0x30,
	Counter:           Counter{Limit: 33, MissSpends: true, Calls: CounterByValue},
	ReloadsForHelpers: true, ShortJumpMax: 127,
	OldDivide: true, WideConstants: true, SavesRCX: true,
}

// V519 is the layout of Linux 5.19 to 6.1.
var V519 = Layout{
	Name: "v5.19", AdjOff: 11,
	ArrayMaxEntries: 0x24, ArrayPtrs: 0x110, ProgFunc: 0x30,
	Counter:           Counter{Limit: 33, MissSpends: true, Calls: CounterByValue},
	ReloadsForHelpers: true, ShortJumpMax: 127,
	LimitJAE: true, WideConstants: true, SavesRCX: true,
}

// V62 is the layout of Linux 6.2 to 6.9.
var V62 = V519.since("v6.2", func(l *Layout) { l.SavesRCX = false })

// V610 is the layout of Linux 6.10 and 6.11.
var V610 = V62.since("v6.10", func(l *Layout) { l.WideConstants = false })

// V612 is the layout of Linux 6.12: all functions of an execution share one counter, and a tail
// call of an empty key is free. The offsets are those of 6.18 in its usual configuration for this
// CPU.
var V612 = Layout{
	Name: "v6.12", AdjOff: 12, // nop5, xor or nop3, push rbp, mov rbp
	ArrayMaxEntries: 0x4c, ArrayPtrs: 0x138, ProgFunc: 0x48,
	Counter:           Counter{Limit: 33, Calls: CounterShared},
	ReloadsForHelpers: true, ShortJumpMax: 123,
}

// V613 is the layout of Linux 6.13 to 6.19: the counter goes to functions alone (a1087da9d11e).
var V613 = V612.since("v6.13", func(l *Layout) { l.ReloadsForHelpers = false })

// V70 is the layout of Linux 7.0 and later.
var V70 = V613.since("v7.0", func(l *Layout) { l.PlainXchg = true })

// since is the layout of the era that came next.
func (l Layout) since(name string, change func(*Layout)) Layout {
	l.Name = name
	change(&l)
	return l
}
