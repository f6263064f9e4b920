// Command gathering asks the command stress about object files of other projects, and prints a table
// of the answers. scripts/objects runs it.
//
//	scripts/objects                        fetch all, ask about all
//	scripts/objects --fetch                fetch alone
//	scripts/objects --only ebpf-profiler   the objects whose names contain this
//	scripts/objects --state FOLDER         keep the answers of this build there, and ask for what is missing
//
// # Where objects come from
//
// modules.txt lists modules at fixed versions, with the checksum that go.sum would have, and which
// of their files are taken. The go command downloads them and checks them. Files are copied into the
// cache, a folder of the user's cache directory, and never into this repository: they are other
// people's work, under their own licences.
//
// # What is asked
//
// Of each object: does our compiler make what the kernel's makes ("stress identity FILE")? Of each
// program in it that makes a tail call: the default run ("stress run --object FILE --entry
// PROGRAM"). Of an object without tail calls one program is asked about as well, to see that the
// answer is one. Every question is a process of its own, and bounded in time.
//
// # What is printed
//
// A row for each object, a line for each reason why something was not judged, and the sums. What a
// run must never do is listed by itself, and makes the exit code 1: a violation, a panic, exit code
// 3, a time-out, an engine without a row, images that differ. A violation may be true: run it
// again with another seed.
package main
