// Package model judges a [protocol.Subject] by going through every execution of it: the
// mutator's micro-steps, every interleaving with the threads, and every fetch that a
// CPU could make of bytes that are being changed. [Check] explores breadth first and
// answers with a proof or with a shortest [Witness].
//
// # What a state is
//
//	mutator    the operation, its key and programs, its next action, the poke's next
//	           micro-step, which poke last changed a byte, whether a wait is in progress
//	map        for each key the program that its pointer names
//	programs   loaded, held, retiring or freed
//	slots      for each the pairs (first byte, other bytes) that a fetch may return, the
//	           pair that memory holds, and the instruction that its descriptor remembers
//	threads    where each stands, which grace periods wait for it, and its duties: which
//	           programs it may run through a key, which keys it must not miss
//
// The mutator, when idle, calls any operation on any key with any program, for ever: the
// state space is finite, so a complete exploration covers scripts of every length.
// What a key holds is what the map's pointer says, so a protocol that forgets to publish
// is accused of what follows from that.
//
// A thread enters, fetches the bypass of site 0, and either skips to the next site or is
// in the unwind; there it fetches the target and tail-calls. It is inside a reader
// section until it returns. A fetch and what it does are one step. A trap and its
// handler are two: a trapped thread may be descheduled for any time before its handler
// looks whether that slot is being poked now (kernel: poke_int3_handler and text_poke_bp
// in arch/x86/kernel/alternative.c).
//
// # Weak fetch
//
// Until a CPU serialises, it may execute any mixture of what it once saw. A slot keeps
// the set of whole pairs that any CPU may still see; a fetch returns any of them, and a
// sync leaves only what memory holds. Nothing is assumed of two fetches, not even by one
// thread: a later one may return older bytes. This covers every machine that serialises
// where it is told to. Writing the tail of an instruction lets a fetch see it partly
// written, with any head still seen; one aligned store ("all") is never seen in parts.
//
// # Why one thread is enough
//
// Check answers proved after exploring one thread, and the answer holds for any number.
// Take an execution of n threads and the mutator; choose thread i; leave out the steps
// of the others. What is left is an execution of the system whose only thread is i:
//
//   - Threads write nothing that another actor reads, but for the marks by which a grace
//     period waits for them. Steps of the mutator change a thread by rules that look at
//     that thread and the mutator alone (a snapshot marks it, a call adds to its duties),
//     and steps of a thread read the shared state and itself. So every step that is left
//     still does to the mutator, the slots and thread i what it did.
//   - A step of the mutator is held up by threads only at the end of a wait and where a
//     retired program is freed: both need that nobody is marked. If none of n is marked,
//     then i is not. Fewer threads only take conditions away.
//   - The rules of the flavours project as well. GraceEpoch marks all readers, so it marks
//     i. GraceForget leaves out any one reader or none: seen from i, it is left out or it
//     is not, and both are possible with one thread. GraceSleep marks nobody. A retire
//     takes its snapshot by the same rules.
//
// Each property but one is broken by a step of one thread, on the strength of the
// shared state and that thread alone; expected-bytes is broken by the mutator, on the
// strength of the slots. So a violation by thread i among n is one by i alone, no longer
// than it was. Conversely an execution with one thread is one with n of which the others
// stay idle. Hence the verdict, the property and the length of a shortest witness are the
// same for every n: one thread is a cutoff. The tests hold explorations of two and three
// threads against this. It holds for the given sites, programs and keys.
//
// # How it explores
//
// A state is packed into one word for the mutator, one for each site and one for each
// thread. Threads are alike, so their words are sorted ([Options.NoSymmetry] leaves
// that out). The visited table is split into shards by hash; workers expand and insert
// in turns without locks, and numbers, parents, counts and witness do not depend on how
// many workers there are.
//
// # What this package does not do
//
// It knows no byte of an image, no register and no counter (package stress/machine runs
// these), and nothing of liveness. Descriptors are stable throughout: no copy of the
// caller is loaded or unloaded. Indirect callers, who act on publish, are not modelled.
// It reads no clock.
package model
