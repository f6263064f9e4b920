package sim

import (
	"encoding/binary"
	"fmt"
)

// phase is what a thread is about.
type phase uint8

const (
	idle    phase = iota // between two executions, outside of its section
	running              // rip is its next instruction
	trapped              // it met int3 at rip, and its handler has not looked yet
)

// A local is everything of a thread that no other actor sees. Its number is the hash of its
// content, so that it is the same in every run, whoever meets it first.
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
	core
	phase phase
	tails uint8 // tail calls taken in this execution; ghost state
}

func newThread(s *system) *thread {
	return &thread{core: core{mem: memory{
		stack: make([]byte, stackSize), stackAt: stackAt,
		ctx: make([]byte, len(s.ctx)), ctxAt: ctxAt, data: &s.data,
	}}}
}

// callerWords is how many words above the return address are looked after: pops of state A
// reach that far.
const callerWords = 16

// calleeSaved are the registers that a function gives back as they were.
var calleeSaved = [...]reg{rbx, rbp, r12, r13, r14, r15}

// junkOf is what is in a register, or a caller's word, when an execution begins.
func junkOf(n int) uint64 { return 0xc0ffee_0000_0000 | uint64(n+1)<<12 }

// enter begins an execution at the entry's first instruction.
func (t *thread) enter(s *system) {
	t.phase, t.tails, t.flags, t.rip = running, 0, 0, s.texts[0].at
	for i := range t.regs {
		t.regs[i] = junkOf(i)
	}
	for i := range callerWords {
		binary.LittleEndian.PutUint64(t.mem.stack[stackSize-8*(i+1):], junkOf(100+i))
	}
	t.regs[rsp] = stackTop - 8*callerWords - 8
	binary.LittleEndian.PutUint64(t.mem.stack[t.regs[rsp]-stackAt:], returnAt)
	t.regs[rdi] = ctxAt
	copy(t.mem.ctx, s.ctx)
}

// broken says what is wrong with registers and stack behind the return; "" if nothing.
func (t *thread) broken(s *system) string {
	if d := int64(t.regs[rsp] - (stackTop - 8*callerWords)); d != 0 {
		return fmt.Sprintf("returns with rsp off by %d", d)
	}
	for _, r := range calleeSaved {
		if t.regs[r] != junkOf(int(r)) {
			return fmt.Sprintf("returns with %v = %#x, which was %#x", r, t.regs[r], junkOf(int(r)))
		}
	}
	for i := range callerWords {
		if word(t.mem.stack[stackSize-8*(i+1):][:8]) != junkOf(100+i) {
			return fmt.Sprintf("returns with word %d of its caller's stack overwritten", callerWords-1-i)
		}
	}
	if s.outcomes != nil && !s.outcomes[t.regs[rax]] {
		return fmt.Sprintf("returns %#x, which no path of the programs gives", t.regs[rax])
	}
	return ""
}

// pack is the thread as a content. What lies below the stack pointer is not part of it.
func (t *thread) pack(buf []byte) []byte {
	buf = append(buf, byte(t.phase), byte(t.flags), t.tails)
	if t.phase == idle {
		return buf
	}
	buf = binary.LittleEndian.AppendUint64(buf, t.rip)
	for _, v := range t.regs {
		buf = binary.LittleEndian.AppendUint64(buf, v)
	}
	buf = append(buf, t.mem.ctx...)
	if from := t.regs[rsp] - stackAt; from < stackSize {
		buf = append(buf, t.mem.stack[from:]...)
	}
	return buf
}

// unpack makes the thread what a content says.
func (t *thread) unpack(content string) {
	t.phase, t.flags, t.tails = phase(content[0]), flags(content[1]), content[2]
	if t.phase == idle {
		return
	}
	next := func() uint64 {
		v := uint64(0)
		for i := range 8 {
			v |= uint64(content[i]) << (8 * i)
		}
		content = content[8:]
		return v
	}
	content = content[3:]
	t.rip = next()
	for i := range t.regs {
		t.regs[i] = next()
	}
	content = content[copy(t.mem.ctx, content):]
	copy(t.mem.stack[stackSize-len(content):], content)
}

// clear makes the thread idle.
func (t *thread) clear() { t.phase, t.flags, t.tails = idle, 0, 0 }

var regNames = [...]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// String returns the register's name.
func (r reg) String() string { return regNames[r] }
