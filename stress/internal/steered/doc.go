// Package steered is the engine that takes an unmodified kernel through every schedule, within bounds.
// The kernel runs in a virtual machine ([vm.Steer]) whose CPUs this package stops, moves and lets go by
// QEMU's gdb stub. Package inside is its part in the guest: a mutator and readers, one on each CPU.
//
// # How a thread is held
//
// A thread that came to a breakpoint is parked: it executes "pause; jmp" to itself, in a constant of
// some program (park.go). It serves interrupts there, and uses no register and no flag; nothing else
// in the guest is frozen, so that whatever the kernel waits for but that thread goes on. It goes on
// where it was parked and nowhere else: park and unpark alone write RIP.
//
// A mutator's moves are its stores, each a call of __text_poke, its grace period and its return
// (mutator.go). All CPUs run until the next one. It is blocked if it comes to none while the guest's
// last CPU has slept and run some dozen times, and the kernel is asked in which function it waits. A
// reader is stepped alone, one instruction at a time, in its own code, where it needs nothing of others;
// in the handler of int3 it runs as all others do (reader.go).
//
// # What is judged
//
// The model walks beside ([model.Walk], beside.go). Each move that a thread has made must be one that
// the model allows there, of a CPU that fetches what memory holds; the bytes of both slots must be what
// it says; what an execution returns must be what its way through the site means. What the model calls
// a violation and the kernel does is one. What the kernel does and the model does not breaks
// conformance: one of the two is wrong. No expectation stands here.
//
// # Which schedules
//
// The mutator goes to a point, which is a store or an operation's end; a reader enters and goes to a
// place; the mutator goes to a later point; the reader goes on to its end, and the mutator to its own
// (schedule.go). This is done for every point, place and later point: place.go lists the places, which
// are those before something that is shared. A schedule whose state another one has reached is left
// out: the model says which states are the same (plan.go). With [Options.Whole] none is, and a reader
// is held at each of its instructions. Two readers are at every two places when the mutator begins.
//
// A schedule that the kernel does not allow is impossible: the mutator waits in some function for a
// reader. So does what lies further on its way.
//
// # What it cannot see
//
// An emulated CPU fetches what memory holds, and QEMU executes one at a time: there are no stale
// fetches, which engines machine and cpu have. A mutator is held at its stores and waits alone, and a
// reader in its own code, not in the kernel's around it.
package steered
