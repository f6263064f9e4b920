// Package protocol is the one definition that every engine interprets: slots and
// their states, the steps of a patching protocol, poke methods, grace-period
// flavours, the subjects made of them, the mutants that break them, and the
// events that engines report.
//
// A direct BPF tail-call site on x86-64 has two 5-byte slots around a stack unwind
// (arch/x86/net/bpf_jit_comp.c, emit_bpf_tail_call_direct, v5.10 and later):
//
//	bypass    jmp out | nop5          <- patched
//	unwind    pop callee-saved; pop counter; add rsp, depth
//	target    nop5    | jmp program   <- patched
//	out       ...the caller goes on
//
//	state  bypass  target  meaning
//	A      nop     nop     forbidden: a thread unwinds, then goes on in the caller
//	B      nop     jump    the tail call is taken
//	C      jump    nop     empty: the site is skipped
//	D      jump    jump    in between
//
// A protocol says in which order an install, an update and a remove poke these
// slots and where they wait for a grace period. It is a value; it prints as text
// and parses back:
//
//	protocol kernel
//	  install  publish; each { target=jump; bypass=nop }
//	  update   publish; each { target=jump }; retire
//	  remove   publish; each { bypass=jump; wait if changed; target=nop }; retire
//
//	method int3
//	  head=int3; sync; tail; sync; head=new; sync
//
// # What the steps of a protocol mean
//
// publish exchanges the map's pointer; an indirect caller acts on it from here.
// each runs its steps for every stable descriptor of the key, in tracking order.
// target=jump jumps to the program that the operation gives to the key.
// retire frees the replaced program after a grace period that the operation does
// not wait for; free frees it at once. wait and retire may name the grace period.
//
// wait waits for a grace period. "wait if changed" is skipped if no poke before it (in its own
// iteration of each or, outside each, in the operation) changed a byte. The kernel's remove has
// such a wait (prog_array_map_poke_run: "really patched"). Inside each, there is a wait for each
// descriptor, and so none for a key without sites.
//
// # Kinds of readers
//
// A grace period waits for the readers that it knows: synchronize_rcu for rcu_read_lock, and not for
// rcu_read_lock_trace. Lines in front of all others say which kinds of callers there are, and for
// each which grace periods wait for it:
//
//	protocol kernel-7.0
//	  reader   plain: rcu, tasks-trace
//	  reader   sleepable: tasks-trace
//	  ...
//	  remove   publish; each { bypass=jump; wait rcu if changed; target=nop }; retire tasks-trace
//
// Every execution of the caller is one of these kinds. GRACE is epoch, rcu, tasks, tasks-trace or
// srcu: "wait GRACE", "wait GRACE if changed", "retire GRACE". What waits for both of two kinds that
// no grace period has in common is "wait rcu; wait srcu". A step without GRACE means the subject's
// own grace periods: these wait for the readers that list epoch, in the way of the subject's
// [Grace]. What is named keeps its promise, whatever that is. Without lines there is one kind of
// readers, and the subject's grace periods wait for it: those of other names wait for nobody.
//
// # The steps of a method
//
// Steps are set apart by ";" or stand on lines of their own:
//
//	method again
//	  trap=retry
//	  head=int3; sync; tail; sync; head=new; sync
//
// head=int3 stores the trap byte over the first byte, head=new the first byte of the new
// instruction, tail all bytes but the first, and bytes all of them; other CPUs may see each byte of
// tail and of bytes by itself. all is one store that they see whole, for which the slot must lie
// in an aligned word. sync stores nothing: every CPU serialises.
//
// trap= says what the handler does with a thread that traps at the slot meanwhile: it acts as the
// new instruction (new; without it, too) or as the old one, or runs the byte again (retry).
//
// # Loads, and the mutex
//
// A protocol may also say how a copy of the calling program comes and goes while
// operations run, and what excludes operations from each other. These lines are
// optional. Without them the following holds, which is what package patcher does:
//
//	load     track; each { read; target=jump; bypass=nop; stable }; open
//	unload   wait; untrack; free
//	mutex    map
//
// track puts the copy's descriptors on the map's list; operations skip those that are not
// stable yet. each is the fixup (bpf_tail_call_direct_fixup): it carries its steps out for
// every descriptor of the copy, under the mutex. read reads the map's pointer. If that names
// a program, the pokes that follow are made, and target=jump jumps to that program. From
// open on, executions may begin in the copy. An unload begins after the last execution has
// entered; untrack takes the descriptors off the list, and free gives the copy's memory back.
//
// An operation holds the mutex from its first step to its last, a load for one descriptor
// at a time. It is the map's (map), the key's (key), as if every key had a map of its own, or
// there is none (none). Single pokes always exclude each other. So far only the model judges
// other lines than these: see [ModelZoo].
//
// # Sites and methods are data
//
// [Site] is the account of what is patched: its slots, what each may hold and where that leads, the
// bytes, the states, and the paths that no execution may take. [TailCall] is the only one so far;
// all that is said of it stands in the files tailcall*.go. A step of a [Method] is a [MicroStep]:
// which bytes of the slot it stores, where they come from, and whether other CPUs may see a part
// of them. An engine that has no room for a site or a store refuses the subject.
//
// # What this package does not do
//
// It has no transition relation: each engine interprets these values in its own way,
// which makes their agreement evidence. It imports only the standard library, and
// none of unsafe, time, math/rand and os.
package protocol
