// Package kernel is the engine that asks the running Linux kernel. It loads and changes real
// programs through bpf(2), executes them on pinned threads while their prog arrays change, and
// reads back the machine code that is poked meanwhile.
//
//	threads   BPF_PROG_TEST_RUN of a caller, thousands of executions a call
//	mutator   install, update, remove: the same scripts as those of the cpu engine
//	loader    copies of the entry come and go; prog arrays are let go while sites jump
//	watcher   reads the callers' images, and classifies every pair of slots
//
// # What runs
//
// Callers are copies of the entry. Every other one is called by a checker, a program of ours in
// front of it. The checker compares every execution with what the keys held meanwhile, and its
// callee-saved registers with canaries: checker.go. Of the other callers, the last execution of
// each call is checked. What may be returned is not this package's to know ([live.Oracle.Legal]);
// it is announced phase by phase: phase.go. The kernel makes the context of an execution;
// [Input.Seen] asks for it.
//
// # What is watched
//
// Package stress/internal/identity knows where the slots are: if the kernel's image is ours byte
// for byte, so are its sites. The model judges the trace of what was read and of what the mutator
// did; this package knows no order of pokes. If images are unknown or are not shown, there is no
// watcher, and the result says why.
//
// In a guest without hardware virtualization threads are stopped between bypass and target only
// where a page ends there: callers are looked for that lie like that, see pages.go.
//
// # What is safe
//
// A run makes its own maps and programs, pins nothing, attaches nothing, and touches nothing that
// it did not make. Its threads have the capabilities that [Needs] lists and no others. But a kernel
// with one of the faults that this engine looks for may crash: that is what state A does there. Use
// a virtual machine.
//
// Findings are what was seen. A run without one bounds how often something could happen. It does
// not show that a kernel is safe.
package kernel
