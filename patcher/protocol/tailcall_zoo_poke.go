package protocol

// PokeZoo returns more mutants of poke methods and of orders, which model and machine judge. What
// a CPU shows of them within seconds is a matter of luck.
func PokeZoo() []Mutant {
	all := append(pokeMethods(), pokeOrders()...)
	expect(all, Model, Proved, nil)
	return expect(all, Machine, Safe, machineJudges())
}

func pokeMethods() []Mutant {
	return []Mutant{
		{Name: "no-first-sync", Origin: "mechanical: the serialisation after the trap byte",
			Why:   "a CPU that still has the old first byte executes it with the new tail",
			Edits: rewrite(OfMethod, "head=int3; tail; sync; head=new; sync"), Property: NoTorn},
		{Name: "no-second-sync", Property: NoTorn,
			Origin: "mechanical: the comment in text_poke_bp calls it probably unnecessary on " +
				"Intel",
			Why:   "a CPU that fetched the old tail executes it with the new first byte",
			Edits: rewrite(OfMethod, "head=int3; sync; tail; head=new; sync")},
		{Name: "no-last-sync",
			Origin: "1f676247f36a: x86/alternatives: Implement a better poke_int3_handler() " +
				"completion scheme",
			Why:   "a CPU may trap after the poke: it runs the byte again, and meets the new one",
			Edits: rewrite(OfMethod, "head=int3; sync; tail; sync; head=new")},
		{Name: "tail-first", Origin: "mechanical: the tail is written before the trap byte",
			Why:   "in memory the old first byte stands before the new tail",
			Edits: rewrite(OfMethod, "tail; head=int3; sync; head=new; sync"), Property: NoTorn},
		{Name: "head-first", Origin: "mechanical: no trap byte, the first byte before the others",
			Why:   "in memory the new first byte stands before the old tail",
			Edits: rewrite(OfMethod, "head=new; sync; tail; sync"), Property: NoTorn},
		{Name: "trap-old", Origin: "mechanical: the handler acts as the instruction that is replaced",
			Why: "until the last serialisation some CPUs act by the old instruction and some by the " +
				"new one, as they do without a trap",
			Edits: rewrite(OfMethod, "trap=old; head=int3; sync; tail; sync; head=new; sync")},
	}
}

func pokeOrders() []Mutant {
	return []Mutant{
		{Name: "grace-after-target", Origin: rfcThread + ": the grace period comes last",
			Why: "the target is cleared while threads that passed the open bypass are still in the " +
				"unwind",
			Edits:    rewrite(OfRemove, "publish; each { bypass=jump; target=nop; wait }; retire"),
			Property: NeverA},
		{Name: "update-clears", Origin: "mechanical: an update by way of an empty target",
			Why:      "the site is open all the time, and its target a nop for a while",
			Edits:    rewrite(OfUpdate, "publish; each { target=nop; target=jump }; retire"),
			Property: NeverA},
		{Name: "update-by-reinstall", Property: NoMiss,
			Origin: "mechanical: an update that closes the site, without a grace period",
			Why:    "executions fall through the key, although it held a program all along",
			Edits: rewrite(OfUpdate,
				"publish; each { bypass=jump; target=jump; bypass=nop }; retire")},
		{Name: "open-first-each", Property: NeverA,
			Origin: seedThread + ": every bypass opens before the first target jumps",
			Why:    "two passes in the wrong order",
			Edits:  rewrite(OfInstall, "publish; each { bypass=nop }; each { target=jump }")},
		{Name: "batched-early", Property: NeverA,
			Origin: "mechanical: a batched remove that clears in the pass that closes",
			Why:    "the shared grace period comes after the pokes that it should separate",
			Edits:  rewrite(OfRemove, "publish; each { bypass=jump; target=nop }; wait; retire")},
		{Name: "free-before-close", Property: NoUseAfterFree,
			Origin: "mechanical: the program is freed after a grace period that comes before the " +
				"site is closed",
			Why: "a thread that comes through the open bypass after the grace period runs freed " +
				"text",
			Edits: rewrite(OfRemove, "publish; wait; free; each { bypass=jump; wait; target=nop }")},
		{Name: "free-before-update", Property: NoUseAfterFree,
			Origin: "mechanical: the old program is freed before the site jumps to the new one",
			Why:    "the target still jumps to the freed program",
			Edits:  rewrite(OfUpdate, "publish; wait; free; each { target=jump }")},
		{Name: "wait-each-then-clear",
			Origin: "mechanical: a grace period for every site, and then the targets",
			Why:    "no thread is in an unwind when the first target is cleared",
			Edits: rewrite(OfRemove,
				"publish; each { bypass=jump; wait }; each { target=nop }; retire")},
	}
}
