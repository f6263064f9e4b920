package affected

// keyFaults are those of keys that the verifier or the compiler took for others.
func keyFaults() []Fault {
	return []Fault{{
		Name: "key-64", Origin: "90caccdd8cc0", Versions: "4.2 to 4.14",
		Says: "the high half of a key of 64 bits is not cut off: such a tail call is refused",
		ask:  askWideKey,
	}, {
		Name: "key-tracking", Origin: "cc52d9140aa9", Versions: "5.5, before it was released",
		Says: "where a key depends on the branch that was taken, the jump of the other branch's key is " +
			"made",
		ask: askBranches,
	}}
}

// The results of the cases of keys: the programs under keys 0 and 2.
const (
	ofKey0 = 42
	ofKey2 = 24
)

func askWideKey(b *bench) finding {
	plain, _ := b.caseOf("jit: prog once")
	wide, _ := b.caseOf("jit: key of more than 32 bits")
	return judgeWideKey(plain, wide)
}

func judgeWideKey(plain, wide uint32) finding {
	switch {
	case plain != ofKey0:
		return unclear("a tail call of key 0 was not taken: the result is %d", plain)
	case wide == ofKey0:
		return free("key 0x100000000 acted as key 0")
	}
	return has("key 0x100000000 did not act as key 0: the result is %d", wide)
}

func askBranches(b *bench) finding {
	same, _ := b.caseOf("jit: key 2, key 2, first branch")
	first, _ := b.caseOf("jit: key 0, key 2, first branch")
	second, _ := b.caseOf("jit: key 0, key 2, second branch")
	return judgeBranches(same, first, second)
}

func judgeBranches(same, first, second uint32) finding {
	switch {
	case same != ofKey2:
		return unclear("with key 2 on both branches the result is %d, not %d", same, ofKey2)
	case first == ofKey2 && second == ofKey0:
		return free("both branches took the program of their own key")
	}
	return has("the branches of keys 2 and 0 gave %d and %d, not %d and %d",
		first, second, ofKey2, ofKey0)
}
