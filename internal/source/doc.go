// Package source names lines of source code, as the line information of an object file has them
// (section .BTF.ext).
//
//	prog.c:41: bpf_tail_call_static(ctx, &jmp_table, 1);
//
// Such a file may say anything: what is kept of it is one line, and short. Whoever prints it writes
// what is no printable character in another way, as with all names.
package source
