package affected

import (
	"slices"

	"github.com/cilium/ebpf/asm"
)

// limit is how many tail calls an execution may take.
const limit = 33

// countFaults are those of the count of tail calls.
func countFaults() []Fault {
	return []Fault{{
		Name: "hierarchy", Origin: "116e04ba1459", Versions: "5.10 to 6.11",
		Says: "every function that a program calls has the limit for itself: with calls in calls an " +
			"execution does not end",
		ask: askHierarchy,
	}, {
		Name: "unrounded-depth", Origin: "ff672c67ee76", Versions: "5.10 to 5.18",
		Says: "the count is read from the wrong place where a function's stack is no multiple of 8 " +
			"bytes: tail calls are refused, or do not end",
		ask: askUnrounded,
	}, {
		Name: "miss-counts", Origin: "116e04ba1459", Versions: "4.2 to 6.11",
		Says: "a tail call of an empty key uses up the limit",
		ask:  askMisses,
	}}
}

// askHierarchy takes the one case that ends on every kernel: two functions are called once each.
func askHierarchy(b *bench) finding {
	_, plain := b.caseOf("tailcall_3")
	_, tails := b.caseOf("hierarchy_2")
	return judgeCount(plain, tails, "two functions together")
}

// judgeCount holds the tail calls of one execution against the limit, and against those of a chain
// that needs nothing but tail calls.
func judgeCount(plain, tails int, of string) finding {
	switch {
	case plain != limit:
		return unclear("a chain without functions took %d tail calls, not %d", plain, limit)
	case tails == limit:
		return free("%s took %d tail calls, which is the limit", of, tails)
	}
	return has("%s took %d tail calls, and the limit is %d", of, tails, limit)
}

// askUnrounded calls a function with a stack of one byte where ones lie. A count that is read from
// there is beyond the limit. The control has a stack of whole words.
func askUnrounded(b *bench) finding {
	whole, _ := b.caseOf("bpf2bpf_1")
	_, taken := b.caseOf("bpf2bpf_6_ones")
	return judgeUnrounded(whole, taken)
}

func judgeUnrounded(whole uint32, taken int) finding {
	switch {
	case whole != 1:
		return unclear("a tail call from a function with a stack of whole words was not taken: the "+
			"result is %d", whole)
	case taken == 1:
		return free("a tail call from a function with a stack of 1 byte was taken")
	}
	return has("of the tail calls from a function with a stack of 1 byte %d were taken, and 1 is right", taken)
}

// misses are more than the limit.
const misses = limit + 7

// askMisses tries empty keys and then one that holds a program.
func askMisses(b *bench) finding { return judgeMisses(b.afterMisses(1), b.afterMisses(misses)) }

// hit is what a program returns that is tail called.
const hit = 42

// afterMisses is what a program returns that tail calls an empty key so many times, and then
// another one.
func (b *bench) afterMisses(n int) uint32 {
	array := b.array(2)
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	for range n {
		insns = slices.Concat(insns, tailCall(array, 0), asm.Instructions{asm.Mov.Reg(asm.R1, asm.R6)})
	}
	caller := b.load(packets("misses", insns, tailCall(array, 1), returning(0)))
	b.must(array.Put(uint32(1), b.load(packets("target", returning(hit)))))
	return b.run(caller)
}

func judgeMisses(one, many uint32) finding {
	switch {
	case one != hit:
		return unclear("a tail call after one empty key was not taken: the result is %d", one)
	case many == hit:
		return free("a tail call after %d empty keys was taken", misses)
	}
	return has("a tail call after %d empty keys was refused: the first that found a program", misses)
}
