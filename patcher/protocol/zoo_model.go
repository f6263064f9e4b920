package protocol

// ModelZoo returns the mutants that the model alone judges so far: faults, and harmless
// changes, of what no other engine carries out from the definition. Each says in Needs
// what the shape must have for the fault to be there.
func ModelZoo() []Mutant {
	out := append(indirectZoo(), loadZoo()...)
	out = append(out, deepZoo()...)
	out = append(out, mutexZoo()...)
	out = append(out, progressZoo()...)
	return append(out, epochZoo()...)
}

const (
	fixupThread  = "4b7de801606e: bpf: Fix prog_array_map_poke_run map poke update"
	untrackFault = "f263a81451c1: bpf: Track subprog poke descriptors correctly and fix use-after-free"
)

func byModel(v Verdict) map[Engine]Verdict { return map[Engine]Verdict{Model: v} }

// indirectZoo are faults that only who reads the map's pointer can see.
func indirectZoo() []Mutant {
	return []Mutant{
		{
			Name: "free-without-wait", Origin: mechanical,
			Why: "freeing at once behind the remove's own grace period, where there is none: the wait of a key " +
				"without a direct site is skipped, and an indirect caller is still inside",
			Edits:    []Edit{{Of: OfRemove, Do: Replace, Step: "retire", With: "free"}},
			Needs:    Shape{Indirect: true, Keys: 2},
			Property: NoUseAfterFree, Expect: byModel(Violated),
		},
		{
			Name: "retire-before-publish", Origin: "mechanical: the reference is put before the exchange",
			Why:      "the program's grace period begins while the pointer still names it, so an indirect caller enters behind it",
			Edits:    []Edit{{Of: OfRemove, Do: Rewrite, With: "each { bypass=jump; wait; target=nop }; retire; publish"}},
			Needs:    Shape{Indirect: true},
			Property: NoUseAfterFree, Expect: byModel(Violated),
		},
		{
			Name: "forgotten-publish", Origin: mechanical,
			Why:      "the sites are closed, but an indirect caller that starts later still runs the removed program",
			Edits:    []Edit{{Of: OfRemove, Do: Drop, Step: "publish"}},
			Needs:    Shape{Indirect: true},
			Property: Fresh, Expect: byModel(Violated),
		},
		{
			Name: "late-publish", Origin: mechanical,
			Why: "while an operation is in progress both of its programs are allowed, so the pointer may be exchanged last",
			Edits: []Edit{
				{Of: OfInstall, Do: Rewrite, With: "each { target=jump; bypass=nop }; publish"},
				{Of: OfUpdate, Do: Rewrite, With: "each { target=jump }; publish; retire"},
				{Of: OfRemove, Do: Rewrite, With: "each { bypass=jump; wait; target=nop }; publish; retire"},
			},
			Needs: Shape{Indirect: true}, Expect: byModel(Proved),
		},
	}
}

// loadZoo are faults of loads and unloads.
func loadZoo() []Mutant {
	copies := Shape{Copies: 1}
	load := func(text string) []Edit { return []Edit{{Of: OfLoad, Do: Rewrite, With: text}} }
	unload := func(text string) []Edit { return []Edit{{Of: OfUnload, Do: Rewrite, With: text}} }
	return []Mutant{
		{
			Name: "late-stable", Origin: fixupThread,
			Why:   "between the fixup and what operations go by, a change of the key passes the descriptor by, and nobody makes up for it",
			Edits: load("track; each { read; target=jump; bypass=nop }; each { stable }; open"),
			Needs: copies, Property: NoMiss, Expect: byModel(Violated),
		},
		{
			Name: "stale-fixup", Origin: "mechanical: the comment in prog_array_map_poke_run warns of it",
			Why:   "the pointer was read under another hold of the mutex than the one that makes the descriptor stable",
			Edits: load("track; each { read }; each { target=jump; bypass=nop; stable }; open"),
			Needs: copies, Property: NoMiss, Expect: byModel(Violated),
		},
		{
			Name: "late-track", Origin: mechanical,
			Why:   "an operation between the fixup and the list does not find the descriptor",
			Edits: load("each { read; target=jump; bypass=nop; stable }; track; open"),
			Needs: copies, Property: NoMiss, Expect: byModel(Violated),
		},
		{
			Name: "no-fixup", Origin: mechanical,
			Why:   "a copy that is loaded when the key holds a program never hears of it",
			Edits: []Edit{{Of: OfLoad, Do: Drop, Step: "read"}},
			Needs: copies, Property: NoMiss, Expect: byModel(Violated),
		},
		{
			Name: "early-open", Origin: mechanical,
			Why:   "executions in the copy before its fixup fall through a key that holds a program",
			Edits: []Edit{{Of: OfLoad, Do: Rewrite, With: "track; open; each { read; target=jump; bypass=nop; stable }"}},
			Needs: copies, Property: NoMiss, Expect: byModel(Violated),
		},
		{
			Name: "late-untrack", Origin: untrackFault,
			Why:   "an operation pokes a descriptor of freed text",
			Edits: unload("wait; free; untrack"),
			Needs: copies, Property: ExpectedBytes, Expect: byModel(Violated),
		},
		{
			Name: "never-untrack", Origin: untrackFault,
			Why:   "the same, for ever",
			Edits: []Edit{{Of: OfUnload, Do: Drop, Step: "untrack"}},
			Needs: copies, Property: ExpectedBytes, Expect: byModel(Violated),
		},
		{
			Name: "hasty-unload", Origin: mechanical,
			Why:   "a thread still executes in the copy when it is freed",
			Edits: []Edit{{Of: OfUnload, Do: Drop, Step: "wait"}},
			Needs: copies, Property: NoUseAfterFree, Expect: byModel(Violated),
		},
		{
			Name: "unlocked-fixup", Origin: "mechanical: the pointer is read outside of poke_mutex",
			Why:   "an operation that passes by the descriptor comes between what the fixup reads and its last step",
			Edits: []Edit{{Of: OfMutex, Do: Rewrite, With: "none"}},
			Needs: copies, Property: NoMiss, Expect: byModel(Violated),
		},
		{
			Name: "fixup-order", Origin: seedThread,
			Why:   "nobody executes the copy yet, so its bypass may open first",
			Edits: []Edit{{Of: OfLoad, Do: Swap, Step: "target=jump", With: "bypass=nop"}},
			Needs: copies, Expect: byModel(Proved),
		},
		{
			Name: "early-stable", Origin: mechanical,
			Why:   "the mutex keeps operations away until the fixup is through, whenever it says stable",
			Edits: load("track; each { stable; read; target=jump; bypass=nop }; open"),
			Needs: copies, Expect: byModel(Proved),
		},
		{
			Name: "early-untrack", Origin: mechanical,
			Why:   "who is still inside began when the key held what the copy jumps to, and that outlives them",
			Edits: []Edit{{Of: OfUnload, Do: Swap, Step: "wait", With: "untrack"}},
			Needs: copies, Expect: byModel(Proved),
		},
	}
}

// deepZoo are faults, and none, of programs that have sites of their own.
func deepZoo() []Mutant {
	unload := func(text string) []Edit { return []Edit{{Of: OfUnload, Do: Rewrite, With: text}} }
	deep := Shape{Deep: true}
	return []Mutant{
		{
			Name: "late-forget", Origin: untrackFault,
			Why:   "a program is freed with its descriptors still on the list, and an operation pokes one of them",
			Edits: unload("wait; free; untrack"),
			Needs: deep, Property: ExpectedBytes, Expect: byModel(Violated),
		},
		{
			Name: "never-forget", Origin: untrackFault,
			Why:   "the same, for ever: the caller's descriptors were taken off, those of the subprogram were not",
			Edits: unload("wait; free"),
			Needs: deep, Property: ExpectedBytes, Expect: byModel(Violated),
		},
		{
			Name: "deep-batched", Origin: mechanical,
			Why: "one grace period after every bypass is closed covers every site, those of programs that are called too",
			Edits: []Edit{{Of: OfRemove, Do: Rewrite,
				With: "publish; each { bypass=jump }; wait; each { target=nop }; retire"}},
			Needs: Shape{Deep: true, Nested: true}, Expect: byModel(Proved),
		},
		{
			Name: "deep-lazy", Origin: rfcThread,
			Why:   "what dangles behind a closed bypass of a program that nobody holds is as little met as in the caller",
			Edits: []Edit{{Of: OfRemove, Do: Rewrite, With: "publish; each { bypass=jump }; retire"}},
			Needs: deep, Expect: byModel(Proved),
		},
	}
}

// mutexZoo are two mutators without, and with less than, the mutex of the map.
func mutexZoo() []Mutant {
	return []Mutant{
		{
			Name: "no-mutex", Origin: mechanical,
			Why:      "one poke finds what another has just written",
			Edits:    []Edit{{Of: OfMutex, Do: Rewrite, With: "none"}},
			Needs:    Shape{Mutators: 2},
			Property: ExpectedBytes, Expect: byModel(Violated),
		},
		{
			Name: "key-mutex", Origin: "mechanical: what keys of different maps have",
			Why:   "operations on different keys poke different descriptors",
			Edits: []Edit{{Of: OfMutex, Do: Rewrite, With: "key"}},
			Needs: Shape{Mutators: 2, Sites: 2, Keys: 2}, Expect: byModel(Proved),
		},
		{
			Name: "two-maps", Origin: "mechanical: poke_mutex is that of a map",
			Why: "operations on keys of different maps meet at the text mutex alone, and a batched remove waits between " +
				"two of its pokes",
			Edits: []Edit{{Of: OfRemove, Do: Rewrite,
				With: "publish; each { bypass=jump }; wait; each { target=nop }; retire"}},
			Needs: Shape{Mutators: 2, Sites: 2, Keys: 2, Maps: 2}, Expect: byModel(Proved),
		},
	}
}

// progressZoo are faults that let operations never end.
func progressZoo() []Mutant {
	return []Mutant{
		{
			Name: "wait-inside", Origin: "mechanical: synchronize_rcu between rcu_read_lock and rcu_read_unlock",
			Why:      "the grace period waits for the section that the waiter itself is in",
			Edits:    []Edit{{Of: OfGrace, Do: Rewrite, With: "self"}},
			Property: Progress, Expect: byModel(Violated),
		},
		{
			Name: "quiet-grace", Origin: mechanical,
			Why:      "of two threads one is inside at any time, so the moment without a reader never comes",
			Edits:    []Edit{{Of: OfGrace, Do: Rewrite, With: "quiet"}},
			Property: Progress, Expect: byModel(Violated),
		},
	}
}

// epochZoo are grace periods as they are carried out.
func epochZoo() []Mutant {
	grace := func(name string) []Edit { return []Edit{{Of: OfGrace, Do: Rewrite, With: name}} }
	return []Mutant{
		{
			Name: "no-barrier", Origin: "mechanical: smp_mb, or membarrier, left out",
			Why: "the epoch of a reader is still in its store buffer when its slot is looked at, and nothing was poked " +
				"whose sync would have emptied that",
			Edits:    grace("no-barrier"),
			Needs:    Shape{Indirect: true, Keys: 2},
			Property: NoUseAfterFree, Expect: byModel(Violated),
		},
		{
			Name: "no-barrier-direct", Origin: mechanical,
			Why:   "where every caller is direct, the sync that ends each poke is the barrier",
			Edits: grace("no-barrier"), Expect: byModel(Proved),
		},
		{
			Name: "counter", Origin: "package patcher/rcu",
			Why:   "the barrier shows every reader that was inside",
			Edits: grace("counter"),
			Needs: Shape{Indirect: true, Keys: 2}, Expect: byModel(Proved),
		},
	}
}
