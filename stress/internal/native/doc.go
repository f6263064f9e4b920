// Package native runs programs as machine code on this CPU, one execution at a time: with maps,
// helpers, a packet, and prog arrays with live sites. It says what a program computes under a
// layout. Package cpu says what happens while sites are patched.
//
//	jit.Program --patcher--> image in an arena --exec.Pool.Run--> r0, or what went wrong
//	                              |
//	                     jit/host: maps, helpers
//
// It needs linux/amd64, and no privilege.
package native
