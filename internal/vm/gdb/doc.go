// Package gdb is a client of the remote serial protocol that gdb speaks, as far as QEMU's stub has
// it (https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html): all threads stop
// and go on together, unless one is stepped. A thread is a vCPU; they count from 1.
//
// The stub is not to be trusted: what it answers is bounded, and nonsense is a [*StubError] that has
// its words. After one the connection is of no more use.
package gdb
