package protocol

import "slices"

const (
	seedThread = "bpf, x64: rework pro/epilogue and tailcall handling in JIT, v1, 16 July 2020"
	rfcThread  = "the RFC of the same series, 2 July 2020"
	mechanical = "mechanical"
)

// shown is what must be said of a fault that a CPU can show.
func shown() map[Engine]Verdict { return map[Engine]Verdict{Model: Violated, CPU: Violated} }

// innocent is what must be said of a mutant that is safe.
func innocent() map[Engine]Verdict { return map[Engine]Verdict{Model: Proved, CPU: NotObserved} }

// Zoo returns the mutants: first those that break a property, then the safe ones,
// which prove that the engines do not cry wolf. All are edits of the default subject.
func Zoo() []Mutant {
	all := append(guilty(), safe()...)
	for i := range all {
		if all[i].Expect[Machine] != "" {
			continue
		}
		all[i].Expect[Machine] = Safe
		if slices.Contains(machineJudges, all[i].Property) {
			all[i].Expect[Machine] = Violated
		}
	}
	return all
}

// machineJudges are the properties of mutants that the machine engine judges: it has no duties
// to hold executions to.
var machineJudges = []Property{NeverA, NoTorn, NoUseAfterFree, ExpectedBytes}

func guilty() []Mutant {
	return []Mutant{
		{
			Name: "no-grace", Origin: rfcThread + ": synchronize_rcu was asked for in its review",
			Why:      "a thread that passed the open bypass runs the unwind and meets the cleared target",
			Edits:    []Edit{{Of: OfRemove, Do: Drop, Step: "wait"}},
			Property: NeverA, Expect: shown(),
		},
		{
			Name: "early-grace", Origin: mechanical,
			Why:      "threads enter the unwind after the grace period, while the bypass is still open",
			Edits:    []Edit{{Of: OfRemove, Do: Swap, Step: "bypass=jump", With: "wait"}},
			Property: NeverA, Expect: shown(),
		},
		{
			Name: "install-order", Origin: seedThread,
			Why:      "the bypass opens before the target jumps",
			Edits:    []Edit{{Of: OfInstall, Do: Swap, Step: "target=jump", With: "bypass=nop"}},
			Property: NeverA, Expect: shown(),
		},
		{
			Name: "remove-order", Origin: seedThread,
			Why:      "the target is cleared while the bypass is open",
			Edits:    []Edit{{Of: OfRemove, Do: Swap, Step: "bypass=jump", With: "target=nop"}},
			Property: NeverA, Expect: shown(),
		},
		{
			Name: "free-on-update", Origin: mechanical,
			Why:      "a thread still executes in the replaced program when it is freed",
			Edits:    []Edit{{Of: OfUpdate, Do: Replace, Step: "retire", With: "free"}},
			Property: NoUseAfterFree, Expect: shown(),
		},
		{
			Name: "free-on-remove", Origin: mechanical,
			Why:      "a thread still executes in the removed program, or enters it through the open bypass, when it is freed",
			Edits:    []Edit{{Of: OfRemove, Do: Rewrite, With: "publish; free; each { bypass=jump; wait; target=nop }"}},
			Property: NoUseAfterFree, Expect: shown(),
		},
		{
			Name: "forget-reader", Origin: mechanical,
			Why:      "the grace period ends while one reader is still in the program that is freed then; or, on a remove, between the slots",
			Edits:    []Edit{{Of: OfGrace, Do: Rewrite, With: "forget-one"}},
			Property: NoUseAfterFree, Expect: shown(),
		},
		{
			Name: "sleep-grace", Origin: mechanical,
			Why:      "a thread can be descheduled for longer than any fixed sleep, in a program that is freed then or between the slots",
			Edits:    []Edit{{Of: OfGrace, Do: Rewrite, With: "sleep"}},
			Property: NoUseAfterFree, Expect: shown(),
		},
		{
			Name: "int3-nosync", Origin: mechanical,
			Why:      "without serialisation a CPU may execute the old first byte with the new tail",
			Edits:    []Edit{{Of: OfMethod, Do: Drop, Step: "sync"}},
			Property: NoTorn, Expect: shown(),
		},
		{
			Name: "bytes", Origin: mechanical,
			Why:      "without int3 a thread executes a half-written instruction",
			Edits:    []Edit{{Of: OfMethod, Do: Rewrite, With: "bytes; sync"}},
			Property: NoTorn, Expect: shown(),
		},
		{
			Name: "update-through-c", Origin: mechanical,
			Why: "an update that closes the site and opens it again lets executions fall through a key that was never empty",
			Edits: []Edit{{Of: OfUpdate, Do: Rewrite,
				With: "publish; each { bypass=jump; wait; target=jump; bypass=nop }; retire"}},
			Property: NoMiss, Expect: shown(),
		},
		{
			Name: "late-bypass", Origin: "mechanical: a batched remove gone wrong",
			Why: "the shared grace period ends before the bypass of the site is closed",
			Edits: []Edit{{Of: OfRemove, Do: Rewrite,
				With: "publish; wait; each { bypass=jump }; each { target=nop }; retire"}},
			Property: NeverA, Expect: shown(),
		},
		{
			Name: "lazy-free", Origin: rfcThread + ", without its deferred free",
			Why:      "the closed bypass keeps nobody out who has passed it: the target still jumps to the freed program",
			Edits:    []Edit{{Of: OfRemove, Do: Rewrite, With: "publish; each { bypass=jump }; free"}},
			Property: NoUseAfterFree, Expect: shown(),
		},
		{
			Name: "forgotten-close", Origin: mechanical,
			Why:      "a remove that leaves the site open: executions that start later still run the removed program, and once it is freed, freed text",
			Edits:    []Edit{{Of: OfRemove, Do: Rewrite, With: "publish; retire"}},
			Property: Fresh, Expect: map[Engine]Verdict{Model: Violated, Machine: Violated, CPU: Violated},
		},
	}
}

func safe() []Mutant {
	return []Mutant{
		{
			Name: "double-grace", Origin: mechanical,
			Why:   "a second grace period costs time and nothing else",
			Edits: []Edit{{Of: OfRemove, Do: Double, Step: "wait"}}, Expect: innocent(),
		},
		{
			Name: "batched-remove", Origin: mechanical,
			Why: "one grace period after every bypass is closed covers every site",
			Edits: []Edit{{Of: OfRemove, Do: Rewrite,
				With: "publish; each { bypass=jump }; wait; each { target=nop }; retire"}},
			Expect: innocent(),
		},
		{
			Name: "lazy-remove", Origin: rfcThread,
			Why:   "a target that is never cleared cannot be met cleared; behind a closed bypass it dangles unseen",
			Edits: []Edit{{Of: OfRemove, Do: Rewrite, With: "publish; each { bypass=jump }; retire"}}, Expect: innocent(),
		},
		{
			Name: "two-pass-install", Origin: mechanical,
			Why: "every target jumps before the first bypass opens",
			Edits: []Edit{{Of: OfInstall, Do: Rewrite,
				With: "publish; each { target=jump }; each { bypass=nop }"}},
			Expect: innocent(),
		},
		{
			Name: "free-after-wait", Origin: mechanical,
			Why:   "where every caller is direct, the remove's own grace period covers the program too: who was inside it has left",
			Edits: []Edit{{Of: OfRemove, Do: Replace, Step: "retire", With: "free"}}, Expect: innocent(),
		},
		{
			Name: "trap-retry", Origin: mechanical,
			Why: "a trapped thread that runs the byte again waits for the poke to end",
			Edits: []Edit{{Of: OfMethod, Do: Rewrite,
				With: "trap=retry; head=int3; sync; tail; sync; head=new; sync"}},
			Expect: innocent(),
		},
	}
}
