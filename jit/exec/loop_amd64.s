//go:build linux

#include "go_asm.h"
#include "textflag.h"

#define SYS_FUTEX 202
#define FUTEX_WAIT_PRIVATE 128

// func runLoop(f *frame)
//
// R11 is the frame, R9 the control block. Leaves when the budget is used up or stop is
// set. Nothing here may call Go, grow a stack or touch the Go heap: for the runtime
// this thread is in a system call.
TEXT ·runLoop(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ f+0(FP), R11
	MOVQ BP, frame_goBP(R11)
	MOVQ SP, frame_goSP(R11)
	CMPQ frame_call+callRecord_fn(R11), $0
	JNE  resume

	// All threads start at once: those that executed while others were still being made
	// would keep the CPUs from the threads of the Go runtime that make them.
gate:
	MOVQ f+0(FP), R11 // a system call clobbers R11
	MOVQ frame_ctl(R11), R9
	CMPL control_gate(R9), $0
	JNE  next
	LEAQ control_gate(R9), DI
	MOVQ $FUTEX_WAIT_PRIVATE, SI
	XORL DX, DX
	XORL R10, R10
	MOVQ $SYS_FUTEX, AX
	SYSCALL
	JMP  gate

next:
	MOVQ frame_restoreN(R11), CX
	MOVQ frame_restoreFrom(R11), SI
	MOVQ frame_restoreTo(R11), DI

restore:
	SUBQ $1, CX
	JCS  enter
	MOVQ (SI)(CX*8), AX
	MOVQ AX, (DI)(CX*8)
	JMP  restore

enter:
	// The read-side section begins: one plain store. The waiting side's membarrier
	// orders it before the loads of the image (package rcu).
	MOVQ frame_ctl(R11), R9
	MOVQ control_epoch(R9), R10
	MOVQ R10, frame_slot(R11)
	MOVQ control_phase(R9), R10
	MOVQ R10, frame_phase0(R11)
	MOVQ frame_budget(R11), R10
	ANDQ $const_entriesMask, R10
	MOVQ control_entries(R9)(R10*8), R10
	MOVQ frame_ctx(R11), DI
	MOVQ frame_ctxLen(R11), SI
	XORL AX, AX // a program that reads what it was not given gets the same every time
	XORL DX, DX
	XORL CX, CX
	XORL R8, R8
	MOVQ frame_canary+0(R11), BX
	MOVQ frame_canary+8(R11), BP
	MOVQ frame_canary+16(R11), R12
	MOVQ frame_canary+24(R11), R13
	MOVQ frame_canary+32(R11), R14
	MOVQ frame_canary+40(R11), R15
	MOVQ frame_sp(R11), SP
	CALL R10

	// Whatever the image did, rsp lies in this thread's stack, or it would not have
	// returned here.
	MOVQ SP, R11
	ORQ  $const_stackMask, R11
	SUBQ $(const_frameSize-1), R11
	MOVQ frame_ctl(R11), R9
	MOVQ control_phase(R9), R8 // phase at the end; loads are not reordered on x86
	MOVQ $0, frame_slot(R11)   // the read-side section ends; earlier loads are done

	// DX = index of the phase that judges this execution, if it saw at most one
	// operation: phase0 where nothing changed, else the odd one of the two.
	MOVQ frame_phase0(R11), DX
	MOVQ R8, CX
	SUBQ DX, CX
	ORQ  CX, DX
	ANDQ $const_ringMask, DX
	SHLQ $4, DX
	LEAQ control_ring(R9)(DX*1), DX
	MOVQ phase_kind(DX), DI
	MOVQ phase_mask(DX), SI
	CMPQ CX, $1
	JHI  several

	// This thread may have been descheduled since R8 was read, for so long that the
	// ring has come round: the entry of phase n is overwritten before phase n+ringSize
	// is announced.
	MOVQ control_phase(R9), CX
	SUBQ frame_phase0(R11), CX
	CMPQ CX, $(const_ringSize-1)
	JCS  judged

several:
	MOVQ $const_SeveralPhases, DI
	MOVQ $-1, SI

judged:
	INCQ frame_over(R11)(DI*8)

	SUBQ frame_sp(R11), SP
	MOVQ SP, R10
	MOVQ SP, DI
	XORQ frame_canary+0(R11), BX
	ORQ  BX, R10
	XORQ frame_canary+8(R11), BP
	ORQ  BP, R10
	XORQ frame_canary+16(R11), R12
	ORQ  R12, R10
	XORQ frame_canary+24(R11), R13
	ORQ  R13, R10
	XORQ frame_canary+32(R11), R14
	ORQ  R14, R10
	XORQ frame_canary+40(R11), R15
	MOVQ $const_BadRegisters, CX
	ORQ  R15, R10
	JNE  bad

	MOVQ  AX, R10
	IMULQ frame_mul(R11), R10
	SHRQ  $const_tableShift, R10
	SHLQ  $5, R10
	ADDQ  frame_table(R11), R10
	MOVQ  $const_BadValue, CX
	CMPQ  AX, outcome_value(R10)
	JNE   other
	TESTQ SI, outcome_bit(R10)
	JEQ   illegal
	INCQ  outcome_count(R10)

again:
	DECQ frame_budget(R11)
	JEQ  done
	CMPQ control_stop(R9), $0
	JEQ  next

done:
	MOVQ AX, frame_rax(R11)
	MOVQ frame_goSP(R11), SP
	MOVQ frame_goBP(R11), BP
	RET

other:
	// No outcome by itself. All values that are none may be one together.
	MOVQ  frame_otherBit(R11), R10
	TESTQ R10, R10
	JEQ   bad
	MOVQ  $const_BadPhase, CX
	TESTQ SI, R10
	JEQ   bad
	INCQ  frame_others(R11)
	JMP   again

illegal:
	// An empty slot of the table holds value 0 and no bit: 0 is an outcome like others.
	CMPQ outcome_bit(R10), $0
	JEQ  other
	MOVQ $const_BadPhase, CX

bad:
	MOVQ frame_bad(R11), DX
	INCQ frame_bad(R11)
	CMPQ DX, $const_keptPerStk
	JCC  again
	SHLQ $7, DX
	LEAQ frame_kept(R11)(DX*1), DX
	MOVQ AX, anomaly_rax(DX)
	MOVQ BX, anomaly_regs+0(DX)
	MOVQ BP, anomaly_regs+8(DX)
	MOVQ R12, anomaly_regs+16(DX)
	MOVQ R13, anomaly_regs+24(DX)
	MOVQ R14, anomaly_regs+32(DX)
	MOVQ R15, anomaly_regs+40(DX)
	MOVQ DI, anomaly_rspOff(DX)
	MOVQ R8, anomaly_phase1(DX)
	MOVQ frame_phase0(R11), R10
	MOVQ R10, anomaly_phase0(DX)
	MOVQ CX, anomaly_kind(DX)
	JMP  again

resume:
	// The helper that the image has called returns.
	MOVQ frame_call+callRecord_rax(R11), AX
	MOVQ frame_call+callRecord_regs+0(R11), BX
	MOVQ frame_call+callRecord_regs+8(R11), BP
	MOVQ frame_call+callRecord_regs+16(R11), R12
	MOVQ frame_call+callRecord_regs+24(R11), R13
	MOVQ frame_call+callRecord_regs+32(R11), R14
	MOVQ frame_call+callRecord_regs+40(R11), R15
	MOVQ frame_call+callRecord_sp(R11), SP
	MOVQ $0, frame_call+callRecord_fn(R11)
	RET

// leaveImage is where helper stubs jump to, with their number in EAX: runLoop returns, and the
// image goes on when it is run again. The read-side section goes on.
TEXT ·leaveImage(SB), NOSPLIT|NOFRAME, $0
	MOVQ SP, R11
	ORQ  $const_stackMask, R11
	SUBQ $(const_frameSize-1), R11
	MOVQ DI, frame_call+callRecord_args+0(R11)
	MOVQ SI, frame_call+callRecord_args+8(R11)
	MOVQ DX, frame_call+callRecord_args+16(R11)
	MOVQ CX, frame_call+callRecord_args+24(R11)
	MOVQ R8, frame_call+callRecord_args+32(R11)
	MOVQ BX, frame_call+callRecord_regs+0(R11)
	MOVQ BP, frame_call+callRecord_regs+8(R11)
	MOVQ R12, frame_call+callRecord_regs+16(R11)
	MOVQ R13, frame_call+callRecord_regs+24(R11)
	MOVQ R14, frame_call+callRecord_regs+32(R11)
	MOVQ R15, frame_call+callRecord_regs+40(R11)
	MOVQ SP, frame_call+callRecord_sp(R11)
	MOVQ AX, frame_call+callRecord_fn(R11)
	MOVQ frame_goSP(R11), SP
	MOVQ frame_goBP(R11), BP
	RET

// func serialize()
TEXT ·serialize(SB), NOSPLIT, $0-0
	XORL AX, AX
	XORL CX, CX
	CPUID // Intel SDM vol. 3, 9.3
	RET

// func leaveAddr() uintptr
TEXT ·leaveAddr(SB), NOSPLIT, $0-8
	MOVQ $·leaveImage(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// faultRet is where a contained fault resumes, with R11 = frame and rsp in the
// thread's stack: the call of the image is over, and so is runLoop.
TEXT ·faultRet(SB), NOSPLIT|NOFRAME, $0
	MOVQ BP, frame_fault+faultRecord_rbp(R11)
	MOVQ $0, frame_slot(R11)
	MOVQ frame_goSP(R11), SP
	MOVQ frame_goBP(R11), BP
	RET
