// Package witness has the counterexamples that engines find, as values: who acts, what that actor
// does, where the threads stand and what the slots hold after each step.
//
//	Witness   the property that is broken, the names of what appears, the first state, the steps
//	Step      an actor, its action, and the state that this leads to
//	Action    what is done: a kind, and what it concerns (key, program, site, slot, ...)
//	View      what a state shows: a position for each thread, what memory holds at each site
//	Choice    what must be known of a step to take it again
//
// The engines of model and simulated CPUs make witnesses, and take their choices again; an engine
// that steps real CPUs reads every field of one. Text, drawing and JSON are made of the values,
// last: words.go has all phrases, and nothing reads them back. Choices alone are read from files.
//
// The package knows no engine and no bytes of an instruction set.
package witness
