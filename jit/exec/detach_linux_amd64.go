package exec

import _ "unsafe" // for go:linkname

// entersyscall and exitsyscall are on the linker's list of runtime names that other
// modules may use.
//
//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// runDetached runs the loop as if it were a system call: the garbage collector does
// not wait for this thread, and its P goes to others. Between the two calls no Go code
// may run but the assembly.
//
//go:nosplit
//go:norace
func runDetached(f *frame) {
	entersyscall()
	runLoop(f)
	exitsyscall()
}

// runStepDetached does the same with a stepped execution: the collector does not wait for a
// thread that is parked either.
//
//go:nosplit
//go:norace
func runStepDetached(f *frame) {
	entersyscall()
	runStep(f)
	exitsyscall()
}
