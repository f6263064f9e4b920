// Package stress judges a protocol for patching live code: does any execution go wrong while the
// protocol changes the code that it runs? It asks up to five engines about the same subject, and
// says what they saw in one document.
//
//	subject, workload, err := stress.Choice{Protocol: "batched", Sites: 2}.Resolve()
//	...
//	document, err := stress.Run(ctx, subject, workload, stress.Options{})
//
// A [protocol.Subject] is a protocol, a poke method, a grace-period flavour, a layout and a number
// of threads. A protocol of one's own is parsed from its text ([protocol.ParseProtocol]), or named
// as a file in [Choice]. A [Workload] is what the threads execute: a generated program, a
// regression case, or one's own from an object file. What it may return is computed by interpreting
// it with every content that its keys may hold; nothing is assumed about it.
//
// # Engines
//
// They stand in packages of their own, share no transition relation, and meet as verdicts alone:
//
//	model    the abstract states: proved, safe, violated, bounded, vacuous, unsupported
//	machine  the image's bytes on simulated CPUs: safe, violated, bounded, vacuous, unsupported
//	cpu      the image's bytes on this machine's CPUs: not-observed, violated, vacuous, bounded,
//	         unsupported, skipped
//	kernel   programs in the running kernel: not-observed, violated, vacuous, unsupported, skipped
//
// What the mutators of cpu and kernel do is also held against the model while it happens.
//
// A subject whose poke method may let a thread execute half an instruction can do anything, so its
// run on real CPUs goes to a child process: a program that judges such subjects calls [Child] first
// thing in main.
//
// # What others may import
//
// This package, stresstest and the report; patcher/protocol, whose values subjects are made of;
// model, jit and patcher. What is under internal may change with every commit. The other functions
// of this package are what the verbs of the command stress need.
package stress
