// Package patcher keeps prog arrays and the direct tail-call sites that follow them, for the
// images of any compiler: an [Image] says where its instructions begin, where its sites are and
// what it refers to. It carries a [protocol.Protocol] out on live code, as kernel/bpf/arraymap.c
// (prog_array_map_poke_run) and the x86 JIT (bpf_arch_poke_desc_update,
// bpf_tail_call_direct_fixup) do:
//
//	ProgArray.Update/Delete   poke mutex of the map
//	  publish                 exchange the pointer, which indirect sites read
//	  each                    every stable descriptor of the key, in tracking order
//	    SLOT=                 one poke, under the text mutex (package text)
//	    wait                  a grace period (package rcu)
//	  retire, free            the replaced program
//
//	Load    place the image, track its descriptors, then fix each up under the poke
//	        mutex by the install's pokes and set its stable flag: an update that
//	        comes in between skips the descriptor, and the fixup finds its result
//	Unload  a grace period, untrack, free
//
// The order of the steps is the protocol's and stands nowhere in this package. Each
// descriptor remembers what its slots hold, and a poke that finds anything else
// refuses: a protocol may leave slots in states that the map's pointers do not tell
// (the lazy removal of the RFC of 2 July 2020 does).
//
// A program belongs to the keys that hold it, and to users (Program.Hold). When the last
// one lets it go, the protocol's step says when its memory is freed. Freed text becomes
// int3, instruction by instruction, so that a thread that still executes in it is
// caught; its space is used again only after many other programs have been freed.
package patcher
