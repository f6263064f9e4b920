// Package cpu is the engine that runs the image's own bytes on this machine's CPUs:
// threads execute an entry program without pause while one mutator installs, updates
// and removes the programs of its keys, and a loader brings copies of the entry in and
// takes them out again.
//
// Every execution is judged by package exec's loop: callee-saved registers and stack
// pointer are compared with canaries, and the returned value with what the [Oracle]
// allows in the phase in which the execution ran. Between two operations the contents
// of the keys are known, so an execution that begins and ends there may return only
// what these contents give; one that overlaps a single operation, what the old and the
// new contents give in any mixture.
//
//	finding    what the threads saw                                property
//	a          registers of the caller lost, stack pointer right    never-a
//	registers  stack pointer wrong, or a value no path returns      registers
//	miss       fell through although the key held a program         no-miss
//	stale      ran a program that the key did not hold              fresh
//	uaf        trapped in the text of a freed program               no-use-after-free
//	torn       faulted where no instruction begins, or in a slot    no-torn
//	crash      any other fault                                      registers
//	endless    did not leave its image                              progress
//	bytes      a poke found other bytes than it expected            expected-bytes
//	conformance (found by who takes Config.Trace: package stress)   conformance
//
// The engine says what it saw. That it saw nothing is no proof: see the bound in
// [Result.RateMax].
package cpu
