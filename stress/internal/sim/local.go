package sim

import (
	"encoding/binary"
	"fmt"
	"slices"

	"tailpoke/stress/internal/sim/x86"
)

// phase is what a thread is about.
type phase uint8

const (
	idle    phase = iota // between two executions, outside of its section
	running              // rip is its next instruction
	trapped              // it met int3 at rip, and its handler has not looked yet
)

// A local is everything of a thread that no other actor sees. Its number is the hash of its
// content, so that it is the same in every run, whichever worker meets it first.
type local struct {
	id      uint64 // localBits of it
	content string
	stop    stop
}

const localBits = 48

// stop is where a thread stands, in terms of what its next step touches.
type stop struct {
	phase  phase
	text   int // of rip; -1 when idle
	slot   int // at rip, or trapped there; -1 if none
	loads  bool
	loaded pointerOf // of the array word that the next instruction loads, if loads
}

// thread is a local unpacked, to be executed.
type thread struct {
	x86.Core
	phase   phase
	tails   uint8  // tail calls taken in this execution; ghost state
	pointer uint64 // what the shared load of this step reads, see data.pointerAt
}

func newThread(s *system) *thread {
	t := &thread{}
	t.Mem = x86.Memory{
		Stack: x86.Region{At: stackAt, Bytes: make([]byte, stackSize)},
		Own:   x86.Region{At: ctxAt, Bytes: make([]byte, len(s.own))},
		Rest: func(at uint64, n uint8) (uint64, bool) {
			if _, ok := s.data.pointerAt(at, n); ok {
				return t.pointer, true
			}
			return s.data.word(at, n)
		},
	}
	return t
}

// callerWords is how many words above the return address are looked after, from callerAt on: pops
// of state A reach that far.
const (
	callerWords = 16
	callerAt    = stackTop - 8*callerWords
)

// calleeSaved are the registers that a function gives back as they were.
var calleeSaved = [...]x86.Reg{x86.RBX, x86.RBP, x86.R12, x86.R13, x86.R14, x86.R15}

// junkOf is what is in a register when an execution begins.
func junkOf(n int) uint64 { return 0xc0ffee_0000_0000 | uint64(n+1)<<12 }

// junkOfCaller is what is in a word of the caller's stack.
func junkOfCaller(n int) uint64 { return junkOf(100 + callerWords - 1 - n) }

// enter begins an execution at the entry's first instruction.
func (t *thread) enter(s *system) {
	t.phase, t.tails, t.Flags, t.RIP = running, 0, 0, s.texts[0].at
	for i := range t.Regs {
		t.Regs[i] = junkOf(i)
	}
	for i := range callerWords {
		x86.Put(t.callerWord(i), junkOfCaller(i))
	}
	t.Regs[x86.RSP] = callerAt - 8
	x86.Put(t.Mem.Stack.Within(callerAt-8, 8), returnAt)
	t.Regs[x86.RDI] = ctxAt
	copy(t.Mem.Own.Bytes, s.own)
}

// callerWord is a word of the caller's stack, counted from the return address up.
func (t *thread) callerWord(i int) []byte { return t.Mem.Stack.Within(callerAt+8*uint64(i), 8) }

// broken says what is wrong with registers and stack after the return; "" if nothing.
func (t *thread) broken(s *system) string {
	if d := int64(t.Regs[x86.RSP] - callerAt); d != 0 {
		return fmt.Sprintf("returns with rsp off by %d", d)
	}
	for _, r := range calleeSaved {
		if t.Regs[r] != junkOf(int(r)) {
			return fmt.Sprintf("returns with %v = %#x, which was %#x", r, t.Regs[r], junkOf(int(r)))
		}
	}
	for i := range callerWords {
		if x86.Word(t.callerWord(i)) != junkOfCaller(i) {
			return fmt.Sprintf("returns with word %d of its caller's stack overwritten", i)
		}
	}
	if s.Outcomes != nil && !slices.Contains(s.Outcomes, t.Regs[x86.RAX]) {
		return fmt.Sprintf("returns %#x, which no path of the programs gives", t.Regs[x86.RAX])
	}
	return ""
}

// pack is the thread as a content. What lies below the stack pointer is not part of it.
func (t *thread) pack(buf []byte) []byte {
	buf = append(buf, byte(t.phase), byte(t.Flags), t.tails)
	if t.phase == idle {
		return buf
	}
	buf = binary.LittleEndian.AppendUint64(buf, t.RIP)
	for _, v := range t.Regs {
		buf = binary.LittleEndian.AppendUint64(buf, v)
	}
	buf = append(buf, t.Mem.Own.Bytes...)
	if from := t.Regs[x86.RSP] - stackAt; from < stackSize {
		buf = append(buf, t.Mem.Stack.Bytes[from:]...)
	}
	return buf
}

// unpack makes the thread what a content says.
func (t *thread) unpack(content string) {
	t.phase, t.Flags, t.tails = phase(content[0]), x86.Flags(content[1]), content[2]
	if t.phase == idle {
		return
	}
	next := func() uint64 {
		v := binary.LittleEndian.Uint64([]byte(content[:8]))
		content = content[8:]
		return v
	}
	content = content[3:]
	t.RIP = next()
	for i := range t.Regs {
		t.Regs[i] = next()
	}
	content = content[copy(t.Mem.Own.Bytes, content):]
	copy(t.Mem.Stack.Bytes[stackSize-len(content):], content)
}

// ripOf is where the thread of a content stands that is not idle.
func ripOf(content string) uint64 { return x86.Word([]byte(content[3:11])) }
