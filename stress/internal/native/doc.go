// Package native runs programs as machine code on this CPU, one execution at a time: with maps,
// helpers, a packet, and prog arrays whose sites are live. It is for asking what a program
// computes under a layout; what happens while others patch it, package cpu asks.
//
//	jit.Program --patcher--> image in an arena --exec.Pool.Run--> r0, or what went wrong
//	                              |
//	                     jit/host: maps, helpers
//
// It needs linux/amd64, and no privilege.
package native
