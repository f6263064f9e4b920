//go:build linux

#include "go_asm.h"
#include "textflag.h"

// func storeAll(base *byte, stores *Store, n int)
//
// In assembly so that the time between two stores is the same however Go was built: a
// fault of a poke method may show only while it is short.
TEXT ·storeAll(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ base+0(FP), DI
	MOVQ stores+8(FP), SI
	MOVQ n+16(FP), CX

next:
	MOVL    Store_Off(SI), AX
	MOVBLZX Store_Width(SI), BX
	MOVQ    Store_Value(SI), DX
	ADDQ    $Store__size, SI
	CMPL    BX, $4
	JEQ     four
	JHI     eight
	MOVB    DX, (DI)(AX*1)
	JMP     more

four:
	MOVL DX, (DI)(AX*1)
	JMP  more

eight:
	MOVQ DX, (DI)(AX*1)

more:
	DECQ CX
	JNE  next
	RET
