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
	all := append(guilty(), safe()...)
	expect(all, Model, Proved, nil)
	expect(all, CPU, NotObserved, nil)
	return expect(all, Machine, Safe, machineJudges())
}

// machineJudges are the properties of mutants that the machine engine judges. It does not know
// which programs an execution may run, and which keys it must not miss.
func machineJudges() []Property {
	return []Property{NeverA, NoTorn, NoUseAfterFree, ExpectedBytes}
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
			Edits: edit(OfRemove, Drop, "wait", "")},
		{Name: "early-grace", Property: NeverA, Origin: mechanical,
			Why:   "threads enter the unwind after the grace period, while the bypass is still open",
			Edits: edit(OfRemove, Swap, "bypass=jump", "wait")},
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
	}
}

func safe() []Mutant {
	return []Mutant{
		{Name: "double-grace", Origin: mechanical,
			Why:   "a second grace period costs time and nothing else",
			Edits: edit(OfRemove, Double, "wait", "")},
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
