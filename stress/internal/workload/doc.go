// Package workload turns what an ELF object says, read by cilium/ebpf, into the values that the
// interpreter and native images take: maps with their contents, contexts by the type of a program.
package workload
