// Command mutation puts the module's own tests under test. It makes one small fault in a line
// that is no test, runs the tests that the package is mapped to, and says whether they noticed:
// a fault is killed when a test fails, crashes or does not end, and survives when all pass.
// scripts/mutate runs it.
//
//	scripts/mutate --seed 2 --count 50 --packages jit,patcher
//	scripts/mutate --list                        what would be done
//	scripts/mutate --only jit/flow.go:152:7:negate,patcher/rcu/rcu.go:19:10:minus
//
// # Faults
//
//	negate    the condition of an if, of a for, or of a case that is one
//	compare   < and <=, > and >=, == and != are exchanged
//	logic     && and || are exchanged
//	plus      an integer literal is one more
//	minus     an integer literal is one less
//	drop      a statement is left out: a call, an assignment, a return without values, a branch
//	zero      a return evaluates its values and returns zero values
//	case      a clause of a switch is left out
//
// Left out is what no test could see: capacities given to make, and panics, which stand where
// the package's own invariants are broken. What does not compile is drawn anew.
//
// # The sample
//
// --seed orders all lines that a fault can be made in, by a hash of what they say and in which
// function; each line that is drawn gives one of its faults, again by the seed. The same tree and
// seed give the same sample, and a changed line moves at most one other in or out. Source files are
// never changed: the go command reads the faulty file in place of the real one (-overlay), so that
// the build cache serves everything else.
//
// Tests run without a fault first. Those that fail then are not used, and those that are quick
// run first against each fault. A failure must show twice, and not without the fault; and what
// takes too long must be quick without it. So the load of the machine kills nothing.
//
// # Faults that change nothing
//
// Some faults change nothing that anybody could observe. They stay in the denominator, unless
// equivalent.txt argues for the single fault that this is so; then another one is drawn.
//
// # Why not an existing tool
//
// gremlins v0.6 and go-mutesting have operators like these, and ooze is a library of them, but
// none draws a sample by a seed, maps a package to the tests of others (gremlins runs those of
// the package, or all of the module for each fault), or drops statements and returns zero values
// in one tool. Each copies the module for every worker or every fault.
package main
