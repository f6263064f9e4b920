package exec

import (
	"errors"
	"fmt"
	"math/bits"
)

// ErrUnsupported is returned where images cannot be executed. It is an [errors.ErrUnsupported].
var ErrUnsupported error = unsupported{}

type unsupported struct{}

func (unsupported) Error() string        { return "executing images needs linux/amd64" }
func (unsupported) Is(target error) bool { return target == errors.ErrUnsupported }

// ErrLimit is returned by [Pool.Run] when the time that it was given was not enough.
var ErrLimit = errors.New("the execution does not end")

// Off is an offset into an [Arena], in bytes.
type Off uint32

// Int3 is the one-byte trap instruction; free arena space is full of it.
const Int3 = 0xcc

const (
	MaxArena    = 64 << 20 // the largest arena, in bytes
	MaxCtx      = 4096     // the largest context, in bytes
	MaxOutcomes = 64       // different return values that a [Pool] can tell apart
	MaxThreads  = 256      // of a [Pool]
	MaxEntries  = 8        // entry points that a [Pool] executes in turn
	PhaseKinds  = 8        // kinds of phases that a [Pool] counts executions of

	// SeveralPhases is the kind under which executions are counted that saw more than
	// one operation.
	SeveralPhases = PhaseKinds - 1
	// Evicted stands for the signal in the anomaly of a thread that did not leave its
	// image before it was thrown out. Images cannot raise the signal of this number.
	Evicted = 6
)

// Store is one store to live text, of 1, 4 or 8 bytes in machine order.
type Store struct {
	Off   Off
	Width uint8
	Value uint64
}

// PoolConfig says what the threads of a [Pool] execute.
type PoolConfig struct {
	Threads int
	// Ctx is copied to each thread; the image gets the copy's address in RDI and its size
	// in RSI. Before each call the bytes from RestoreLo up to RestoreHi are copied anew.
	Ctx                  []byte
	RestoreLo, RestoreHi int
	// Outcomes are the values that the image may return in RAX, without repetitions.
	Outcomes []uint64
	// Others says that any other value is an outcome too. All of them are the outcome of the number
	// len(Outcomes), which counts as one of MaxOutcomes.
	Others bool
	// YieldEvery makes a thread yield its CPU after so many calls, outside the
	// read-side section; 0 never does.
	YieldEvery int
	// Host answers the calls that images make by way of a [HelperStub]; without one they
	// are faults. Threads call it at the same time, each from within its read-side section.
	Host Host
}

// Host carries out what images call outside of themselves.
type Host interface {
	// Call returns what the image gets in RAX; or false, if it was given an address that
	// the image may not touch, which ends the image's call as a fault.
	Call(c *HelperCall) (rax uint64, ok bool)
}

// HelperCall is a call that an image makes outside of itself. It is the thread's, and good
// until Host.Call returns.
type HelperCall struct {
	Fn     uint32    // the number of the stub
	Args   [5]uint64 // rdi rsi rdx rcx r8
	Thread int
	Ctx    uint64 // the address of the thread's copy of the context
	Bad    uint64 // set by the host: the address that made it refuse

	stack memory // of the image, and after it the context
}

// memory is a range of addresses.
type memory struct {
	bytes []byte
	addr  uint64
}

// at returns n bytes at an address, if the range has them all.
func (m memory) at(addr uint64, n int) []byte {
	off := addr - m.addr
	if addr < m.addr || n < 0 || off > uint64(len(m.bytes)) || uint64(n) > uint64(len(m.bytes))-off {
		return nil
	}
	return m.bytes[off:][:n:n]
}

// Bytes returns n bytes of the thread's stack or context, nil if they lie elsewhere.
func (c *HelperCall) Bytes(addr uint64, n int) []byte { return c.stack.at(addr, n) }

// AnomalyKind says what was wrong with an execution.
type AnomalyKind uint8

// The kinds of anomalies.
const (
	BadRegisters AnomalyKind = iota + 1 // a callee-saved register or rsp is not the caller's
	BadValue                            // the returned value is no outcome
	BadPhase                            // the outcome may occur, but not in the phases that were seen
	Fault                               // the image raised a signal
)

// Anomaly is an execution that went wrong.
type Anomaly struct {
	Thread int
	Kind   AnomalyKind
	RAX    uint64    // value returned; 0 for a fault
	Regs   [6]uint64 // rbx rbp r12 r13 r14 r15 on return
	Canary [6]uint64 // what they should have been
	RSPOff int64     // stack pointer on return, as the distance from where it should be
	From   uint64    // phase when the execution began
	To     uint64    // phase when it ended
	Signal int       // Fault: the signal's number
	RIP    uint64    // Fault: where
	Addr   uint64    // Fault: address accessed
	RSP    uint64    // Fault: stack pointer
}

// StopKind says why a stepped thread stopped.
type StopKind uint8

// The kinds of stops.
const (
	Stands   StopKind = iota + 1 // in front of its next instruction
	Trapped                      // it executed int3 at RIP, and its handler has not looked yet
	Returned                     // the execution is over
	Faulted                      // it is over, by a signal
)

// Stop is what one sees of a stepped thread that stopped.
type Stop struct {
	Kind StopKind
	RIP  uint64 // 0 of a thread that returned
	// Regs are the general registers by their numbers in the encoding: rax rcx rdx rbx rsp rbp
	// rsi rdi r8 to r15. Of a thread that was let go and returned, rax, rsp and those that a
	// function gives back are good; of one that faulted none are.
	Regs  [16]uint64
	Flags uint64 // rflags, without the trap flag
	// Anomaly is the fault of a thread that faulted, and of one that returned what it gave back:
	// with Kind 0 if that is what it was given.
	Anomaly Anomaly
}

// Counters sums what the threads of a [Pool] counted.
type Counters struct {
	Executions uint64
	// Overlaps counts executions by the kind of the phase that they saw; index 0 are
	// those that saw no operation.
	Overlaps [PhaseKinds]uint64
	// Outcomes counts executions by their index in PoolConfig.Outcomes, with Others last; those with
	// an anomaly are not in it.
	Outcomes []uint64
	// Anomalies counts executions with an anomaly.
	Anomalies uint64
}

// TrapCounts are the traps that the handler saw since the process began.
type TrapCounts struct {
	Hits uint64 // traps in arenas
	Late uint64 // of them, traps whose poke was over when the handler ran
}

// Policy is a scheduling policy of a thread.
type Policy int

// The policies, with the kernel's numbers.
const (
	PolicyOther Policy = 0
	PolicyFIFO  Policy = 1
	PolicyIdle  Policy = 5
)

func (c PoolConfig) check() error {
	switch {
	case c.Threads < 1 || c.Threads > MaxThreads:
		return fmt.Errorf("%d threads: want 1 to %d", c.Threads, MaxThreads)
	case len(c.Ctx) > MaxCtx:
		return fmt.Errorf("context of %d bytes is longer than %d", len(c.Ctx), MaxCtx)
	case c.RestoreLo < 0 || c.RestoreHi < c.RestoreLo || c.RestoreHi > len(c.Ctx):
		return fmt.Errorf("bytes %d to %d to restore lie outside the context", c.RestoreLo, c.RestoreHi)
	case c.outcomes() > MaxOutcomes:
		return fmt.Errorf("%d outcomes: want at most %d", c.outcomes(), MaxOutcomes)
	}
	return nil
}

// outcomes is how many outcomes there are.
func (c *PoolConfig) outcomes() int {
	if c.Others {
		return len(c.Outcomes) + 1
	}
	return len(c.Outcomes)
}

// hashBits is the logarithm of the outcome table's size.
const hashBits = 8

func hash(v, mul uint64) uint64 { return v * mul >> (64 - hashBits) }

// perfectHash finds a multiplier under which no two values meet in the outcome table.
func perfectHash(values []uint64) (uint64, error) {
	mul := uint64(0x9e3779b97f4a7c15)
search:
	for range 1 << 20 {
		var used [1 << hashBits]bool
		for _, v := range values {
			h := hash(v, mul)
			if used[h] {
				mul = mul*6364136223846793005 + 1442695040888963407
				mul |= 1
				continue search
			}
			used[h] = true
		}
		return mul, nil
	}
	return 0, errors.New("the outcomes are not distinct")
}

func bitIndex(bit uint64) int { return bits.TrailingZeros64(bit) }
