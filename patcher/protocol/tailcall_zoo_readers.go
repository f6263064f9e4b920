package protocol

import "slices"

// The readers of the kernel since 7.0. A sleepable program runs under rcu_read_lock_trace, the
// others under rcu_read_lock, and a grace period of tasks-trace is one of rcu too.
const (
	sleepable = "plain: rcu, tasks-trace; sleepable: tasks-trace"

	sleepableCommit = "0f0c332992b8: bpf: Allow sleepable programs to use tail calls (7.0)"
	flavourCommit   = "ef1b808e3b7c: bpf: Fix UAF via mismatching bpf_prog/attachment RCU flavors"
)

// withSleepable are the edits that give the default subject these readers, and the grace periods of
// an update and a remove.
func withSleepable(retire, remove string) []Edit {
	return slices.Concat(
		rewrite(OfReaders, sleepable),
		rewrite(OfUpdate, "publish; each { target=jump }; "+retire),
		rewrite(OfRemove, remove+"; retire tasks-trace"),
	)
}

func guiltyReaders() []Mutant {
	return []Mutant{
		{Name: "sleepable-readers", Property: NeverA, Origin: sleepableCommit,
			Why: "removal waits for synchronize_rcu alone: a sleepable caller that passed the open bypass " +
				"may still be in the unwind, and meets the cleared target",
			Edits: withSleepable("retire tasks-trace",
				"publish; each { bypass=jump; wait rcu if changed; target=nop }")},
		{Name: "sleepable-freed", Property: NoUseAfterFree, Origin: flavourCommit,
			Why: "the replaced program is freed by call_rcu while a sleepable caller still executes in it",
			Edits: withSleepable("retire rcu",
				"publish; each { bypass=jump; wait tasks-trace; target=nop }")},
	}
}

func safeReaders() []Mutant {
	return []Mutant{
		{Name: "sleepable-both", Origin: sleepableCommit + ", mended",
			Why: "removal waits for readers of both kinds",
			Edits: withSleepable("retire tasks-trace",
				"publish; each { bypass=jump; wait rcu if changed; wait tasks-trace if changed; target=nop }")},
		{Name: "sleepable-lazy", Origin: rfcThread + ", with the readers of 7.0",
			Why:   "a target that is never cleared is met cleared by no reader, of whatever kind",
			Edits: withSleepable("retire tasks-trace", "publish; each { bypass=jump }")},
	}
}
