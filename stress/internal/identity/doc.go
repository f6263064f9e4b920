// Package identity compares package jit with the running Linux kernel: do both compilers make the
// same machine code of the same program, byte for byte?
//
//	sample --bpf(2)--> verifier --> translated instructions --> kernel's compiler --> image
//	                                        |                                           |
//	                                     read back                                  read back
//	                                        |                                           |
//	                                jit.ParseTranslated --> jit.Compile --> image <-- compare
//
// [Check] answers for a list of programs, [Corpus] is such a list: every operation on every
// register, jumps around the limits of their sizes, tail calls from every shape of frame, calls
// of all kinds, programs of eight types, and random programs of a seed. [ObjectSamples] are the
// programs of an object file. What the compilers see is the same: the instructions as the
// verifier left them, with dead code gone, context accesses converted, divisions guarded.
//
// Nothing about the kernel is assumed. [DetectCompiler] loads a few small programs and learns from
// their images how functions begin (with endbr64 or not, with which nop, with the counter of which
// era) and return, how indirect sites jump and where they look, how counters are compared,
// quotients, shifts, constants and exchanges made, how far a short jump reaches, from which depth
// on a stack is a private one, and how calls are counted. A kernel whose functions begin in another
// way is not compared with: that is an [ErrUnsupported] with the reason.
//
// Operands that are addresses cannot be foreseen: helpers, thunks, maps, the memory of a CPU. They
// are compared all the same. The image says which operands these are (jit.Image.Refs). What the
// kernel has there is turned into an absolute address, and all operands that mean one thing must
// give one address. Calls between functions, and loads of their addresses, are compared outright.
// Where the kernel counts calls (booted with retbleed=stuff), it leaves out those of some of its
// functions, as it chooses: all calls of one function must be counted, or none.
//
// Some decisions of the verifier reach the compiler and are not shown: how deep a stack is,
// whether it is a private one, whether a function keeps the counter of tail calls, and whether a
// tail call is direct. Package jit finds the depth, the counter and the kind by its own analysis.
// It foretells a private stack by the kernel's rule (a program of a type that interrupts others,
// without tail calls, and a stack deep enough), and takes only its address from the image. Where
// the verifier knew more, all of these are read off the kernel's image, and the program is counted
// as recovered: its identity then says nothing about them.
//
// # What this package does not do
//
// It does not compare programs with exceptions, with an arena, or with loads through pointers that
// may be wild, which the kernel checks: package jit has none of these. Their images show it, and
// the report lists them as unsupported, neither identical nor different. It does not compare what
// runs in a trampoline, or was made of cBPF. The maps of samples are empty, so every direct site is
// in state C: patched sites are not compared here.
//
// The tests go further. They run random programs in the interpreter, as images of all layouts, and
// by BPF_PROG_TEST_RUN.
package identity
