package regress

// mainCases are those whose tail calls all stand in main programs. There a count goes from each
// program to the next in every era, so that they differ in misses alone.
func mainCases() []Case {
	src := tailcallELF
	leaves := []string{"leaf0", "leaf1", "leaf2"}
	return []Case{
		{
			Name: "tailcall_1", Origin: "selftests: tailcall_1", source: src,
			Programs: append([]string{"four_sites_each"}, leaves...), Steps: tailcall1(),
		},
		{
			Name: "tailcall_2", Origin: "selftests: tailcall_2", source: src,
			Programs: []string{"chain_or_pair", "chain0", "chain1", "chain2", "ping", "pong"},
			Count:    []string{"entered"},
			Steps: steps(
				all("five", "chain0", "chain1", "chain2", "ping", "pong"),
				runs(plain, Want{R0: 2, Tails: 3}),
				Delete{Map: "five", Key: 2},
				runs(plain, Want{R0: 1, Tails: 2}),
				Delete{Map: "five", Key: 0},
				// The entry misses keys 0 and 2: 31 of 33 are left. The last is odd: ping.
				runs(plain, Want{R0: 3, Tails: 33}).until612(Want{R0: 3, Tails: 31}),
			),
		},
		{
			Name: "tailcall_3", Origin: "selftests: tailcall_3", source: src,
			Programs: []string{"into_one", "again"}, Count: []string{"entered"}, Steps: againSteps("again"),
		},
		{
			Name: "tailcall_4", Origin: "selftests: tailcall_4", source: src,
			Programs: append([]string{"selected"}, leaves...), Steps: selectorSteps(0, 1, 2),
		},
		{
			Name: "tailcall_5", Origin: "selftests: tailcall_5", source: src,
			Programs: append([]string{"branches"}, leaves...), Steps: selectorSteps(1111, 1234, 5678),
		},
		{
			Name: "tailcall_6", Origin: "selftests: tailcall_6", source: src,
			Programs: []string{"into_one_indirect", "again_indirect"}, Count: []string{"entered"},
			Steps: againSteps("again_indirect"),
		},
		{
			Name: "misses", Origin: "116e04ba1459: does a tail call of an empty key count?", source: src,
			Programs: []string{"misses32", "misses33", "misses33_indirect", "leaf1"},
			Steps: steps(
				Put{"three", 1, "leaf1"},
				gives(1), // 32 misses leave one of 33
				Run{Prog: "misses33", Input: Input{Packet: plain}, Want: Want{R0: 1}}.until612(Want{R0: 3}),
				Run{Prog: "misses33_indirect", Input: Input{Packet: plain},
					Want: Want{R0: 1}}.until612(Want{R0: 3}),
			),
		},
	}
}

// tailcall1 fills and empties the keys in every way that a slot knows: nop to jump, jump to nop,
// jump to jump, and nothing at all.
func tailcall1() []Step {
	emptying := func(results ...uint32) []Step {
		var out []Step
		for key, r0 := range results {
			out = append(out, gives(r0), Delete{Map: "three", Key: uint32(key)})
		}
		return append(out, gives(3))
	}
	absent := []Step{
		Delete{"three", 0, true}, Delete{"three", 1, true}, Delete{"three", 2, true}, gives(3),
	}
	return steps(
		all("three", "leaf0", "leaf1", "leaf2"), emptying(0, 1, 2),
		all("three", "leaf0", "leaf1", "leaf2"), gives(0),
		all("three", "leaf2", "leaf1", "leaf0"), emptying(2, 1, 0),
		absent,
	)
}

// againSteps run a program that tail calls itself, and then without it.
func againSteps(prog string) []Step {
	return steps(
		Put{"one", 0, prog}, runs(plain, Want{R0: 1, Tails: 33}),
		Delete{Map: "one", Key: 0}, runs(plain, Want{R0: 0}),
	)
}

// selectorSteps select each leaf with its key filled, and again with its key empty.
func selectorSteps(selectors ...uint64) []Step {
	out := all("three", "leaf0", "leaf1", "leaf2")
	for i, s := range selectors {
		out = append(out, Set{"selector", s}, gives(uint32(i)))
	}
	for i, s := range selectors {
		out = append(out, Delete{Map: "three", Key: uint32(i)}, Set{"selector", s}, gives(3))
	}
	return out
}

// pokeCase loads a caller while the key that it calls changes: which of the two programs a site
// of a new image begins with must be right, and never none.
func pokeCase() Case {
	return Case{
		Name: "poke", Origin: "selftests: tailcall_poke", source: tailcallELF,
		Programs: []string{"into_one", "leaf1", "leaf2"},
		Steps: steps(
			Put{"one", 0, "leaf1"},
			Poke{Map: "one", Key: 0, Between: []string{"leaf2", "leaf1"}, Load: "into_one", Times: 10,
				Want: []uint32{1, 2}},
		),
	}
}
