// Package rig puts together what executes and patches images on this machine's CPUs, and takes it
// apart again:
//
//	arena    memory for code           package jit/exec
//	pool     threads that execute it   package jit/exec
//	host     maps, helpers, a packet   package jit/host, where programs need them
//	domain   grace periods             package patcher/rcu
//	patcher  prog arrays, programs     package patcher
//
// It also compiles: package patcher knows no compiler, and package jit no patcher. Here an image of
// the one becomes an image of the other.
package rig
