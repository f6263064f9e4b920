// Package text pokes live text: it carries a [protocol.Method] out on an
// [exec.Arena]. A poke replaces one 5-byte instruction by another while threads
// execute it; between the two they may meet an int3, which the signal handler of
// package exec answers as the method says.
//
//	head=int3   CC|old tail      traps act as the new instruction
//	sync        every CPU now sees the CC
//	tail        CC|new tail
//	sync
//	head=new    new instruction
//	sync        no CPU meets the CC any more
//
// The kernel does the same in arch/x86/kernel/alternative.c (text_poke_bp; since
// v6.16 smp_text_poke_single). Like __bpf_arch_text_poke, a poke refuses to write
// where it does not find the bytes that it expects, and says when there is nothing
// to do.
//
// The method says in which order the stores are made, and it may be faulty on purpose. The
// package knows only single pokes; package patcher decides when to poke which slot.
package text
