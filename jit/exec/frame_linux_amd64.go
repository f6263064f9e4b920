package exec

import "unsafe"

const (
	stackSize   = 64 << 10 // a power of two: the loop finds the frame by masking rsp
	stackMask   = stackSize - 1
	frameSize   = 2048
	guardSize   = 4096
	tableSlots  = 1 << hashBits
	tableShift  = 64 - hashBits
	tableSize   = tableSlots * int(unsafe.Sizeof(outcome{}))
	ringSize    = 1024 // a power of two
	ringMask    = ringSize - 1
	entriesMask = MaxEntries - 1
	keptPerStk  = 8
	// zeroTop bytes above the image's first stack word stay zero, so that an unwinder
	// of the Go runtime that reads them stops.
	zeroTop = 64
)

// frame is the top of a thread's stack. The loop finds it as
// (rsp | stackMask) - (frameSize-1): after a broken image has returned, rsp is the one
// register that still says which thread this is. Assembly names the fields through
// go_asm.h.
type frame struct {
	ctl         *control
	sp          uint64 // rsp before the call
	ctx         uint64
	ctxLen      uint64
	canary      [6]uint64 // rbx rbp r12 r13 r14 r15
	goSP, goBP  uint64
	budget      uint64 // calls left before the loop returns
	restoreN    uint64 // 8-byte words to copy before each call
	restoreFrom uint64
	restoreTo   uint64
	mul         uint64 // multiplier of the outcome table's hash
	table       *[tableSlots]outcome
	phase0      uint64
	bad         uint64 // anomalies seen by the loop
	over        [PhaseKinds]uint64
	fault       faultRecord
	rax         uint64 // what the last call of a budget returned
	call        callRecord
	looks       uint64 // how often lookHandler has run
	lookedAt    uint64 // rip, when it ran last
	_           [48]byte
	slot        uint64 // epoch of the read-side section; 0 outside. A cache line of its own
	_           [56]byte
	kept        [keptPerStk]anomaly
	step        stepRecord
	otherBit    uint64 // of the outcome that is any other value; 0: there is none
	others      uint64 // how often it came
	_           [frameSize - 1536 - 184]byte
}

// callRecord is a call that the image makes outside of itself. While fn is not 0 the thread is
// in Go, and the image waits for the result.
type callRecord struct {
	fn   uint64
	args [5]uint64 // rdi rsi rdx rcx r8
	sp   uint64
	regs [6]uint64 // rbx rbp r12 r13 r14 r15
	rax  uint64    // the result
}

// stepRecord is what a stepped thread and its [Stepper] tell each other.
type stepRecord struct {
	state uint32 // stepRuns and so on; both sides wait for it to change
	order uint32 // of the Stepper, good while the thread runs
	why   uint32 // a StopKind, good while the thread is parked
	_     uint32
	entry uint64
	regs  [stepRegs]uint64 // when it was parked last, in the ucontext's order
}

// faultRecord is written by the signal handlers.
type faultRecord struct {
	sig, rip, addr, rsp, rbp uint64
}

// anomaly is written by the loop; registers stand as their XOR with the canary.
type anomaly struct {
	kind, rax      uint64
	regs           [6]uint64
	rspOff         uint64
	phase0, phase1 uint64
	_              [5]uint64
}

// outcome is one slot of the perfect hash table of legal return values.
type outcome struct {
	value uint64
	bit   uint64 // 1 << index; 0: the slot is empty
	count uint64
	_     uint64
}

// phase is what the loop must know of a phase.
type phase struct {
	mask uint64 // outcomes that may occur, one bit each
	kind uint64
}

// control is the block that all threads of a pool share with the patcher.
type control struct {
	epoch   uint64
	phase   uint64 // odd while an operation is in progress
	stop    uint64
	gate    uint32 // 0 until all threads have been made
	_       uint32
	_       [4]uint64
	entries [MaxEntries]uint64
	ring    [ringSize]phase // phase n stands at n mod ringSize
}

func leaveAddr() uintptr

// serialize executes a serialising instruction: what the caller's thread executes from here on
// it fetches anew.
func serialize()

//go:noescape
func runLoop(f *frame)
