// Package regress is the kernel's regression cases of tail calls as one table:
//
//	case x (interpreter, seed, v5.10, v6.12, running kernel)
//
// A [Case] is programs and steps: put a program under a key, run, expect a result. [Cases] lists
// them. The programs are our own, in bpf/*.c and as instructions; the cases they follow are
// the kernel's selftests, its test of the compiler, and two of its samples, as Case.Origin says.
//
// A [Column] carries cases out, each in a [Session] of its own: the running kernel is one
// ([NewKernel]), others are an interpreter and images of a layout. [Judge] fills a table.
//
// # Eras
//
// What a step must give is what today's kernels give. Where an era truly gives something else,
// the step has that too ([Run].But), derived from how the era counts:
//
//	seed             a called function that has tail calls starts at zero
//	v5.10            a called function gets a copy; a tail call of an empty key counts
//	v5.10 unrounded  v5.10 as released: the copy is read off the mark where a caller's
//	                 stack is no whole number of words
//	v6.12            all functions of an execution share one count; a miss is free
//
// So in seed a program that reaches itself through a function never stops, and in v5.10 one that
// calls such a function twice runs 2^33 times. Such a cell is not left out. The run is thrown out
// of its column ([ErrEndless]), and what the program counted by then must show that `tail-limit`
// is violated. A cell is right if it shows the faults that its era had, and no others.
//
// # What is judged
//
// Result, variables and map elements at every run, against the era's. Programs that can loop
// count how often a tail call was taken ([Case].Count), so that `tail-limit` is seen and not
// inferred. If an era's code breaks the era's own rules, that breaks `no-miss` or `tail-limit`:
// fewer or more tail calls than the rules give. A column that watches more (`registers`) says so
// by a [Violation].
package regress
