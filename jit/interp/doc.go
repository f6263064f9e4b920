// Package interp says what an eBPF program may return. It is the oracle of the machine code
// that package jit emits, and shares nothing with the emitter but the parsed program.
//
// A program that makes tail calls may return many things while its maps are updated. At every
// tail call the interpreter asks what the key may hold at that moment ([World].Held) and
// follows each answer:
//
//	      tail call of key k
//	     /        |         \
//	   nil        f          f'          what Held(m, k) gives
//	goes on   enters f   enters f'
//
// [Explore] follows all of them and returns the set of results; [Run] follows the one path
// of a world in which every key holds one thing.
//
// Programs that tail call themselves would give a tree of paths without end, but few states:
// what lies ahead depends only on registers, stacks, context, counter and pending calls. Paths
// that meet in such a state, with the same program as the last one entered, are one from
// there on. They are explored in order of the tail calls they took, so that the path reported
// for a result is the shortest.
//
// The limit of tail calls is the era's: jit.Layout's Counter says whether a miss counts, and
// what a called function gets to see of the counter. An execution that does not end, as two
// functions can bring about where the counter starts anew in each, ends in [ErrBounded].
//
// Memory is the context, which every path has for itself, and the stacks. Registers know
// whether they hold a number or an address, and an address knows into what; a number is never
// an address. The interpreter refuses, with an error that names program and instruction, what
// it could not predict:
//
//   - reading a register or a stack byte that was never written
//   - an access outside of the context or of the part of the stack that the image reserves
//   - a result, or a number in the context, that depends on an address
//
// It knows no helper but bpf_tail_call, of maps nothing but their addresses, and of functions
// that they may be called. Programs that were translated for a kernel are refused.
package interp
