package regress

// functionCases are those with tail calls in functions that a program calls once. The count goes
// down a chain of calls, which a copy does as well; but where a function starts at zero, a
// loop through it does not end.
func functionCases() []Case {
	src := bpf2bpfELF
	hops := []string{"hops", "hopped0", "hopped1", "hopped2"}
	// Of 33 tail calls, one leads to hopped0 and one to hopped1.
	hopped := runs(packetV4, Want{R0: 3 * 54, Tails: 33,
		Vars: map[string]uint64{"entered2": 31}}).but(Seed, neverEnds)
	return append([]Case{
		{
			Name: "bpf2bpf_1", Origin: "selftests: tailcall_bpf2bpf_1", source: src,
			Programs: []string{"both", "leaf0", "leaf1"},
			Steps: steps(
				all("two", "leaf0", "leaf1"), runs(packetV4, Want{R0: 1}),
				Delete{Map: "two", Key: 1}, runs(packetV4, Want{R0: 0}),
				Delete{Map: "two", Key: 0}, runs(packetV4, Want{R0: 2 * 54}),
			),
		},
		{
			Name: "bpf2bpf_2", Origin: "selftests: tailcall_bpf2bpf_2", source: src,
			Programs: []string{"into_loop", "through_function"}, Count: []string{"entered"},
			Steps: steps(
				Put{"one", 0, "through_function"},
				runs(zeroes(128), Want{R0: 1, Tails: 33}).but(Seed, neverEnds),
				Delete{Map: "one", Key: 0}, runs(zeroes(128), Want{R0: 0}),
			),
		},
		{
			Name: "bpf2bpf_3", Origin: "selftests: tailcall_bpf2bpf_3", source: src,
			Programs: []string{"frame128_first", "frame128_second", "frame128_last"},
			Steps: steps(
				all("two", "frame128_second", "frame128_last"), runs(packetV4, Want{R0: 3 * 54}),
				Delete{Map: "two", Key: 1}, runs(packetV4, Want{R0: 54}),
				Delete{Map: "two", Key: 0}, runs(packetV4, Want{R0: 2 * 54}),
			),
		},
		{
			Name: "bpf2bpf_4", Origin: "selftests: tailcall_bpf2bpf_4", source: src,
			Programs: hops, Count: []string{"entered"},
			Steps: steps(all("three", hops[1:]...), hopped),
		},
		{
			Name: "bpf2bpf_5", Origin: "selftests: tailcall_bpf2bpf_5", source: src,
			Programs: hops, Count: []string{"entered"},
			Steps: steps(all("three", hops[1:]...), Set{"noise", 1}, hopped),
		},
	}, oddCases()...)
}

// oddCases call from a frame of one byte. Its counter lies at a whole word; the code of 5.10 read
// it from nine bytes under the frame, where the half that counts is what fills up the
// frame's word. The program never writes there.
func oddCases() []Case {
	src := bpf2bpfELF
	refused := Want{R0: 1, Breaks: NoMiss}
	byChance := refused
	byChance.Chance = true
	return []Case{
		{
			Name: "bpf2bpf_6", Origin: "selftests: tailcall_bpf2bpf_6", source: src,
			Programs: []string{"odd", "finish"}, Count: []string{"done"},
			// What lies there is not said: with a number up to 32 the tail call is taken.
			Steps: steps(Put{"two", 0, "finish"},
				runs(plain, Want{R0: 0, Tails: 1}).but(V510Unrounded, byChance)),
		},
		{
			Name: "bpf2bpf_6_ones", Origin: "ff672c67ee76: a program before wrote ones there", source: src,
			Programs: []string{"odd_over_ones", "odd", "finish"}, Count: []string{"done"},
			Steps: steps(
				all("two", "finish", "odd"),
				runs(plain, Want{R0: 0, Tails: 1}).but(V510Unrounded, refused),
			),
		},
		{
			Name: "bpf2bpf_6_zeroes", Origin: "ff672c67ee76: a function before wrote zeroes there",
			source:   src,
			Programs: []string{"odd_loop_over_zero", "odd_loop"}, Count: []string{"entered"},
			Steps: steps(
				Put{"one", 0, "odd_loop"},
				runs(plain, Want{R0: 1, Tails: 33}).but(V510Unrounded, neverEnds).but(Seed, neverEnds),
			),
		},
	}
}

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
