package protocol

// PokeZoo returns more mutants of poke methods and of orders, which model and machine judge. What
// a CPU shows of them within seconds is a matter of luck.
func PokeZoo() []Mutant {
	explored := func(model, machine Verdict) map[Engine]Verdict {
		return map[Engine]Verdict{Model: model, Machine: machine}
	}
	broken, fine := explored(Violated, Violated), explored(Proved, Safe)
	method := func(text string) []Edit { return []Edit{{Of: OfMethod, Do: Rewrite, With: text}} }
	as := func(of Of, text string) []Edit { return []Edit{{Of: of, Do: Rewrite, With: text}} }
	return []Mutant{
		{
			Name: "no-first-sync", Origin: "mechanical: the serialisation behind the trap byte",
			Why:   "a CPU that still has the old first byte executes it with the new tail",
			Edits: method("head=int3; tail; sync; head=new; sync"), Property: NoTorn, Expect: broken,
		},
		{
			Name: "no-second-sync", Origin: "mechanical: the comment in text_poke_bp calls it probably unnecessary on Intel",
			Why:   "a CPU that fetched the old tail executes it behind the new first byte",
			Edits: method("head=int3; sync; tail; head=new; sync"), Property: NoTorn, Expect: broken,
		},
		{
			Name: "no-last-sync", Origin: "1f676247f36a: x86/alternatives: Implement a better poke_int3_handler() completion scheme",
			Why:   "a CPU may trap when the poke is over: it runs the byte again, and comes to the new one",
			Edits: method("head=int3; sync; tail; sync; head=new"), Expect: fine,
		},
		{
			Name: "tail-first", Origin: "mechanical: the tail is written before the trap byte",
			Why:   "the old first byte stands in front of the new tail in memory",
			Edits: method("tail; head=int3; sync; head=new; sync"), Property: NoTorn, Expect: broken,
		},
		{
			Name: "head-first", Origin: "mechanical: no trap byte, the first byte before the others",
			Why:   "the new first byte stands in front of the old tail in memory",
			Edits: method("head=new; sync; tail; sync"), Property: NoTorn, Expect: broken,
		},
		{
			Name: "trap-old", Origin: "mechanical: the handler acts as the instruction that is replaced",
			Why:   "until the last serialisation some CPUs act by the old instruction and some by the new one, as they do without a trap",
			Edits: method("trap=old; head=int3; sync; tail; sync; head=new; sync"), Expect: fine,
		},
		{
			Name: "grace-after-target", Origin: rfcThread + ": the grace period comes last",
			Why:   "the target is cleared while threads that passed the open bypass are still in the unwind",
			Edits: as(OfRemove, "publish; each { bypass=jump; target=nop; wait }; retire"), Property: NeverA, Expect: broken,
		},
		{
			Name: "update-clears", Origin: "mechanical: an update by way of an empty target",
			Why:   "the site is open all the time, and its target a nop for a while",
			Edits: as(OfUpdate, "publish; each { target=nop; target=jump }; retire"), Property: NeverA, Expect: broken,
		},
		{
			Name: "update-by-reinstall", Origin: "mechanical: an update that closes the site, without a grace period",
			Why:   "the key held a program all along, and executions fall through it",
			Edits: as(OfUpdate, "publish; each { bypass=jump; target=jump; bypass=nop }; retire"), Property: NoMiss, Expect: explored(Violated, Safe),
		},
		{
			Name: "open-first-each", Origin: seedThread + ": every bypass opens before the first target jumps",
			Why:   "two passes in the wrong order",
			Edits: as(OfInstall, "publish; each { bypass=nop }; each { target=jump }"), Property: NeverA, Expect: broken,
		},
		{
			Name: "batched-early", Origin: "mechanical: a batched remove that clears in the pass that closes",
			Why:   "the shared grace period comes behind the pokes that it should stand between",
			Edits: as(OfRemove, "publish; each { bypass=jump; target=nop }; wait; retire"), Property: NeverA, Expect: broken,
		},
		{
			Name: "free-before-close", Origin: "mechanical: the program is freed behind a grace period that comes before the site is closed",
			Why:   "whoever comes through the open bypass after the grace period runs freed text",
			Edits: as(OfRemove, "publish; wait; free; each { bypass=jump; wait; target=nop }"), Property: NoUseAfterFree, Expect: broken,
		},
		{
			Name: "free-before-update", Origin: "mechanical: the old program is freed before the site jumps to the new one",
			Why:   "the target still jumps to it",
			Edits: as(OfUpdate, "publish; wait; free; each { target=jump }"), Property: NoUseAfterFree, Expect: broken,
		},
		{
			Name: "wait-each-then-clear", Origin: "mechanical: a grace period for every site, and then the targets",
			Why:   "nobody is in an unwind when the first target is cleared",
			Edits: as(OfRemove, "publish; each { bypass=jump; wait }; each { target=nop }; retire"), Expect: fine,
		},
	}
}
