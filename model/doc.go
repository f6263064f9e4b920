// Package model judges a [protocol.Subject] by going through every execution of it: the
// mutator's micro-steps, every interleaving with the threads, and every fetch that a
// CPU could make of bytes that are being changed. [Check] explores breadth first and
// answers with a proof or with a shortest [Witness].
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
//	threads    where each stands, which grace periods wait for it, and its duties: which
//	           programs it may run through a key, which keys it must not miss
//
// The mutator, when idle, calls any operation on any key with any program, for ever: the
// state space is finite, so a complete exploration covers scripts of every length.
// What a key holds is what the map's pointer says, so a protocol that forgets to publish
// is accused of what follows from that; pointer.go says where it is not so.
//
// A thread enters, fetches the bypass of site 0, and either skips to the next site or is
// in the unwind; there it fetches the target and tail-calls. It is inside a reader
// section until it returns. A fetch and what it does are one step. A trap and its
// handler are two: a trapped thread may be descheduled for any time before its handler
// looks whether that slot is being poked now (kernel: poke_int3_handler and text_poke_bp
// in arch/x86/kernel/alternative.c).
//
// # What a shape may ask for beyond
//
// Indirect: a thread that has just entered may, instead of its first direct site, execute
// an indirect one of any key: it reads the map's pointer and falls through, or stands in
// the program from there on. So sites before and behind the direct ones are covered: a
// thread may stay where it is for any time, and what it has passed has left no trace.
//
// Same: an update may give a key the program that it holds. Its pokes find nothing to do,
// and of the program's two references one is put: nothing is freed.
//
// Copies: a loader loads and unloads copies of the image while operations run, as the
// protocol's load and unload say. An operation passes by descriptors that are not stable.
// Threads may enter a copy that is open; in one that was freed they must not be found,
// and a poke there finds what it does not expect.
//
// Mutators: two carry out operations at a time. What keeps them apart is the protocol's
// mutex, from an operation's call to its return; what happens before the call, while the
// mutator waits for the mutex, has no effect and is not modelled. Without the mutex single
// pokes still exclude each other, but what a descriptor remembers is read before.
//
// Maps: each of several maps has a mutex of its own, so that operations on keys of
// different maps are carried out together; single pokes exclude each other all the same.
// The load of a copy takes those of all its maps to put it on their lists, at once.
//
// Nested: a tail call may be one of a subprogram, so that the program returns into the
// caller, inside the same reader section, and the thread goes on at any site of the image
// that it came from: descriptors are not in the order in which sites are executed, and a
// subprogram may be called again. Duties are those of the execution: whoever acts at several
// sites is held at each to what the keys have held since it entered. To hold it to what they
// have held since it came to that site would find no more in the caller, for a new execution
// gets there too and is held to it. Who would return from one program into another could as
// well have stayed in that for so long, so that no stack of callers is kept.
//
// Deep: programs have direct sites, each one of each key that the caller has one of. They
// are poked as those of a copy are, as long as the program is there, and a thread in the
// program may execute any of them, or none, and so go on from program to program until it
// leaves. A load and an untracking of a program are one step each: deep.go says why, and
// what is refused. That every program has every site is more than may be there, and a poke
// more is a grace period more, so that this is no substitute for the shape without: what is
// to be known of both has to be asked of both.
//
// Grace periods are taken for what they are to achieve. Two flavours beyond those of
// package patcher/rcu are modelled as they are carried out there, with epochs, store
// buffers and a barrier, or without it: epoch.go.
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
//     is not, and both are possible with one thread. GraceSleep marks nobody. GraceQuiet
//     asks whether anybody is inside: not i, if nobody is. GraceCounter clears marks one by
//     one. A retire takes its snapshot by the same rules.
//
// Each property but two is broken by a step of one thread, on the strength of the
// shared state and that thread alone; expected-bytes is broken by an agent, on the
// strength of the slots, and of progress see below. So a violation by thread i among n is one by i alone, no longer
// than it was. Conversely an execution with one thread is one with n of which the others
// stay idle. Hence the verdict, the property and the length of a shortest witness are the
// same for every n: one thread is a cutoff. The tests hold explorations of two and three
// threads against this. It holds for the given sites, programs and keys.
//
// Nothing in this changes with what a shape may ask for beyond. A thread at an indirect
// site reads the map's pointer and itself. A second mutator and the loader are agents as
// the mutator is one: they read what threads write only at the end of their waits, each
// in a mark of its own.
//
// Nor does it where executions go on behind a tail call. What a thread keeps for that, its
// duties and the image to return to, is in its own word; a call of the mutator adds to it
// there by the same rule. A program's site is a slot as any other, and that its program was
// freed is shared state. The load of a program, and what takes it off the list, ask whether
// somebody has a mutex, which is a question to agents.
//
// One copy stands for any number, as far as threads in a copy and pokes of it go: leave
// the pokes of all other copies out of an execution. Waits between them go with them, and
// a sync that goes only leaves more to be fetched, so that what is left is an execution of
// the system with that copy alone. It is not argued that two loads at a time, of two
// loaders, are covered; there is one. Nor is one program argued to stand for any number: a
// proof holds for as many as were given, with the sites that they have.
//
// # Progress
//
// [Options.Progress] also judges whether operations end, once no execution breaks
// anything else: progress.go says under which fairness. A violation has a lasso as its
// witness. An operation that never ends is held up by a thread's mark from some step on,
// by the waiter's own section, or by a mutex. A mark stays until its thread leaves, so the
// thread that has it never does, and leaving out all others leaves a lasso: one thread is
// a cutoff here too. It is not for [protocol.GraceQuiet], which remembers nobody and can
// be held up by two threads in turn, but never by one, which leaves; with more than two,
// two suffice, one of them always being inside. So Check takes two there. That executions
// end is assumed: a program that returns into the caller, or calls the next one, does so
// only so often.
//
// # How it explores
//
// A state is packed into one word for the mutator, one for each site and one for each
// thread. Threads are alike, so their words are sorted, and so are programs, unless they
// have sites, and keys without a site; of two idle mutators the first one calls.
// [Options.NoSymmetry] leaves that out; symmetry.go says what is not alike. [Options.Reduce] leaves out
// orders of moves that cannot matter: reduce.go. The visited table is split into shards by
// hash; workers expand and insert in turns without locks, and numbers, parents, counts and
// witness do not depend on how many workers there are.
//
// # Beside the answer
//
// Package model/promela states a subject once more, for Spin, and the tests hold this package
// against it. [Replay] takes the steps of a witness again. [Conform] holds a trace of what was done, and of what an observer saw, against the
// transition relation.
//
// # What this package does not do
//
// It knows no byte of an image, no register and no counter (package stress/machine runs
// these). Several keys may hold programs, but no two the same one. Copies are taken to be
// tracked in the order of their numbers, behind the resident one, and programs behind these.
// A thread goes through the sites of an image in order, until it is inside a program. It
// reads no clock.
package model
