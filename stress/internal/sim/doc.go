// Package sim judges a subject by executing the image's own bytes on simulated CPUs. [Check]
// goes through every interleaving of the threads with the mutator's micro-steps, and through
// every fetch that a CPU could make of a slot that is being patched, breadth first; it answers
// with a shortest [Witness], or says that there is none within the bounds.
//
//	images      of package jit, in any layout, at fixed places; the decoder knows the
//	            instruction forms that the compiler emits and refuses all others
//	threads     one for each CPU: 16 registers, flags, rip, a stack and a context of its own
//	mutator     carries the protocol's unrolled actions out, each poke by the steps of its
//	            method, as package patcher does on real memory
//	slots       what memory holds, and the set of contents that a fetch may return
//
// It shares no step with package model, which knows contents of slots and no bytes: that they
// agree is evidence. What an instruction does is held against the real CPU by the tests, for
// every form.
//
// # An execution
//
// A thread enters the entry program with canaries in its callee-saved registers and returns,
// any number of times. It is inside a reader section from the one to the other, and what it
// calls and tail calls is part of it. Programs are loaded before anything else happens; a
// program that was let go and is given to a key again is another copy at another place, so
// that freed text is not used anew. Text that is freed is int3: whoever executes there is found.
//
// A trap and its handler are two steps. The handler may run at any time after the trap, looks
// then whether that slot is being poked, and answers as the method says; if that poke is over
// it runs the byte again (kernel: poke_int3_handler in arch/x86/kernel/alternative.c).
//
// Grace periods wait for the threads that are inside when they begin: for all of them, for all
// but any one (forget-one), for none (sleep). A wait, and the freeing of a retired program,
// come as early as they can.
//
// # Weak fetch
//
// Until a CPU serialises it may see each store to a slot or not, whatever it sees of the others;
// of a store that is not one aligned 8-byte word or a single byte, each byte by itself. Two
// fetches have nothing to do with each other. The steps "sync" serialise all CPUs, so that the
// set of contents is the same for all: a CPU that serialises by itself, or comes back from a
// trap, only sees less. Where one pass through a site is followed by many, in programs that
// tail call themselves, that is too much of a good thing: an execution could find the site
// open and closed in any order. [Config.Forward] assumes that a CPU which has seen the newest
// content of a slot, or has executed an iret, sees no other one until the next store to the slot.
//
// Data is read in order, as x86 does: a reader of the map acts on what was published.
//
// # What is judged
//
//	never-a            a cleared target is executed: nothing leads there but the open bypass
//	no-torn            the bytes of a slot never were an instruction of it; control goes where
//	                   no instruction begins; an int3 that no poke answers for
//	no-use-after-free  an instruction of a freed program is executed
//	expected-bytes     a poke finds other bytes than it expects
//	tail-limit         more than 33 tail calls of one execution, those of its callees included
//	registers          a canary, the stack pointer or a word of the caller's stack is lost; the
//	                   value returned is none of Config.Outcomes; a wild access
//
// A program that reads or writes below its stack pointer is accused as well: an interrupt may
// write there at any time.
//
// # Reductions
//
// A step is one instruction that touches something shared, with all that follow it and touch
// nothing: stack and context are the thread's own, text outside of slots never changes, and the
// structs that indirect sites read do not change but for the pointers. What is shared: the bytes
// of slots, the pointers, whether the program is freed that the thread stands in, and being
// inside. So a step ends in front of a slot, of a load of a pointer, and behind a jump into a
// program that can be freed. It executes there as one step up to the next such place: freed in
// between is freed before, as the mutator's steps depend on no register. That an execution
// returns is part of its last step: being outside holds nobody up and enables nothing for the
// thread, so waiting in front of the return shows nothing more. [Config.NoMerge] makes every
// instruction a step of its own, and the return another.
//
// Threads are alike; states that differ in their order alone are one, unless
// [Config.NoSymmetry] is set. The number of a thread's content is its hash, so that the results
// of steps are remembered by number, and neither counts nor witness depend on the workers. Two
// contents with one number would be noticed, and end the check with an error.
//
// # What this package does not do
//
// Its safe is one for the given threads and the given script, or number of operations; that one
// thread is enough is argued in package model, and tested here. It knows no liveness, and
// neither no-miss nor fresh. Nothing is loaded or unloaded while it runs. Programs call no
// helpers and have no maps but prog arrays. What a program finds in stack bytes that it never
// wrote is a constant. It reads no clock.
package sim
