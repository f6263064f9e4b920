package protocol

import "slices"

// ModelZoo returns the mutants that the model alone judges so far: faults, and harmless
// changes, of what no other engine carries out from the definition. Each says in Needs
// what the shape must have for the fault to be there.
func ModelZoo() []Mutant {
	return expect(slices.Concat(
		indirectZoo(), loadZoo(), deepZoo(), mutexZoo(), progressZoo(), epochZoo(),
	), Model, Proved, nil)
}

const (
	fixupThread  = "4b7de801606e: bpf: Fix prog_array_map_poke_run map poke update"
	untrackFault = "f263a81451c1: bpf: Track subprog poke descriptors correctly " +
		"and fix use-after-free"
)

// indirectZoo are faults that only a caller that reads the map's pointer can see.
func indirectZoo() []Mutant {
	return []Mutant{
		{Name: "free-without-wait", Property: NoUseAfterFree, Origin: mechanical,
			Why: "the remove frees at once, as if it had waited: it waits for each direct site, so " +
				"not at all for a key without one, and an indirect caller is still inside",
			Edits: edit(OfRemove, Replace, "retire", "free"),
			Needs: Shape{Indirect: true, Keys: 2}},
		{Name: "forgotten-publish", Property: NoEarlyFree, Origin: mechanical,
			Why: "the sites are closed, but the pointer names the removed program for ever, and an " +
				"indirect caller that starts later runs it",
			Edits: edit(OfRemove, Drop, "publish", "")},
		{Name: "late-publish", Origin: mechanical,
			Why: "while an operation is in progress both of its programs are allowed, so the " +
				"pointer may be exchanged last",
			Edits: slices.Concat(
				rewrite(OfInstall, "each { target=jump; bypass=nop }; publish"),
				rewrite(OfUpdate, "each { target=jump }; publish; retire"),
				rewrite(OfRemove, "each { bypass=jump; wait; target=nop }; publish; retire"),
			),
			Needs: Shape{Indirect: true}},
	}
}

// loadZoo are faults of loads and unloads.
func loadZoo() []Mutant {
	all := []Mutant{
		{Name: "late-stable", Property: NoMiss, Origin: fixupThread,
			Why: "an operation skips the descriptor between its fixup and the moment when it " +
				"becomes stable, and nothing makes up for the missed change",
			Edits: rewrite(OfLoad,
				"track; each { read; target=jump; bypass=nop }; each { stable }; open")},
		{Name: "unknown-text", Property: NoMiss, Origin: fixupThread,
			Why: "an operation's poke of text that the kernel does not know yet, or no more, is refused " +
				"and taken for done: the copy goes on as before",
			Edits: slices.Concat(
				rewrite(OfLoad, "track; each { read; target=jump; bypass=nop; stable }; known; open"),
				rewrite(OfUnload, "unknown; untrack; wait; free"),
			)},
		{Name: "unknown-text-poked", Property: ExpectedBytes, Origin: fixupThread,
			Why: "the same in a copy that nobody executes: the next poke finds other bytes than it " +
				"expects, -EBUSY, where the kernel has BUG_ON",
			Edits: slices.Concat(
				rewrite(OfLoad, "track; each { read; target=jump; bypass=nop; stable }; known"),
				rewrite(OfUnload, "unknown; untrack; wait; free"),
			)},
		{Name: "known-text", Origin: mechanical,
			Why: "text that is known before its descriptors are on the list, and until they are off it, is " +
				"always poked",
			Edits: slices.Concat(
				rewrite(OfLoad, "known; track; each { read; target=jump; bypass=nop; stable }; open"),
				rewrite(OfUnload, "untrack; unknown; wait; free"),
			)},
		{Name: "stale-fixup", Origin: "mechanical: the comment in prog_array_map_poke_run warns of it",
			Why: "the load releases the mutex between reading the pointer and making the " +
				"descriptor stable",
			Edits: rewrite(OfLoad,
				"track; each { read }; each { target=jump; bypass=nop; stable }; open"),
			Property: NoMiss},
		{Name: "late-track", Property: NoMiss, Origin: mechanical,
			Why:   "an operation between the fixup and the tracking does not find the descriptor",
			Edits: rewrite(OfLoad, "each { read; target=jump; bypass=nop; stable }; track; open")},
		{Name: "no-fixup", Property: NoMiss, Origin: mechanical,
			Why:   "a copy that is loaded when the key holds a program never hears of it",
			Edits: edit(OfLoad, Drop, "read", "")},
		{Name: "early-open", Property: NoMiss, Origin: mechanical,
			Why:   "executions in the copy before its fixup fall through a key that holds a program",
			Edits: rewrite(OfLoad, "track; open; each { read; target=jump; bypass=nop; stable }")},
		{Name: "late-untrack", Property: ExpectedBytes, Origin: untrackFault,
			Why:   "an operation pokes a descriptor of freed text",
			Edits: rewrite(OfUnload, "wait; free; untrack")},
		{Name: "never-untrack", Property: ExpectedBytes, Origin: untrackFault,
			Why:   "the same, for ever",
			Edits: edit(OfUnload, Drop, "untrack", "")},
		{Name: "hasty-unload", Property: NoUseAfterFree, Origin: mechanical,
			Why:   "a thread still executes in the copy when it is freed",
			Edits: edit(OfUnload, Drop, "wait", "")},
		{Name: "copy-freed-twice", Property: NoDoubleFree, Origin: mechanical,
			Why:   "the memory of the copy may be another program's by then",
			Edits: rewrite(OfUnload, "wait; untrack; free; free")},
		{Name: "copy-never-freed", Property: NoLeak, Origin: mechanical,
			Why:   "nothing can reach the copy any more, nor free it",
			Edits: edit(OfUnload, Drop, "free", "")},
		{Name: "unlocked-fixup", Origin: "mechanical: the pointer is read outside of poke_mutex",
			Why: "an operation that skips the descriptor comes between what the fixup reads and its " +
				"last step",
			Edits: rewrite(OfMutex, "none"), Property: NoMiss},
		{Name: "fixup-order", Origin: seedThread,
			Why:   "no thread executes the copy yet, so its bypass may open first",
			Edits: edit(OfLoad, Swap, "target=jump", "bypass=nop")},
		{Name: "early-stable", Origin: mechanical,
			Why:   "the mutex keeps operations away until the fixup is over, so it may say stable first",
			Edits: rewrite(OfLoad, "track; each { stable; read; target=jump; bypass=nop }; open")},
		{Name: "early-untrack", Origin: mechanical,
			Why: "threads that are still inside began when the key held what the copy jumps to, and " +
				"that program stays until they have left",
			Edits: edit(OfUnload, Swap, "wait", "untrack")},
	}
	for i := range all {
		all[i].Needs = Shape{Copies: 1}
	}
	return all
}

// deepZoo are faults, and harmless changes, of programs that have sites of their own.
func deepZoo() []Mutant {
	deep := Shape{Deep: true}
	return []Mutant{
		{Name: "late-forget", Property: ExpectedBytes, Origin: untrackFault,
			Why: "a program is freed with its descriptors still on the list, and an operation pokes " +
				"one of them",
			Edits: rewrite(OfUnload, "wait; free; untrack"), Needs: deep},
		{Name: "never-forget", Property: ExpectedBytes, Origin: untrackFault,
			Why: "the same, for ever: the caller's descriptors were taken off the list, those of the " +
				"subprogram were not",
			Edits: rewrite(OfUnload, "wait; free"), Needs: deep},
		{Name: "deep-batched", Origin: mechanical,
			Why: "one grace period after every bypass is closed covers every site, also those of the " +
				"programs that are called",
			Edits: rewrite(OfRemove,
				"publish; each { bypass=jump }; wait; each { target=nop }; retire"),
			Needs: Shape{Deep: true, Nested: true}},
		{Name: "deep-lazy", Origin: rfcThread,
			Why: "no thread meets a dangling target after a closed bypass, in a program that no key " +
				"holds as little as in the caller",
			Edits: rewrite(OfRemove, "publish; each { bypass=jump }; retire"), Needs: deep},
	}
}

// mutexZoo are two mutators without the mutex of the map, or with less of it.
func mutexZoo() []Mutant {
	return []Mutant{
		{Name: "no-mutex", Property: ExpectedBytes, Origin: mechanical,
			Why:   "one poke finds what another has just written",
			Edits: rewrite(OfMutex, "none"), Needs: Shape{Mutators: 2}},
		{Name: "key-mutex", Origin: "mechanical: what keys of different maps have",
			Why:   "operations on different keys poke different descriptors",
			Edits: rewrite(OfMutex, "key"), Needs: Shape{Mutators: 2, Sites: 2, Keys: 2}},
		{Name: "two-maps", Origin: "mechanical: each map has its own poke_mutex",
			Why: "operations on keys of different maps meet only at the text mutex, and a batched " +
				"remove waits between two of its pokes",
			Edits: rewrite(OfRemove,
				"publish; each { bypass=jump }; wait; each { target=nop }; retire"),
			Needs: Shape{Mutators: 2, Sites: 2, Keys: 2, Maps: 2}},
	}
}

// progressZoo are faults that let operations never end.
func progressZoo() []Mutant {
	return []Mutant{
		{Name: "wait-inside", Property: Progress,
			Origin: "mechanical: synchronize_rcu between rcu_read_lock and rcu_read_unlock",
			Why:    "the grace period waits for the section that the waiter itself is in",
			Edits:  rewrite(OfGrace, "self")},
		{Name: "quiet-grace", Property: Progress, Origin: mechanical,
			Why: "of two threads one is inside at any time, so the moment without a reader never " +
				"comes",
			Edits: rewrite(OfGrace, "quiet")},
	}
}

// epochZoo are grace periods as package patcher/rcu carries them out.
func epochZoo() []Mutant {
	return []Mutant{
		{Name: "no-barrier", Origin: "mechanical: smp_mb, or membarrier, left out",
			Why: "the waiter looks at a reader's slot while the epoch is still in its store buffer, " +
				"and no poke's sync has emptied that",
			Edits: rewrite(OfGrace, "no-barrier"),
			Needs: Shape{Indirect: true, Keys: 2}, Property: NoUseAfterFree},
		{Name: "no-barrier-direct", Origin: mechanical,
			Why:   "if every caller is direct, the sync that ends each poke is the barrier",
			Edits: rewrite(OfGrace, "no-barrier")},
		{Name: "counter", Origin: "package patcher/rcu",
			Why:   "the barrier shows every reader that was inside",
			Edits: rewrite(OfGrace, "counter"), Needs: Shape{Indirect: true, Keys: 2}},
	}
}
