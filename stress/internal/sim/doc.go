// Package sim judges a subject by executing the image's own bytes on simulated CPUs: it is the
// engine "machine". [Check] goes through every interleaving of the threads with the mutator's
// steps, and through every fetch that a CPU could make of a slot that is being patched, breadth
// first. It answers with a shortest witness, or says that there is none within the bounds.
// [Replay] takes the steps of a witness again.
//
//	images      of package jit, in any layout, at fixed places
//	threads     one for each CPU, each with registers, flags, a stack and a context of its own
//	mutator     carries out the protocol's unrolled actions, each poke by the steps of its
//	            method, as package patcher does on real memory
//	slots       what memory holds, and the set of contents that a fetch may return
//
// Which slots a site has, what each may hold, where that leads and what is forbidden, the protocol
// says ([protocol.Site]); so it does of each store of a poke ([protocol.MicroStep]).
//
//	explore.go expand.go mutate.go grace.go state.go slot.go table.go   the explorer
//	local.go run.go                                                     a thread, and one step of it
//	text.go site.go                                                     images, slots, structs in memory
//	witness.go describe.go                                              what was found
//	x86/                                                                instructions
//
// The explorer knows no instruction set: it has threads take steps, and stores what they become.
// The package shares no step with package model, which knows contents of slots and no bytes: that
// the two agree is evidence.
//
// # An execution
//
// A thread enters the entry program with canaries in its callee-saved registers and returns,
// any number of times. From the entry to the return it is inside a reader section. What it calls
// and tail calls is part of the execution. Programs are loaded before anything else happens. A
// program that was let go and is given to a key again is another copy at another place, so that
// freed text is not used again. Freed text is int3: a thread that executes there is found.
//
// A trap and its handler are two steps. The handler may run at any time after the trap. It looks
// then whether that slot is being poked, and answers as the method says; if that poke is over,
// it runs the byte again (kernel: poke_int3_handler in arch/x86/kernel/alternative.c).
//
// Grace periods wait for the threads that are inside when they begin: for all of them, for all
// but any one (forget-one), for none (sleep). Where the protocol has kinds of readers, thread i is of
// kind i modulo their number, and a grace period waits for those of the kinds that list it. One that
// the text names has no flavour. A wait, and the freeing of a retired program,
// come as early as they can.
//
// # Weak fetch
//
// Until a CPU serialises, it may see each store to a slot or not, whatever it sees of the others.
// Of a store that is not single, or that crosses an aligned 8-byte word, it may see each byte or
// not. Two fetches have nothing to do with each other. The steps "sync" serialise all CPUs, so that
// the set of contents is the same for all: a CPU that serialises by itself, or comes back from a
// trap, only sees less. Programs that tail call themselves pass a site many times. There this
// allows too much: an execution could find the site open and closed in any order.
// [Config.Forward] assumes that a CPU which has seen the newest content of a slot, or has executed
// an iret, sees no other one until the next store to the slot.
//
// Data is read in order, as x86 does: a reader of the map acts on what was published.
//
// # What is judged
//
//	never-a            an instruction of a slot is executed at the end of a path that the account
//	                   of the site forbids: nothing else leads there
//	no-torn            the bytes of a slot never were an instruction of it; control goes where
//	                   no instruction begins; an int3 that no poke answers for
//	no-use-after-free  an instruction of a freed program is executed
//	expected-bytes     a poke finds other bytes than it expects
//	no-double-free     an operation lets go a second time of what it replaced
//	no-early-free      it lets go of that while the map's pointer still names it
//	no-leak            it ends without having let go of what the pointer names no more, or of one of
//	                   the two references to a program that the key was given anew
//	tail-limit         more than 33 tail calls of one execution, those of its callees included
//	registers          a canary, the stack pointer or a word of the caller's stack is lost; the
//	                   value returned is none of Config.Outcomes; a wild access
//
// A program that reads or writes below its stack pointer is accused as well: an interrupt may
// write there at any time.
//
// # Reductions
//
// A step is one instruction that touches something shared, with all those after it that touch
// nothing shared: stack and context are the thread's own, text outside of slots never changes, and
// the structs that indirect sites read do not change but for the pointers. What is shared: the
// bytes of slots, the pointers, whether the program is freed in which the thread stands, and being
// inside. So a step ends before a slot, before a load of a pointer, and after a jump into a
// program that can be freed. There the thread executes up to the next such place in one step: if
// the program is freed in between, it might as well be freed before, as the mutator's steps depend
// on no register. That an execution returns is part of its last step: a thread that is outside
// holds up no wait and can do nothing new, so waiting before the return shows nothing more.
// [Config.NoMerge] makes every instruction a step of its own, and the return another.
//
// Threads are alike; states that differ only in their order are one, unless there are kinds of
// readers or [Config.NoSymmetry] is set. The number of a thread's content is its hash, so that the results
// of steps are remembered by number, and neither counts nor witness depend on the workers. If two
// contents had one number, that would be noticed, and end the check with an error.
//
// # What this package does not do
//
// Its "safe" holds for the given threads and the given script, or number of operations; that one
// thread is enough is argued in package model, and tested here. It knows no liveness, and
// neither no-miss nor fresh. Nothing is loaded or unloaded while it runs. Helpers
// return 0, and write nothing. Every execution finds arrays as Config.Data has them, and nothing in other
// maps: what threads write there for each other, nobody sees. What a program finds in stack bytes that it never
// wrote is a constant. It reads no clock.
package sim
