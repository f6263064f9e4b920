// Package model judges a [protocol.Subject] by going through every execution of it: the
// mutator's micro-steps, every interleaving with the threads, and every fetch that a CPU could
// make of bytes that are being changed. [Check] explores breadth first, and answers with a proof
// or with a shortest witness.
//
// # What a state is
//
//	agents     the mutator, and where the shape asks for them a second one and a loader:
//	           the operation, its key and programs, its next action, the poke's next
//	           micro-step, which poke last changed a byte, whether a wait is in progress
//	map        for each key the program that it holds, and what its pointer names
//	copies     which are there, on the map's list, stable, and open to executions
//	programs   loaded, held, retiring or freed; whether their descriptors are on the list
//	slots      for each the pairs (first byte, other bytes) that a fetch may return, the
//	           pair that memory holds, and the instruction that its descriptor remembers
//	threads    where each stands, of which kind of readers it is, which grace periods wait for
//	           it, and its duties: which programs it may run through a key, which keys it must
//	           not miss
//
// An idle mutator calls any operation on any key with any program, for ever. The state space is
// finite, so a complete exploration covers scripts of every length. What a key holds is what the
// map's pointer says, so a protocol that forgets to publish is accused of what follows from that.
// mutator.go says where it is not so.
//
// A thread enters, fetches the first slot of site 0, and either skips to the next site or is in
// the unwind. There it fetches the second slot and takes the tail call. It is inside a reader
// section until it returns. A fetch and what it does are one step. A trap and its handler are two:
// a trapped thread may be descheduled for any time before its handler looks whether that slot is
// being poked now (kernel: poke_int3_handler and text_poke_bp in arch/x86/kernel/alternative.c).
//
// # What a shape may ask for beyond
//
// Indirect: a thread that has just entered may execute an indirect site of any key instead of its
// first direct site. It reads the map's pointer, and falls through or stands in the program from
// there on. This covers indirect sites before and after the direct ones: a thread may stay where
// it is for any time, and what it has passed has left no trace.
//
// Same: an update may give a key the program that it holds. Its pokes find nothing to do, and one
// of the program's two references is put: nothing is freed.
//
// Copies: a loader loads and unloads copies of the image while operations run, as the protocol's
// load and unload say. An operation passes by descriptors that are not stable. Threads may enter a
// copy that is open. In one that was freed no thread may be found, and a poke there finds what it
// does not expect.
//
// Mutators: two of them carry out operations at a time. The protocol's mutex keeps them apart,
// from an operation's call to its return. What happens before the call, while a mutator waits for
// the mutex, has no effect and is not modelled. Without the mutex single pokes still exclude each
// other, but an operation reads what a descriptor remembers before its poke.
//
// Maps: each of several maps has a mutex of its own, so operations on keys of different maps run
// together. Single pokes exclude each other all the same. The load of a copy takes the mutexes of
// all its maps to put it on their lists, at once.
//
// Nested: a tail call may be one of a subprogram. The program then returns into the caller, inside
// the same reader section, and the thread goes on at any site of the image that it came from:
// descriptors are not in the order in which sites are executed, and a subprogram may be called
// again. Duties are those of the execution: a thread that acts at several sites must at each keep
// to what the keys have held since it entered. Counting from its arrival at that site would find
// no more in the caller, for a new execution can arrive there too, and has to keep to exactly that.
// No stack of callers is kept: a thread that returns from one program into another could as well
// have stayed in the other one until then.
//
// Deep: programs have direct sites, one for each key that the caller has a site of. They are poked
// like those of a copy, as long as the program is there. A thread in the program may execute any of
// them, or none, and so go on from program to program until it leaves. A load and an untracking of
// a program are one step each: image.go says why, and what is refused. Real programs may have fewer
// sites. One more poke is one more grace period, so this shape does not replace the one without
// it: for an answer about both, ask about both.
//
// Readers of several kinds, if the protocol's text has them: each execution is of any one of them,
// which is chosen when it begins. It decides which grace periods wait for the thread.
//
// Grace periods are modelled by what they promise. Two flavours beyond those of package
// patcher/rcu are modelled by how they work, with epochs, store buffers and a barrier, or without
// the barrier: grace.go.
//
// # Weak fetch
//
// Until a CPU serialises, it may execute any mixture of what it once saw. A slot keeps the set of
// whole pairs that any CPU may still see. A fetch returns any of them, and a sync leaves only what
// memory holds. Nothing is assumed of two fetches, not even by one thread: a later one may return
// older bytes. This covers every machine that serialises where it is told to. While the tail of an
// instruction is written, a fetch may see it partly written, with any head that is still seen. One
// aligned store ("all") is never seen in parts.
//
// # Why one thread is enough
//
// Check answers proved after exploring one thread, and the answer holds for any number. Take an
// execution of n threads and the mutator. Choose thread i, and leave out the steps of the others.
// What is left is an execution of the system with thread i alone:
//
//   - Threads write nothing that another actor reads, except the marks by which a grace period
//     waits for them. The mutator's steps change a thread by rules that look at that thread and the
//     mutator alone (a snapshot marks it, a call adds to its duties). A thread's steps read the
//     shared state and the thread itself. So every step that is left still does to the mutator,
//     the slots and thread i what it did.
//   - Threads hold up a step of the mutator only at the end of a wait, and where a retired program
//     is freed. Both need that no thread is marked. If none of n threads is marked, then i is not.
//     Fewer threads only take conditions away.
//   - The rules of the flavours carry over as well. GraceEpoch marks all readers, so it marks i.
//     GraceForget leaves out any one reader or none. So i is left out or it is not, and both are
//     possible with one thread. GraceSleep marks no thread. GraceQuiet asks whether any thread
//     is inside; if none is, i is not. GraceCounter clears marks one by one. A retire takes its
//     snapshot by the same rules.
//
// A step of one thread breaks each property, by the shared state and that thread alone, with two
// exceptions: an agent breaks expected-bytes, by what the slots hold; for progress see below. So a
// violation by thread i among n is one by i alone, and no longer than it was. Conversely, an
// execution with one thread is one with n of which the others stay idle. Hence the verdict, the
// property and the length of a shortest witness are the same for every n: one thread is a cutoff.
// The tests compare this with explorations of two and three threads. It holds for the given sites,
// programs and keys.
//
// What a shape may ask for beyond changes nothing in this. A thread at an indirect site reads the
// map's pointer and itself. A second mutator and the loader are agents like the mutator: they read
// what threads write only at the end of their waits, each in a mark of its own.
//
// Kinds of readers change nothing either. The kind is in the thread's own word from the entry to the
// exit, and a grace period marks a thread by that word alone. So a thread that is left keeps its
// marks, of whatever kind the others were. One thread is explored, and each of its executions is of
// any kind. This covers every mix: a thread that is sleepable for ever is one that always chooses
// that, and two readers of different kinds need not be inside at once, since no rule looks at two
// threads. Nor is it too much: a task may run a plain program and then a sleepable one, and where it
// may not, a thread of each kind does the same, as the executions of one thread do not overlap.
//
// The same is true where an execution goes on after a tail call. What a thread keeps for that, its
// duties and the image to return to, is in its own word, and a call of the mutator adds to it there
// by the same rule. A program's site is a slot like any other, and whether its program was freed is
// shared state. The load of a program, and what takes it off the list, ask whether a mutex is held.
// That is a question about agents.
//
// One copy stands for any number, as far as threads in a copy and pokes of it go. Leave the pokes
// of all other copies out of an execution. Waits between these go with them, and a sync that goes
// only leaves more to be fetched. So what is left is an execution of the system with that copy
// alone. Two things are not argued. There is one loader, so two loads at a time are not covered.
// And one program does not stand for any number: a proof holds for as many as were given, with the
// sites that they have.
//
// # Progress
//
// [Options.Progress] also judges whether operations end, once no execution breaks anything else:
// progress.go says under which fairness. A violation has a lasso as its witness. An operation that
// never ends is held up from some step on by a thread's mark, by the waiter's own section, or by a
// mutex. A mark stays until its thread leaves, so the thread that has it never does. Leaving out
// all others leaves a lasso: one thread is a cutoff here too. The exception is
// [protocol.GraceQuiet], which remembers no thread. Two threads in turn can hold it up; one cannot,
// since it leaves. Of more than two, two suffice, one of them always being inside. So Check takes
// two there. That executions end is assumed: a program returns into the caller, or calls the next
// one, only so often.
//
// # How it explores
//
// A state is packed into one word for the mutator, one for each site and one for each thread.
// Threads are alike, so their words are sorted. So are programs, unless they have sites, and keys
// without a site. Of two idle mutators the first one calls. [Options.NoSymmetry] leaves that out;
// symmetry.go says what is not alike. The visited table is split into shards by hash. Workers
// expand and insert in turns without locks. Numbers, parents, counts and witness do not depend on
// how many workers there are.
//
// # Besides the answer
//
// Package model/promela states a subject once more, for Spin, and the tests compare the two.
// [Replay] takes the steps of a witness again. [Conform] checks a trace of what was done, and of
// what an observer saw, against the transition relation.
//
// # What this package does not do
//
// It knows no byte of an image, no register and no counter; package stress/internal/sim runs these.
// Several keys may hold programs, but no two the same one. Copies are tracked in the order of their
// numbers, after the resident one, and programs after these. A thread goes through the sites of an
// image in order, until it is inside a program. It reads no clock.
package model
