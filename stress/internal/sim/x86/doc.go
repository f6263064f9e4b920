// Package x86 executes x86-64 instructions one by one on registers, flags and memory that are
// values. It knows the forms that package jit emits and refuses all others, although the library that
// reads the bytes knows more:
//
//	Decode   bytes become an Insn
//	Core     registers, flags and memory of one thread; Step executes an Insn there
//	Memory   the stack and one more region belong to the thread; the rest it only reads
//
// A step is an error where a program breaks what it promises: it reads or writes memory that is
// not its own, or below its stack pointer, where an interrupt may write at any time; it divides by
// zero; it looks at flags that are not known.
//
// The package knows nothing of threads beside each other, of patched text, of states that are
// explored. Its tests hold every form against the real CPU.
package x86
