//go:build linux

#include "go_asm.h"
#include "textflag.h"
#include "ucontext_amd64.h"

#define CODE_INT3 0x80  // SI_KERNEL
#define CODE_TRACE 2    // TRAP_TRACE
#define CODE_TKILL -6   // SI_TKILL
#define NAP_NS 1000000
#define SYS_NANOSLEEP 35
#define SYS_GETTID 186
#define SYS_RT_SIGRETURN 15

// Handlers are entered by the kernel with DI = signal, SI = siginfo, DX = ucontext, on
// the thread's alternate stack, every signal blocked. They touch no Go state.

// trapHandler answers int3 in an arena: RIP is one past it. What comes of single-stepping
// is for step_amd64.s.
TEXT ·trapHandler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	CMPL SI_CODE(SI), $CODE_TKILL
	JEQ  evict
	CMPL SI_CODE(SI), $CODE_TRACE
	JEQ  traced
	CMPL SI_CODE(SI), $CODE_INT3
	JNE  chain
	MOVQ UC_RIP(DX), AX
	DECQ AX
	CMPQ AX, ·area+areaBounds_codeLo(SB)
	JCS  chain
	CMPQ AX, ·area+areaBounds_codeHi(SB)
	JCC  chain
	LOCK
	INCQ ·traps+trapState_hits(SB)
	TESTQ $TRAP_FLAG, UC_EFL(DX)
	JNE  stepped
	JMP  ·trapLook(SB)

traced:
	JMP ·stepTraced(SB)

stepped:
	JMP ·stepTrapped(SB)

evict:
	// Sent by Pool.Stop to a thread that does not leave its image. If it has just left,
	// there is nothing to do.
	MOVQ UC_RIP(DX), R8
	CMPQ R8, ·area+areaBounds_codeLo(SB)
	JCS  left
	CMPQ R8, ·area+areaBounds_codeHi(SB)
	JCC  left
	MOVQ $const_Evicted, DI
	JMP  ·faultHandler(SB)

left:
	RET

chain:
	JMP ·trapChain(SB)

// trapChain passes SIGTRAP on to the Go runtime.
TEXT ·trapChain(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ ·oldHandlers+(8*5)(SB), AX
	JMP  AX

// trapLook is the handler of a thread that trapped at AX and is not stepped.
TEXT ·trapLook(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	CALL ·trapAnswer(SB)
	CMPL CX, $const_trapNap
	JEQ  nap
	CMPL CX, $const_trapNobodys
	JEQ  nobodys
	RET

nap:
	// Only the patcher can end this: let it run. A reader with a lent real-time priority
	// that came back here without pause would keep a CPU from the very threads that the
	// patcher may be waiting for.
	SUBQ    $16, SP
	MOVQ    $0, 0(SP)         // tv_sec
	MOVQ    $NAP_NS, 8(SP)    // tv_nsec
	MOVQ    SP, DI
	XORL    SI, SI
	MOVQ    $SYS_NANOSLEEP, AX
	SYSCALL
	ADDQ    $16, SP
	RET

nobodys:
	JMP ·faultHandler(SB)

// trapAnswer sets the RIP of ucontext DX to where a thread goes on that trapped at AX. CX
// says how: trapAnswered, trapNap before it runs the byte again, or trapNobodys. It leaves
// DI and SI alone.
TEXT ·trapAnswer(SB), NOSPLIT|NOFRAME, $0
	// A sequence lock: this thread may be descheduled anywhere here while pokes come
	// and go, and must not answer one poke's trap with another's instruction.
	MOVQ  ·traps+trapState_seq(SB), CX
	TESTQ $1, CX
	JNE   nap
	MOVQ  ·traps+trapState_at(SB), R8
	MOVQ  ·traps+trapState_resume(SB), R9
	CMPQ  CX, ·traps+trapState_seq(SB)
	JNE   again
	CMPQ  AX, R8
	JNE   stale
	TESTQ R9, R9
	JEQ   nap
	MOVQ  R9, UC_RIP(DX)
	MOVL  $const_trapAnswered, CX
	RET

nap:
	MOVQ AX, UC_RIP(DX)
	MOVL $const_trapNap, CX
	RET

stale:
	// No poke of this slot is active. If the byte is no trap any more, the poke ended
	// while the signal was in flight; if it is one, a poke may have begun since we
	// looked; else no poke owns the trap: a freed program, or padding.
	MOVBLZX (AX), R8
	CMPL    R8, $const_Int3
	JNE     late
	CMPQ    CX, ·traps+trapState_seq(SB)
	JNE     again
	MOVQ    AX, UC_RIP(DX)
	MOVL    $const_trapNobodys, CX
	RET

late:
	LOCK
	INCQ ·traps+trapState_late(SB)

again:
	MOVQ AX, UC_RIP(DX)
	MOVL $const_trapAnswered, CX
	RET

// faultHandler contains a fault of an image: SIGSEGV, SIGBUS, SIGILL, SIGFPE, and
// SIGTRAP by way of trapHandler.
TEXT ·faultHandler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ UC_RSP(DX), R8
	CMPQ R8, ·area+areaBounds_stackLo(SB)
	JCS  byThread
	CMPQ R8, ·area+areaBounds_stackHi(SB)
	JCC  byThread
	ORQ  $const_stackMask, R8
	SUBQ $(const_frameSize-1), R8
	JMP  found

byThread:
	// rsp is wild: ask which thread this is.
	MOVQ DX, R12
	MOVQ $SYS_GETTID, AX
	SYSCALL
	MOVQ R12, DX
	LEAQ ·threadTable(SB), R9
	MOVQ $const_threadSlots, CX

look:
	SUBQ $1, CX
	JCS  chain
	CMPQ AX, threadEntry_tid(R9)
	JEQ  hit
	ADDQ $threadEntry__size, R9
	JMP  look

hit:
	MOVQ threadEntry_frame(R9), R8
	CMPQ frame_slot(R8), $0
	JEQ  chain
	CMPQ frame_call+callRecord_fn(R8), $0
	JNE  chain // in Go, for a helper

found:
	MOVLQSX DI, AX
	MOVQ    AX, frame_fault+faultRecord_sig(R8)
	MOVQ    UC_RIP(DX), AX
	MOVQ    AX, frame_fault+faultRecord_rip(R8)
	MOVQ    UC_RSP(DX), AX
	MOVQ    AX, frame_fault+faultRecord_rsp(R8)
	MOVQ    SI_ADDR(SI), AX
	MOVQ    AX, frame_fault+faultRecord_addr(R8)
	MOVQ    R8, UC_R11(DX)
	MOVQ    frame_sp(R8), AX
	MOVQ    AX, UC_RSP(DX)
	LEAQ    ·faultRet(SB), AX
	MOVQ    AX, UC_RIP(DX)
	ANDQ    $~0x500, UC_EFL(DX) // trap flag and direction flag
	RET

chain:
	MOVLQSX DI, AX
	LEAQ    ·oldHandlers(SB), CX
	MOVQ    (CX)(AX*8), AX
	JMP     AX

// lookHandler notes where an image stands, and changes nothing.
TEXT ·lookHandler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ UC_RIP(DX), AX
	CMPQ AX, ·area+areaBounds_codeLo(SB)
	JCS  elsewhere
	CMPQ AX, ·area+areaBounds_codeHi(SB)
	JCC  elsewhere
	MOVQ UC_RSP(DX), R8
	CMPQ R8, ·area+areaBounds_stackLo(SB)
	JCS  elsewhere
	CMPQ R8, ·area+areaBounds_stackHi(SB)
	JCC  elsewhere
	ORQ  $const_stackMask, R8
	SUBQ $(const_frameSize-1), R8
	MOVQ AX, frame_lookedAt(R8)
	INCQ frame_looks(R8)

elsewhere:
	RET

TEXT ·sigreturn(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ $SYS_RT_SIGRETURN, AX
	SYSCALL
	INT  $3

// func handlers() (trap, fault, look, restorer uintptr)
//
// Taken here, since a Go function value would be the address of an ABI wrapper.
TEXT ·handlers(SB), NOSPLIT, $0-32
	MOVQ $·trapHandler(SB), AX
	MOVQ AX, trap+0(FP)
	MOVQ $·faultHandler(SB), AX
	MOVQ AX, fault+8(FP)
	MOVQ $·lookHandler(SB), AX
	MOVQ AX, look+16(FP)
	MOVQ $·sigreturn(SB), AX
	MOVQ AX, restorer+24(FP)
	RET
