package jit

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

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
	if e.l.IBT {
		e.Endbr64() // endbr64
	}
	e.nop5() // where the kernel attaches tracing programs
	e.l.counting().clear(&e.Builder, e.l.clears(e.fn, main))
	e.Push(x86.RBP)                  // push rbp
	e.Mov(x86.W64, x86.RBP, x86.RSP) // mov rbp, rsp
	if e.l.IBT {
		e.Endbr64() // endbr64
	}
	if e.movesStack() {
		e.OpImm32(x86.Sub, x86.W64, x86.RSP, e.depth) // sub rsp, depth
	}
	if e.l.keeps(e.fn) {
		e.l.counting().push(&e.Builder, main, e.l.Counter.Limit)
	}
	for i, used := range e.fn.CalleeRegs {
		if used {
			e.Push(calleeRegs[i]) // push rbx, r13, r14, r15
		}
	}
	e.emitPrivateFrame()
}

// nop5 is the nop that stands where a jump may come.
func (e *emitter) nop5() {
	if e.l.OldNops {
		e.OldNop5()
		return
	}
	e.Nop5()
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
	e.l.counting().pop(&e.Builder)
	if e.movesStack() {
		e.OpImm32(x86.Add, x86.W64, x86.RSP, e.depth) // add rsp, depth
	}
}

// Forms are what kernels of one era choose by the CPU that they run on, and by its faults:
// how control leaves an image. The zero value is what a CPU without faults gets. The thunks are the
// kernel's: see Options.Thunks for what stands in their place elsewhere.
type Forms struct {
	Return ReturnForm
	Jump   JumpForm
}

// ReturnForm is how a function returns.
type ReturnForm uint8

const (
	ReturnPlain ReturnForm = iota // ret
	ReturnTrap                    // ret; int3: nothing after it is speculated
	ReturnThunk                   // jmp thunk
)

// JumpForm is how an indirect site jumps to the address in rcx.
type JumpForm uint8

const (
	JumpPlain     JumpForm = iota // jmp rcx
	JumpTrap                      // jmp rcx; int3
	JumpLfence                    // lfence; jmp rcx
	JumpRetpoline                 // by a return whose prediction leads into a loop: up to 5.15
	JumpThunk                     // jmp thunk
)

func (e *emitter) emitReturn() {
	switch form := e.l.Forms.Return; {
	case form == ReturnThunk && e.o.Thunks:
		e.JmpNear(0) // jmp thunk
		e.refer(RefReturnThunk, 4)
	case form == ReturnThunk:
		e.Ret()  // ret
		e.pad(1) // int3
	case form == ReturnTrap:
		e.Ret()  // ret
		e.Int3() // int3
	default:
		e.Ret() // ret
	}
}

func (e *emitter) emitJumpRCX() {
	switch form := e.l.Forms.Jump; {
	case form == JumpThunk && e.o.Thunks:
		e.JmpNear(0) // jmp thunk
		e.refer(RefJumpThunk, 4)
	case form == JumpThunk:
		e.JmpReg(x86.RCX) // jmp rcx
		e.pad(2)          // int3
	case form == JumpRetpoline:
		e.emitRetpoline()
	case form == JumpLfence:
		e.Lfence()        // lfence
		e.JmpReg(x86.RCX) // jmp rcx
	case form == JumpTrap:
		e.JmpReg(x86.RCX) // jmp rcx
		e.Int3()          // int3
	default:
		e.JmpReg(x86.RCX) // jmp rcx
	}
}

// pad fills what so many bytes leave of the jump to a thunk whose place they take, as the kernel does
// where it puts its own such jumps back: all that follows lies where it does in the kernel.
func (e *emitter) pad(size int) {
	const jump = 5
	for range jump - size {
		e.Int3() // int3
	}
}

// emitRetpoline writes rcx over its own return address, and returns.
func (e *emitter) emitRetpoline() {
	e.Call(7)           // call 1f
	e.Pause()           // 0: pause
	e.Lfence()          // lfence
	e.JmpShort(-7)      // jmp 0b
	e.StoreTop(x86.RCX) // 1: mov [rsp], rcx
	e.Ret()             // ret
}

// A private stack is memory that each CPU has for one function. Its frame pointer is r9, which
// a call may change: it is saved around every one. What the function pushes, and its rbp, stay
// on the stack of the caller.

// privateFrame is the frame pointer of such a function: it stands for R10 in the operands.
const privateFrame = regAX + 1

// errPrivateStack refuses private stacks where kernels have none: the memory is a kernel's,
// and no tail call can take such a frame off.
var errPrivateStack = errors.New(
	"compile: private stacks are for translated programs without tail calls")

// usePrivateStack puts the function on a private stack that ends at an address. Operands are
// replaced here, in a copy, so that no emitter of an instruction needs to know.
func (e *emitter) usePrivateStack(end uint64) {
	e.private, e.stack = end, 0
	p := *e.p
	p.Insns = slices.Clone(p.Insns)
	for i := e.fn.First; i < e.fn.End(); i++ {
		for _, r := range []*asm.Register{&p.Insns[i].Dst, &p.Insns[i].Src} {
			if *r == asm.R10 {
				*r = privateFrame
			}
		}
	}
	e.p = &p
}

// emitPrivateFrame points r9 to the end of the frame of the CPU that runs this.
func (e *emitter) emitPrivateFrame() {
	if e.private == 0 {
		return
	}
	e.emitAddress(RefPrivateStack, x86.R9, e.private) // mov r9, end
	e.AddGS(x86.R9, 0)                                // add r9, gs:[this_cpu_off]
	e.refer(RefPerCPU, 4)
}
