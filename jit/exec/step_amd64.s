//go:build linux

#include "go_asm.h"
#include "textflag.h"
#include "ucontext_amd64.h"

#define SYS_GETTID 186
#define SYS_FUTEX 202
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129
#define ETIMEDOUT 110
#define SIGSEGV 11
#define PARK_SECONDS 60

// func runStep(f *frame)
//
// One execution under the trap flag, which the handlers below take off before anything but
// the image executes. Canaries and what caller-saved registers hold are as in runLoop.
TEXT ·runStep(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ   f+0(FP), R11
	MOVQ   BP, frame_goBP(R11)
	MOVQ   SP, frame_goSP(R11)
	MOVQ   frame_step+stepRecord_entry(R11), R10
	MOVQ   frame_ctx(R11), DI
	MOVQ   frame_ctxLen(R11), SI
	XORL   AX, AX
	XORL   DX, DX
	XORL   CX, CX
	XORL   R8, R8
	MOVQ   frame_canary+0(R11), BX
	MOVQ   frame_canary+8(R11), BP
	MOVQ   frame_canary+16(R11), R12
	MOVQ   frame_canary+24(R11), R13
	MOVQ   frame_canary+32(R11), R14
	MOVQ   frame_canary+40(R11), R15
	MOVQ   frame_sp(R11), SP
	LEAQ   ·stepReturn(SB), R9
	PUSHQ  R9
	PUSHFQ
	ORQ    $TRAP_FLAG, (SP)
	POPFQ      // the first trap comes after the next instruction
	JMP    R10

// stepReturn is where the image returns to. By then the trap flag is off: stepTraced took it
// off in front of the first instruction, or the thread was let go before.
TEXT ·stepReturn(SB), NOSPLIT|NOFRAME, $0
	MOVQ SP, R11
	ORQ  $const_stackMask, R11
	SUBQ $(const_frameSize-1), R11
	MOVQ AX, frame_step+stepRecord_regs+const_stepRAX*8(R11)
	MOVQ BX, frame_step+stepRecord_regs+const_stepRBX*8(R11)
	MOVQ BP, frame_step+stepRecord_regs+const_stepRBP*8(R11)
	MOVQ SP, frame_step+stepRecord_regs+const_stepRSP*8(R11)
	MOVQ R12, frame_step+stepRecord_regs+const_stepR12*8(R11)
	MOVQ R13, frame_step+stepRecord_regs+(const_stepR12+1)*8(R11)
	MOVQ R14, frame_step+stepRecord_regs+(const_stepR12+2)*8(R11)
	MOVQ R15, frame_step+stepRecord_regs+(const_stepR12+3)*8(R11)
	MOVQ $0, frame_slot(R11)
	MOVQ frame_goSP(R11), SP
	MOVQ frame_goBP(R11), BP
	CLD
	RET

// Below, R12 is the ucontext, R13 the frame and R14 the siginfo: system calls leave them alone,
// and sigreturn restores what the image had in them.

// stepTraced is the handler of a single step.
TEXT ·stepTraced(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	CALL ·stepFrame(SB)
	TESTQ R13, R13
	JEQ  chain
	MOVQ UC_RIP(R12), AX
	LEAQ ·stepReturn(SB), CX
	CMPQ AX, CX
	JEQ  home
	CMPQ AX, ·area+areaBounds_codeLo(SB)
	JCS  wild
	CMPQ AX, ·area+areaBounds_codeHi(SB)
	JCC  wild
	MOVL $const_Stands, BX
	CALL ·stepPark(SB)
	JMP  ·stepObey(SB)

home:
	CALL ·stepKeep(SB)
	ANDQ $~TRAP_FLAG, UC_EFL(R12)
	RET

wild:
	// It has left all arenas, a helper's stub included, and not to return: that is caught
	// before it executes anything there.
	MOVQ R12, DX
	MOVQ R14, SI
	MOVL $SIGSEGV, DI
	JMP  ·faultHandler(SB)

chain:
	JMP ·trapChain(SB)

// stepTrapped is the handler of an int3 at AX under the trap flag. The thread is parked before the
// handler looks what to answer, and again when it has.
TEXT ·stepTrapped(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ AX, UC_RIP(DX)
	CALL ·stepFrame(SB)
	TESTQ R13, R13
	JEQ  plain
	MOVL $const_Trapped, BX
	CALL ·stepPark(SB)
	CMPL AX, $const_stepOne
	JNE  other
	MOVQ R12, DX
	MOVQ UC_RIP(DX), AX
	CALL ·trapAnswer(SB)
	CMPL CX, $const_trapNobodys
	JEQ  nobodys
	MOVL $const_Stands, BX
	CALL ·stepPark(SB)

obey:
	JMP ·stepObey(SB)

other:
	CMPL AX, $const_stepLeave
	JEQ  obey
	ANDQ $~TRAP_FLAG, UC_EFL(R12)

plain:
	MOVQ R12, DX
	MOVQ R14, SI
	MOVL $5, DI // SIGTRAP
	MOVQ UC_RIP(DX), AX
	JMP  ·trapLook(SB)

nobodys:
	MOVQ R14, SI
	MOVL $5, DI // SIGTRAP
	JMP  ·faultHandler(SB)

// stepObey returns from a handler as the order in AX says.
TEXT ·stepObey(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	CMPL AX, $const_stepLeave
	JEQ  leave
	CMPL AX, $const_stepOne
	JEQ  one
	ANDQ $~TRAP_FLAG, UC_EFL(R12)

one:
	RET

leave:
	MOVQ R12, DX
	MOVQ R14, SI
	MOVL $const_Evicted, DI
	JMP  ·faultHandler(SB)

// stepFrame finds out which thread this is: rsp may be wild. R13 is 0 if it is none of a pool.
TEXT ·stepFrame(SB), NOSPLIT|NOFRAME, $0
	MOVQ DX, R12
	MOVQ SI, R14
	MOVQ $SYS_GETTID, AX
	SYSCALL
	LEAQ ·threadTable(SB), R9
	MOVQ $const_threadSlots, CX
	XORL R13, R13

look:
	SUBQ $1, CX
	JCS  out
	CMPQ AX, threadEntry_tid(R9)
	JEQ  hit
	ADDQ $threadEntry__size, R9
	JMP  look

hit:
	MOVQ threadEntry_frame(R9), R13

out:
	MOVQ R12, DX
	MOVQ R14, SI
	MOVL $5, DI // SIGTRAP: the handler's arguments again
	RET

// stepKeep copies the registers of the ucontext into the frame.
TEXT ·stepKeep(SB), NOSPLIT|NOFRAME, $0
	MOVQ $const_stepRegs, CX

copy:
	MOVQ (UC_R8-8)(R12)(CX*8), AX
	MOVQ AX, (frame_step+stepRecord_regs-8)(R13)(CX*8)
	DECQ CX
	JNE  copy
	RET

// stepPark tells the Stepper that the thread has stopped, BX being why, and waits for an order,
// which it returns in AX. If none comes for long, the Stepper is gone.
TEXT ·stepPark(SB), NOSPLIT|NOFRAME, $0
	CALL  ·stepKeep(SB)
	MOVL  BX, frame_step+stepRecord_why(R13)
	MOVL  $const_stepParked, AX
	XCHGL AX, frame_step+stepRecord_state(R13)
	LEAQ  frame_step+stepRecord_state(R13), DI
	MOVQ  $FUTEX_WAKE_PRIVATE, SI
	MOVQ  $1, DX
	MOVQ  $SYS_FUTEX, AX
	SYSCALL
	SUBQ  $16, SP

wait:
	CMPL    frame_step+stepRecord_state(R13), $const_stepParked
	JNE     released
	MOVQ    $PARK_SECONDS, 0(SP) // tv_sec
	MOVQ    $0, 8(SP)            // tv_nsec
	LEAQ    frame_step+stepRecord_state(R13), DI
	MOVQ    $FUTEX_WAIT_PRIVATE, SI
	MOVQ    $const_stepParked, DX
	MOVQ    SP, R10
	MOVQ    $SYS_FUTEX, AX
	SYSCALL
	CMPQ    AX, $-ETIMEDOUT
	JNE     wait
	MOVL    $const_stepParked, AX
	MOVL    $const_stepRuns, CX
	LOCK
	CMPXCHGL CX, frame_step+stepRecord_state(R13)
	JNE     wait // the order came after all
	ADDQ    $16, SP
	MOVL    $const_stepLeave, AX
	RET

released:
	ADDQ $16, SP
	MOVL frame_step+stepRecord_order(R13), AX
	RET
