// Package inside is the part of the engine steered that runs in the guest. It loads callers, says where
// everything lies, and then does what the host's lines say: a reader executes a caller once, the
// mutator carries out an operation. It decides nothing. Which thread goes on when, and how far, is
// decided by the host, which holds the CPUs.
//
//	CPU 0       the mutator
//	CPU 1, 2    readers, as many as there is room for; the last of them has the loader too
//	last CPU    what answers the host: it is never held
//
// # Lines
//
// From the host, one order a line; each is answered by a line that begins with the order's word, some
// of them after the host has let a thread go on:
//
//	facts              facts JSON                     a [Facts]
//	run READER CALLER  run READER VALUE               one execution, and what it returned
//	put CALLER PROG    put ERROR, empty if it is done the mutator gives the key a program
//	delete CALLER      delete ERROR                   or takes it
//	load CALLER        load ERROR                     the loader loads a copy of the caller, and keeps it
//	rest N ID          rest ID                        after N sleeps of [Nap] on the last CPU
//	stack              stack STATE FUNCTION ...       of the mutator, the innermost first
//	name ADDRESS       name FUNCTION+OFFSET
package inside
