package jit

import "tailpoke/jit/x86"

// calleeRegs are the registers of R6 to R9, in the order in which they are pushed.
var calleeRegs = [4]x86.Reg{x86.RBX, x86.R13, x86.R14, x86.R15}

// emitPrologue makes the frame:
//
//	[rbp+8]        return address
//	[rbp]          caller's rbp
//	[rbp-depth..]  eBPF stack, unless it is a private one
//	               counter, if the function keeps it
//	               the caller's registers that the function names
//
// A tail call enters after mov rbp, rsp, with rsp and rbp as they are there.
func (e *emitter) emitPrologue() {
	main := e.index == 0
	e.Nop5() // where the kernel attaches tracing programs
	e.l.counting.clear(&e.Builder, e.l.clears(e.fn, main))
	e.Push(x86.RBP)                  // push rbp
	e.Mov(x86.W64, x86.RBP, x86.RSP) // mov rbp, rsp
	if e.movesStack() {
		e.OpImm32(x86.Sub, x86.W64, x86.RSP, e.depth) // sub rsp, depth
	}
	if e.l.keeps(e.fn) {
		e.l.counting.push(&e.Builder, main, e.l.Counter.Limit)
	}
	for i, used := range e.fn.CalleeRegs {
		if used {
			e.Push(calleeRegs[i]) // push rbx, r13, r14, r15
		}
	}
	e.emitPrivateFrame()
}

func (e *emitter) movesStack() bool { return e.depth > 0 || e.l.MovesEmptyStack }

// emitPops gives the caller its registers back.
func (e *emitter) emitPops() {
	for i := len(calleeRegs) - 1; i >= 0; i-- {
		if e.fn.CalleeRegs[i] {
			e.Pop(calleeRegs[i]) // pop r15, r14, r13, rbx
		}
	}
}

// emitExit returns. The first exit carries the epilogue, the others jump to it.
func (e *emitter) emitExit(i int) {
	if e.cleanup != none {
		e.jump(i, e.cleanup)
		return
	}
	e.cleanup = e.Len()
	e.emitPops()
	if e.l.PopsCounter && e.l.keeps(e.fn) {
		e.Pop(x86.RCX) // pop rcx
	}
	e.Leave() // leave
	e.emitReturn()
}

// emitUnwind takes the frame off for a tail call: rsp is rbp again, and rax the counter.
func (e *emitter) emitUnwind() {
	e.emitPops()
	e.l.counting.pop(&e.Builder)
	if e.movesStack() {
		e.OpImm32(x86.Add, x86.W64, x86.RSP, e.depth) // add rsp, depth
	}
}
