// Package x86 encodes the x86-64 instructions that an eBPF compiler in the manner of the
// Linux kernel emits.
//
// It is not an assembler. An instruction often has several encodings, and this package has
// one method per encoding that arch/x86/net/bpf_jit_comp.c chooses, because the images are
// compared byte for byte with those of a kernel:
//
//	mov r, 0        31 /r           xor, two bytes, flags are dead there
//	mov r, imm      b8+r imm32      when zero extension gives the value
//	                c7 /0 imm32     when sign extension is needed
//	                b8+r imm64      otherwise
//	add r, imm      83 /0 imm8      when the immediate fits
//	                05 imm32        the accumulator's form
//	                81 /0 imm32     otherwise
//	cmp r, imm      83 or 81        never the accumulator's form
//	[r+disp]        disp8 or disp32 never the form without a displacement
//
// What the caller fixes is the form. A method never refuses: its parameters are small
// closed types, and a displacement or immediate is of the very width that is encoded. Where the
// kernel always spends four bytes on a displacement (the tail call counter), Mem32 says so.
//
// A [Builder] holds the bytes and the offset at which each machine instruction starts. The
// starts matter as much as the bytes: code that patches live text has to know where a thread
// may stand. Forward jumps over a few instructions are bound afterwards ([Builder.Bind]);
// the compiler emits jumps between eBPF instructions itself, since their length depends on
// distances that only it knows.
//
// The tests check every encoding with two foreign disassemblers, golang.org/x/arch and
// GNU objdump. The former does not know shifts with a VEX prefix; these go to objdump alone.
package x86
