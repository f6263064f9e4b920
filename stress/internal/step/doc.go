// Package step carries out on real CPUs an execution that package sim has found: the same images,
// patched by package patcher, executed by threads that are single-stepped. [Replay] takes the
// witness's steps in its order and compares after every one of them.
//
//	witness step           here
//	------------           ----
//	thread enters          exec.Stepper.Begin, then as many instructions as the step has
//	thread executes        as many single steps as it has instructions
//	thread traps           it executes int3, and is parked before its handler looks
//	its handler answers    the handler looks, and the thread is parked after the answer
//	mutator's step         package patcher goes on from one of its hooks to the next
//	wait                   the patcher's wait begins, and must end when the witness goes on
//	a program is freed     patcher.Patcher.Reap, as early as the witness frees
//
// At most one of them moves at a time: threads are parked between instructions, and the
// mutator between the steps of its pokes. A thread comes back from being parked by iret, which
// serialises, and so sees what memory holds. Package text calls its hook after each sync. To be
// called after every store too, the method that pokes has one more sync after each. No thread runs
// meanwhile that could tell.
//
// # What is compared
//
// Where the thread stands, the bytes that it executes, how many instructions bring it to where
// it stands then, the registers that the step names, what every slot holds, and which programs
// have been freed. The first difference ends the replay, [report.Differs]: then package sim, or
// package patcher, is wrong about the execution. Things lie elsewhere here than in the witness,
// which says where it has them (witness.Memory), so addresses are translated (compare.go).
//
// # What cannot be had
//
// A CPU cannot be made to fetch bytes that memory does not hold any more, or half of a store. A
// step in which the witness has that ends the replay as well, and says nothing about either side:
// [report.NotForced]. So does a slot that package text refuses to poke by the method, a program
// with sites of its own that is freed while an operation holds the mutex that untracking them
// takes, and an access that package sim objects to and a CPU carries out.
//
// # The end
//
// After the last step the violation must be there to be seen: the thread stands in front of an
// instruction that ends a forbidden path, or in text that is int3 by now; a poke refuses; more tail
// calls were taken than are allowed. Then the thread is let go, and the result says what became of
// it: it returns with what its caller had not given it, or a signal ends it, contained.
package step
