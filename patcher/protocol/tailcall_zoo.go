package protocol

import "slices"

const (
	seedThread = "bpf, x64: rework pro/epilogue and tailcall handling in JIT, v1, 16 July 2020"
	rfcThread  = "the RFC of the same series, 2 July 2020"
	mechanical = "mechanical"
)

// Zoo returns the mutants: first those that break a property, then the safe ones,
// which prove that the engines do not cry wolf. All are edits of the default subject.
func Zoo() []Mutant {
	all := slices.Concat(guilty(), guiltyReaders(), safe(), safeReaders())
	expect(all, Model, Proved, nil)
	expect(all, CPU, NotObserved, nil)
	return expect(all, Machine, Safe, machineJudges())
}

// machineJudges are the properties of mutants that the machine engine judges. It does not know
// which programs an execution may run, and which keys it must not miss.
func machineJudges() []Property {
	return []Property{
		NeverA, NoTorn, NoUseAfterFree, ExpectedBytes, NoDoubleFree, NoEarlyFree, NoLeak,
	}
}

// expect completes the mutants with what an engine must say of them: violated of those that
// break a property that it judges, where nil is all of them, and otherwise what it says of a
// safe subject.
func expect(all []Mutant, e Engine, safe Verdict, judged []Property) []Mutant {
	for i := range all {
		m := &all[i]
		if m.Expect == nil {
			m.Expect = map[Engine]Verdict{}
		}
		switch {
		case m.Expect[e] != "":
		case m.Safe() || judged != nil && !slices.Contains(judged, m.Property):
			m.Expect[e] = safe
		default:
			m.Expect[e] = Violated
		}
	}
	return all
}

// edit and rewrite are what most mutants need: one edit.
func edit(of Of, do Do, step, with string) []Edit { return []Edit{{of, do, step, with}} }

func rewrite(of Of, text string) []Edit { return edit(of, Rewrite, "", text) }

func guilty() []Mutant {
	return []Mutant{
		{Name: "no-grace", Property: NeverA, Origin: rfcThread + ": its review asked for synchronize_rcu",
			Why:   "a thread that passed the open bypass runs the unwind and meets the cleared target",
			Edits: edit(OfRemove, Drop, waitIfChanged, "")},
		{Name: "early-grace", Property: NeverA, Origin: mechanical,
			Why:   "threads enter the unwind after the grace period, while the bypass is still open",
			Edits: rewrite(OfRemove, "publish; each { wait; bypass=jump; target=nop }; retire")},
		{Name: "install-order", Property: NeverA, Origin: seedThread,
			Why:   "the bypass opens before the target jumps",
			Edits: edit(OfInstall, Swap, "target=jump", "bypass=nop")},
		{Name: "remove-order", Property: NeverA, Origin: seedThread,
			Why:   "the target is cleared while the bypass is open",
			Edits: edit(OfRemove, Swap, "bypass=jump", "target=nop")},
		{Name: "free-on-update", Property: NoUseAfterFree, Origin: mechanical,
			Why:   "the replaced program is freed while a thread still executes in it",
			Edits: edit(OfUpdate, Replace, "retire", "free")},
		{Name: "free-on-remove", Property: NoUseAfterFree, Origin: mechanical,
			Why: "the removed program is freed while a thread still executes in it, or can enter it " +
				"through the open bypass",
			Edits: rewrite(OfRemove, "publish; free; each { bypass=jump; wait; target=nop }")},
		{Name: "forget-reader", Property: NoUseAfterFree, Origin: mechanical,
			Why: "the grace period ends while one reader is still in the program that is freed next " +
				"or, on a remove, between the slots",
			Edits: rewrite(OfGrace, "forget-one")},
		{Name: "sleep-grace", Property: NoUseAfterFree, Origin: mechanical,
			Why: "a thread can be descheduled for longer than any fixed sleep, in a program that is " +
				"freed then or between the slots",
			Edits: rewrite(OfGrace, "sleep")},
		{Name: "int3-nosync", Property: NoTorn, Origin: mechanical,
			Why:   "without serialisation a CPU may execute the old first byte with the new tail",
			Edits: edit(OfMethod, Drop, "sync", "")},
		{Name: "bytes", Property: NoTorn, Origin: mechanical,
			Why:   "without int3 a thread executes a half-written instruction",
			Edits: rewrite(OfMethod, "bytes; sync")},
		{Name: "update-through-c", Property: NoMiss, Origin: mechanical,
			Why: "an update that closes the site and opens it again lets executions fall through a key " +
				"that was never empty",
			Edits: rewrite(OfUpdate,
				"publish; each { bypass=jump; wait; target=jump; bypass=nop }; retire")},
		{Name: "late-bypass", Property: NeverA, Origin: "mechanical: a batched remove gone wrong",
			Why: "the shared grace period ends before the bypass of the site is closed",
			Edits: rewrite(OfRemove,
				"publish; wait; each { bypass=jump }; each { target=nop }; retire")},
		{Name: "lazy-free", Property: NoUseAfterFree, Origin: rfcThread + ", without its deferred free",
			Why: "a thread that passed the bypass before it was closed comes to the target, which " +
				"still jumps to the freed program",
			Edits: rewrite(OfRemove, "publish; each { bypass=jump }; free")},
		{Name: "forgotten-close", Property: Fresh, Origin: mechanical,
			Why: "a remove that leaves the site open: executions that start later still run the " +
				"removed program and, once it is freed, freed text",
			Edits:  rewrite(OfRemove, "publish; retire"),
			Expect: map[Engine]Verdict{Machine: Violated}},
		{Name: "freed-twice", Property: NoDoubleFree, Origin: mechanical,
			Why:   "the second time, the memory may be another program's",
			Edits: edit(OfUpdate, Double, "retire", "")},
		{Name: "never-freed", Property: NoLeak, Origin: rfcThread + "",
			Why:   "no key holds the removed program any more, and nothing will free it",
			Edits: edit(OfRemove, Drop, "retire", "")},
		{Name: "retire-before-publish", Origin: "mechanical: the reference is put before the exchange",
			Why: "the program's grace period begins while the pointer still names it, so an " +
				"indirect caller can enter after that",
			Edits:    rewrite(OfRemove, "each { bypass=jump; wait; target=nop }; retire; publish"),
			Property: NoEarlyFree},
	}
}

func safe() []Mutant {
	return []Mutant{
		{Name: "double-grace", Origin: mechanical,
			Why:   "a second grace period costs time and nothing else",
			Edits: edit(OfRemove, Double, waitIfChanged, "")},
		{Name: "batched-remove", Origin: mechanical,
			Why: "one grace period after every bypass is closed covers every site",
			Edits: rewrite(OfRemove,
				"publish; each { bypass=jump }; wait; each { target=nop }; retire")},
		{Name: "lazy-remove", Origin: rfcThread,
			Why: "a target that is never cleared cannot be met cleared, and no thread passes the " +
				"closed bypass to what it still points to",
			Edits: rewrite(OfRemove, "publish; each { bypass=jump }; retire")},
		{Name: "two-pass-install", Origin: mechanical,
			Why:   "every target jumps before the first bypass opens",
			Edits: rewrite(OfInstall, "publish; each { target=jump }; each { bypass=nop }")},
		{Name: "free-after-wait", Origin: mechanical,
			Why: "if every caller is direct, the remove's own grace period covers the program too: " +
				"the threads that were inside have left",
			Edits: edit(OfRemove, Replace, "retire", "free")},
		{Name: "trap-retry", Origin: mechanical,
			Why:   "a trapped thread that runs the byte again waits for the poke to end",
			Edits: rewrite(OfMethod, "trap=retry; head=int3; sync; tail; sync; head=new; sync")},
	}
}

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

// Hierarchy is a program whose function tail calls the entry, which calls it twice.
const Hierarchy = "hierarchy"

// LayoutZoo returns the mutants that are faults of an era's layout, and shown by the image's own
// bytes.
func LayoutZoo() []Mutant {
	all := []Mutant{
		{Name: "counter-reset", Property: TailLimit, Origin: seedThread + " to v7",
			Why:   "a function with a tail call of its own starts counting at zero",
			Edits: rewrite(OfLayout, "seed")},
		{Name: "counter-by-value", Origin: "116e04ba1459: bpf, x64: Fix tailcall hierarchy",
			Why:   "each of two calls of a function may spend all that is left: 2^33 executions",
			Edits: rewrite(OfLayout, "v5.10"), Property: TailLimit},
		{Name: "limit-34", Property: TailLimit,
			Origin: "ebf7f6f0a6cd: architectures did not agree whether 32 or 33 tail calls " +
				"succeed",
			Why:   "a comparison that lets one more pass",
			Edits: rewrite(OfLayout, "v6.12 with limit=34")},
		{Name: "landing-at-entry", Origin: "mechanical: a tail call that enters where a call does",
			Why:   "every tail call sets the counter to zero and pushes a frame pointer",
			Edits: rewrite(OfLayout, "v6.12 with landing=0"), Property: TailLimit},
		{Name: "landing-inside", Origin: "mechanical: the offset of 5.10 in the prologue of 6.12",
			Why:   "a tail call enters in the middle of an instruction",
			Edits: rewrite(OfLayout, "v6.12 with landing=11"), Property: NoTorn},
		{Name: "counter-by-pointer", Origin: "116e04ba1459: bpf, x64: Fix tailcall hierarchy",
			Why:   "all functions of an execution share one counter",
			Edits: rewrite(OfLayout, "v6.12")},
	}
	for i := range all {
		all[i].Program = Hierarchy
	}
	return expect(all, Machine, Safe, nil)
}
