package jit

import "tailpoke/jit/x86"

// Forms are what kernels of one era choose by the CPU that they run on, and by its faults:
// how control leaves an image. The zero value is what a CPU without faults gets.
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

// emitReturn returns.
func (e *emitter) emitReturn() {
	switch e.o.Forms.Return {
	case ReturnThunk:
		e.JmpNear(0) // jmp thunk
		e.refer(RefReturnThunk, 4)
	case ReturnTrap:
		e.Ret()  // ret
		e.Int3() // int3
	default:
		e.Ret() // ret
	}
}

// emitJumpRCX jumps to rcx.
func (e *emitter) emitJumpRCX() {
	switch e.o.Forms.Jump {
	case JumpThunk:
		e.JmpNear(0) // jmp thunk
		e.refer(RefJumpThunk, 4)
	case JumpRetpoline:
		e.emitRetpoline()
	case JumpLfence:
		e.Lfence()        // lfence
		e.JmpReg(x86.RCX) // jmp rcx
	case JumpTrap:
		e.JmpReg(x86.RCX) // jmp rcx
		e.Int3()          // int3
	default:
		e.JmpReg(x86.RCX) // jmp rcx
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
