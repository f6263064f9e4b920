// Package stress judges a [protocol.Subject]: it asks each engine, and says what it
// saw in one report. As a library:
//
//	target := stress.DefaultTarget()
//	report, err := stress.Run(ctx, subject, target, stress.Options{Duration: 5 * time.Second})
//
// A [Target] is what threads execute: a generated entry, or one's own program from an
// object file. The [Oracle] computes what it may return, by interpreting it with every
// content that the keys may hold. Nothing is assumed about a program.
//
// The engines stand in packages of their own and share no transition relation: package
// model explores abstract states, package stress/machine the image's bytes on simulated CPUs,
// package stress/cpu runs real threads. Here they meet, and only as verdicts:
//
//	model    proved | safe | violated | bounded | vacuous | unsupported
//	machine  safe | violated | bounded | vacuous | unsupported
//	cpu      not-observed | violated | vacuous | bounded | unsupported | skipped
//
// and in one other way: the events of the cpu engine's mutator are held against the model as
// they come.
//
// A subject whose poke method may let a thread execute half an instruction can do
// anything, so its cpu run goes to a child process: a program that judges such subjects
// calls [Child] first thing in main.
package stress
