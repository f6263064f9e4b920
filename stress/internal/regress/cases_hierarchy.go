package regress

// hierarchyCases are those in which a program calls functions with tail calls more than once.
// Copies of the count let each of these spend all that is left.
func hierarchyCases() []Case {
	src := hierarchyELF
	return []Case{
		{
			Name: "hierarchy_1", Origin: "selftests: tailcall_bpf2bpf_hierarchy_1", source: src,
			Programs: []string{"root"}, Count: []string{"entered0"}, CountsEntry: true,
			Steps: steps(
				Put{"one", 0, "root"},
				runs(plain, Want{R0: 1, Tails: 33}).until612(neverEnds), // 2^34-1 entries
				Delete{Map: "one", Key: 0}, runs(plain, Want{R0: 1}),
			),
		},
		{
			Name: "hierarchy_2", Origin: "selftests: tailcall_bpf2bpf_hierarchy_2", source: src,
			Programs: []string{"left_then_right", "left", "right"}, Count: []string{"entered0", "entered1"},
			Steps: steps(
				all("two", "left", "right"),
				runs(plain, Want{R0: 33, Tails: 33}).
					but(V510, Want{R0: 33<<16 | 33, Tails: 66, Breaks: TailLimit}). // 33 on each side
					but(Seed, neverEnds),
			),
		},
		{
			Name: "hierarchy_3", Origin: "selftests: tailcall_bpf2bpf_hierarchy_3", source: src,
			Programs: []string{"into_both_maps", "both_maps"}, Count: []string{"entered0"},
			Steps: steps(
				Put{"one", 0, "both_maps"}, Put{"other", 0, "both_maps"},
				runs(plain, Want{R0: 33, Tails: 33}).until612(neverEnds), // 2^33-1 entries
			),
		},
	}
}
