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
// model explores abstract states, package stress/cpu runs real threads. Here they meet,
// and only as verdicts:
//
//	model   proved | safe | violated | bounded
//	cpu     not-observed | violated | vacuous | unsupported | skipped
//
// A subject whose poke method may let a thread execute half an instruction can do
// anything, so its cpu run goes to a child process: a program that judges such subjects
// calls [Child] first thing in main.
package stress
