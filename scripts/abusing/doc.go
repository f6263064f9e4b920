// Command abusing runs the command stress on inputs that nobody means well with, each in a process
// of its own, and holds the outcome of each against what is documented. scripts/abuse runs it.
//
//	scripts/abuse --count 5000            the long form
//	scripts/abuse --time 45s              as many inputs as fit
//	scripts/abuse --seed 7 --only 1234    one input again
//
// # Inputs
//
//	flags         every verb, with values that are right, huge, empty, or no values at all
//	files         protocols, methods, scripts, traces, witnesses, object files and programs, each
//	              one that is right and then a little wrong
//	signals       SIGINT, SIGTERM and SIGHUP at some moment of what goes on for long
//	surroundings  no room on the disk, no files, little memory, odd variables, no folder
//
// An input is drawn by the seed and its own number alone, so that it can be had again without
// those before it. What it starts from is in the folder start, among the object files of the
// repository, or made by the command itself.
//
// # Outcomes
//
// An input says which exit codes it may have, and by when the process must be over: ten seconds
// after its --duration or --budget. What has no such bound gets a SIGINT after a while, and ten
// seconds more. Beyond that every outcome is held against the same rules (see judge): no panic, no
// code that is not documented, one line on standard error that says what is wrong, a report that is
// whole, nothing in it that moves a cursor, no process left behind.
//
// It ends with a table of the kinds of inputs and their exit codes. A violation comes with a line
// for a shell that shows it again, and the folder that this needs is kept.
package main
