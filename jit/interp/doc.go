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
// what lies ahead depends only on registers, memory, counter and pending calls. Paths
// that meet in such a state, with the same program as the last one entered, are one from
// there on. They are explored in order of the tail calls they took, so that the path reported
// for a result is the shortest.
//
// The limit of tail calls is the era's: jit.Layout's Counter says whether a miss counts, and
// what a called function gets to see of the counter. An execution that does not end, as two
// functions can bring about where the counter starts anew in each, ends in [ErrBounded].
//
// Memory is the context, the stacks, the packet, and the values of maps ([Map]). Every path
// has all of these for itself; what Run writes to packet and maps stays in the world.
// Registers know whether they hold a number or an address, and an address knows into what; a
// number is never an address, and 0 is what a lookup that finds nothing gives. The interpreter
// refuses, with an error that names program and instruction, what it could not predict:
//
//   - reading a register or a stack byte that was never written: a function may leave R0 so
//   - an access outside of its memory: one value of a map, not its neighbour; of a stack the
//     part that the image reserves
//   - an access to an element of a hash that was deleted or updated since it was looked up
//   - a write to a map that is read-only
//   - a result, or a number in context, packet or map, that depends on an address
//   - a jump whose condition depends on one, but for the order of addresses in one memory, and
//     for whether one is null
//
// # Others that write
//
// Many threads run a program at once, on the same maps. In a world that is [World.Shared]
// Explore follows what it may do whatever the others write, and whenever. A register may hold
// a number of which nothing is known:
//
//   - what was read from a map that is not ReadOnly, an atomic operation's old value included,
//     or from an element of which it is not known which one it is
//   - what an update or a deletion returns, but for arrays: of these, a known key and known
//     flags decide
//   - time, random numbers, the number of the CPU
//   - what was read from a part of the context of which nothing is said ([World.CtxUnknown])
//
// What is computed with an unknown number is unknown. It can be stored in stack and context, byte
// by byte; what is stored in a map is forgotten. Where a decision depends on one, paths part:
//
//   - a conditional jump goes both ways
//   - a lookup with such a key, or in a hash with any key, finds something and finds nothing
//   - a tail call does what any key may do
//   - a load from such an offset in the packet finds the end, or a number
//
// Nothing is learnt from a decision: after x == 1, x is as unknown as before. A loop that depends
// on an unknown number ends where it comes back to a state. If it counts, it ends in ErrBounded.
//
// So the results are those of every execution among others, and perhaps more. Refused in addition
// to the above are an unknown result; an access through the sum of an address and an unknown
// number; an unknown size; a write to the packet, which threads share.
//
// # What a verifier has taken
//
// In a world that is [World.Unknown] the interpreter takes what it would refuse for unknown, since a
// verifier has taken the program. A helper without a model, or a kernel function, gives something, and
// writes what its signature lets it write (jit.Signature); one that calls a function of the program
// calls it any number of times. The sum of an address and an unknown number is an address somewhere in
// that memory. A program that may change its packet is explored anew with one of which nothing is known.
// [Result.Unknown] is what gives a result that is not known. An error is left where it is not known
// where the program goes on, and at the bounds.
//
// # Helpers
//
// Helpers do what the kernel's do, errors included, in a world where one CPU runs one program:
// time stands still ([World.Now]) and every random number is the same. bpf_probe_read and its
// variants read any memory that the interpreter knows; at a number they find what [World.Probe]
// finds. bpf_trace_printk returns the length of what it prints, without an end. Of conversions it
// knows %d %i %u %x %X with l and ll, %c, %s, %p and %%, without widths, and refuses others. The
// world does not say where the packet's headers lie. So a load at a negative offset is refused if
// any place of the headers could make it succeed.
//
// Programs that were translated for a kernel are refused.
package interp
