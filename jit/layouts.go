package jit

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

	ReloadsForHelpers: true,
}

// V612 is the layout of Linux 6.12 and later: all functions of an execution share one counter,
// and a tail call of an empty key is free. The offsets are those of 6.18 in its usual
// configuration for this CPU.
var V612 = Layout{
	Name:            "v6.12",
	AdjOff:          12, // nop5, xor or nop3, push rbp, mov rbp
	ArrayMaxEntries: 0x4c,
	ArrayPtrs:       0x138,
	ProgFunc:        0x48,
	Counter:         Counter{Limit: 33, Calls: CounterShared},
	ShortJumpMax:    123,
	counting:        byPointer{},
}
