package protocol

// Hierarchy is a program whose function tail calls the entry, which calls it twice.
const Hierarchy = "hierarchy"

// LayoutZoo returns the mutants that are faults of an era's layout, and shown by the image's own
// bytes.
func LayoutZoo() []Mutant {
	layout := func(name string) []Edit { return []Edit{{Of: OfLayout, Do: Rewrite, With: name}} }
	byMachine := func(v Verdict) map[Engine]Verdict { return map[Engine]Verdict{Machine: v} }
	return []Mutant{
		{
			Name: "counter-reset", Origin: seedThread + " to v7",
			Why:   "a function with a tail call of its own starts counting at zero",
			Edits: layout("seed"), Program: Hierarchy, Property: TailLimit, Expect: byMachine(Violated),
		},
		{
			Name: "counter-by-value", Origin: "116e04ba1459: bpf, x64: Fix tailcall hierarchy",
			Why:   "each of two calls of a function may spend all that is left: 2^33 executions",
			Edits: layout("v5.10"), Program: Hierarchy, Property: TailLimit, Expect: byMachine(Violated),
		},
		{
			Name: "limit-34", Origin: "ebf7f6f0a6cd: architectures did not agree whether 32 or 33 tail calls succeed",
			Why:   "a comparison that lets one more pass",
			Edits: layout("v6.12 with limit=34"), Program: Hierarchy, Property: TailLimit, Expect: byMachine(Violated),
		},
		{
			Name: "landing-at-entry", Origin: "mechanical: a tail call that enters where a call does",
			Why:   "the counter is set to zero at every tail call, and every one pushes a frame pointer",
			Edits: layout("v6.12 with landing=0"), Program: Hierarchy, Property: TailLimit, Expect: byMachine(Violated),
		},
		{
			Name: "landing-inside", Origin: "mechanical: the offset of 5.10 in the prologue of 6.12",
			Why:   "a tail call enters in the middle of an instruction",
			Edits: layout("v6.12 with landing=11"), Program: Hierarchy, Property: NoTorn, Expect: byMachine(Violated),
		},
		{
			Name: "counter-by-pointer", Origin: "116e04ba1459: bpf, x64: Fix tailcall hierarchy",
			Why:   "all functions of an execution share one counter",
			Edits: layout("v6.12"), Program: Hierarchy, Expect: byMachine(Safe),
		},
	}
}
