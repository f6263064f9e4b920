// Package reference holds the engines model and machine against a third reading of the same texts.
// It has nothing but tests.
//
// The reading is an interpreter of protocol texts: small, slow, and as plain as it can be said. It
// starts from what [protocol.ParseProtocol] and [protocol.ParseMethod] return, walks through the
// steps as they stand there, and keeps every state that it has met in a map. It calls nothing of
// package protocol: it unrolls each, skips waits, and judges what an operation lets go of, by
// itself. A test looks at its files for that. It shares no code with an engine either.
//
//	question_test.go    what is asked, and the answer
//	state_test.go       what a state is
//	slot_test.go        bytes, and what a fetch may return of them
//	mutator_test.go     operations, step by step
//	thread_test.go      executions, and their duties
//	generate_test.go    random protocols, poke methods and grace-period flavours
//	readers_test.go     kinds of readers, and names of grace periods, for these
//	engines_test.go     the same question, put to model and machine
//	agree_test.go       random protocols, judged by all three
//	differ_test.go      texts that engines once judged otherwise, and texts that show what
//	                    each reading must see
//	own_test.go         the interpreter calls nothing of package protocol
//
// # Two questions
//
// Model and machine answer different questions, so the interpreter is asked both:
//
//	              model                            machine
//	operations    any number                       up to a few
//	programs      two; one that is freed may be    each that is let go is another
//	              given again, at its address      copy from then on
//	judged        never-a, no-torn,                the same without no-miss and fresh: an
//	              no-use-after-free,               execution that breaks these goes on
//	              expected-bytes, no-double-free,
//	              no-early-free, no-leak,
//	              no-miss, fresh
//	a key holds   what the map's pointer names     what it was given when the operation was called
//	an indirect   may be executed in the place     stands before the direct ones in the caller, if
//	site          of the direct ones               it has one
//
// The line before the last matters to protocols alone of which an operation never publishes. Where
// there are indirect sites, the model takes such an operation as the machine does. Then the machine
// is asked about two callers, with the indirect site and without it: what breaks a property is one
// execution, which in the model goes either way.
//
// An execution ends where it breaks a property. What is compared with the model is the set of all
// properties that some execution breaks first, and the length of a shortest one. Steps of the
// machine are coarser, so of it the verdict is compared. The property that it reports must be one
// of the interpreter's, and each of the interpreter's must be found when the machine is asked for
// it alone.
//
// Readers of several kinds are several threads here and in the machine, one of each kind. In the model
// they are one thread, whose executions are of any kind.
//
// # What is not covered
//
// Shapes are small: up to two sites, two keys, two threads. Copies of the caller, several mutators,
// programs with sites of their own, and progress are the model's alone; its own tests hold these
// against Spin. Lines load, unload and mutex are not generated.
package reference
