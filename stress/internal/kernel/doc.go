// Package kernel is the engine that asks the running Linux kernel: real programs, loaded and changed
// through bpf(2), executed on pinned threads while their prog arrays change, and the machine code that
// is poked meanwhile read back.
//
//	threads   BPF_PROG_TEST_RUN of a caller, thousands of executions a call
//	mutator   install, update, remove: the same scripts as those of the cpu engine
//	loader    copies of the entry come and go; prog arrays are let go while sites jump
//	watcher   reads the callers' images, and classifies every pair of slots
//
// What runs. Callers are copies of the entry. Every other one is called by a checker, a program of
// ours in front of it, which holds every execution against what the keys held meanwhile, and its
// callee-saved registers against canaries: checker.go. Of the others the last execution of each call
// is checked. What may be returned comes from whoever knows the program ([Config.Legal]), phase by
// phase: phase.go. The context of an execution is what the kernel makes it; [Input.Seen] asks.
//
// What is watched. Where the slots are is known from package stress/identity: where the kernel's
// image is ours byte for byte, so are its sites. The trace of what was read and of what the mutator
// did is for the model to judge; nobody here knows an order of pokes. Where images are unknown (a
// kernel before 6.12) or are not shown, nobody watches, and the result says why.
//
// What is safe. A run makes its own maps and programs, pins nothing, attaches nothing, and touches
// nothing that it did not make. Its threads have the capabilities that [Needs] lists and no others.
// But a kernel with one of the faults that this engine looks for may crash: that is what state A
// does there. One runs it in a virtual machine.
//
// Findings are what was seen. A run without one bounds how often something could happen; it shows no
// kernel to be safe.
package kernel
