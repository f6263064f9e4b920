// Package judge has every engine judge a subject, through one interface:
//
//	Job --> Engine.Validate   what is wrong with the input, before anything runs
//	    --> Engine.Judge      the engine's row of the report
//
// A [Job] is a subject with its workload and the options; its workload computes what several
// engines need once. Each engine has a file here that turns a job into what the engine's package
// is asked, and its answer into a [report.Verdict]: model.go, machine.go, cpu.go, kernel.go, steered.go. A
// further engine is a package, a file like these, and a line in [Engines].
//
// Engines share no transition relation, and meet in one way only: what the mutator of an engine
// on real CPUs does is held against the model while it happens (watch.go), and a trace that was
// written to a file can be held against it too ([CheckTrace]). What does not fit breaks the
// property conformance.
//
// A poke method that may let a thread execute half an instruction can do anything, so its run on
// real CPUs goes to a child process, to which the job goes by value (child.go).
package judge
