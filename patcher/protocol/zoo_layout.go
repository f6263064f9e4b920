package protocol

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
