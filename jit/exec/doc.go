// Package exec runs machine code that is patched while it runs. It knows bytes, addresses
// and threads, and nothing of what the code means.
//
//	          reserved once a process, released with its last user
//	+--------------------------------+--------------------------------+
//	| code: up to 8 arenas, RX       | stacks: up to 8 pools          |
//	+--------------------------------+--------------------------------+
//	      ^ same pages, mapped            each thread: 64 KiB, aligned:
//	RW    | again for the patcher         guard | stack | ctx | outcomes | frame
//
// An [Arena] is executable memory with two mappings, so that no address is ever both
// writable and executable. A [Pool] is a number of OS threads that execute an entry
// point over and over in an assembly loop (loop_amd64.s). The loop
//
//   - enters and leaves a read-side section with one plain store each (package rcu
//     waits for these),
//   - puts a canary into each of the six callee-saved registers and compares all of
//     them and the stack pointer on return,
//   - looks the returned value up among the outcomes that may occur, and checks that
//     it may occur in the phase in which it did: see [Pool.SetPhase],
//   - counts, and keeps the first anomalies.
//
// An image may call out of itself: a [HelperStub] ends the loop in the middle of the image's
// call, Go carries the call out ([Host]), and the loop goes on after it. The read-side
// section stays open. It takes less than 100 ns and allocates nothing.
//
// While it runs, the Go runtime takes a thread to be in a system call: the garbage
// collector does not wait for it. See RATIONALE.md, "Why does the executor hide from
// the Go scheduler?".
//
// Signal handlers (signal_amd64.s) answer the traps of a poke ([BeginPoke]) and
// contain crashes. A fault with a stack pointer in a pool's stacks, or of a thread that
// executes an image, is recorded, and ends the image's call, not the process.
// All other signals go to the Go runtime's own handlers.
//
// # Stepping
//
// A [Stepper] executes on a thread of a pool that is not started, under the CPU's trap flag:
//
//	Stepper                  thread
//	order, state = runs      parked in the handler of the trap, every signal blocked
//	wake, wait      -------> returns from it, executes one instruction, traps
//	looks           <------- keeps its registers, state = parked, wakes, waits
//
// An int3 is a trap as well, and si_code tells the two apart. The thread is parked before its
// handler looks for a poke, and again when it has looked. A thread that leaves the arenas, other
// than to return, is caught before it executes there. The trap flag is off before anything else
// executes.
//
// # Memory that threads share with the Go side
//
// Frames, the control block and the stacks are mapped outside the Go heap; they
// contain no Go pointers. Fields that the loop writes are read with atomic loads.
// The race detector sees no happens-before in them, so nothing on the Go heap may be
// guarded by them alone.
//
// This is the only package with unsafe and with assembly. It needs linux/amd64;
// elsewhere every constructor returns [ErrUnsupported].
package exec
