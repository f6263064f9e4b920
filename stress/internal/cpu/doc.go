// Package cpu is the engine that runs the image's own bytes on this machine's CPUs:
// threads execute an entry program without pause while one mutator installs, updates
// and removes the programs of its keys, and a loader brings copies of the entry in and
// takes them out again.
//
// Package live drives it: which operations come, and what is legal when. This package carries them
// out with our own patcher, which tells what it does, and judges every execution by package exec's
// loop. Callee-saved registers and the stack pointer are compared with canaries, and the returned
// value with what is legal in the phases that the execution saw. A fault is a finding, told by
// where it happened.
package cpu
