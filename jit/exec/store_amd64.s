//go:build linux

#include "textflag.h"

// func store1(p *byte, v byte)
TEXT ·store1(SB), NOSPLIT|NOFRAME, $0-9
	MOVQ p+0(FP), AX
	MOVB v+8(FP), CX
	MOVB CX, (AX)
	RET

// func store4(p *byte, v uint32)
TEXT ·store4(SB), NOSPLIT|NOFRAME, $0-12
	MOVQ p+0(FP), AX
	MOVL v+8(FP), CX
	MOVL CX, (AX)
	RET
