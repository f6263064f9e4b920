// Package bpf holds the object files that are built in:
//
//	tailcalls.o  the program of the main job
//	hierarchy.o  a program that calls itself through functions: the case of the tail-call limit
//
// clang makes them of the C sources beside them, as scripts/gen says. The first line of a source
// keeps it out of the Go build.
package bpf
