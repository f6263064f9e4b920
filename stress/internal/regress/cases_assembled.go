package regress

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// assembled is programs that are written as instructions. They are socket filters.
type assembled struct {
	arrays   map[string]uint32 // prog arrays, and how many keys each has
	programs map[string]asm.Instructions
}

func (a assembled) load() (*ebpf.CollectionSpec, error) {
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{},
		Programs: map[string]*ebpf.ProgramSpec{}}
	for name, keys := range a.arrays {
		spec.Maps[name] = &ebpf.MapSpec{Name: name, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4,
			MaxEntries: keys}
	}
	for name, insns := range a.programs {
		spec.Programs[name] = &ebpf.ProgramSpec{
			Name: name, Type: ebpf.SocketFilter, License: "Dual MIT/GPL", Instructions: slices.Clone(insns),
		}
	}
	return spec, nil
}

// returning is a program that does nothing else.
func returning(r0 int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, r0), asm.Return()}
}

// tailCall is a tail call of a constant key: r1 is the context.
func tailCall(m string, key int64) asm.Instructions {
	return asm.Instructions{
		asm.LoadImm(asm.R3, key, asm.DWord), asm.LoadMapPtr(asm.R2, 0).WithReference(m),
		asm.FnTailCall.Call(),
	}
}

// cb is the offset of the field cb of struct __sk_buff: 20 bytes that a program may write.
const cb = 48

// jitCases are the verifier's cases of direct and indirect keys. Every tail call stands in a main
// program and nothing is missed before it, so that all eras agree.
func jitCases() []Case {
	src := assembled{
		arrays: map[string]uint32{"map1": 4, "map2": 8},
		programs: map[string]asm.Instructions{
			"once":  returning(42),
			"other": returning(24),
			"loop":  orReturn(41, tailCall("map1", 1)),
		},
	}
	var out []Case
	for _, c := range []struct {
		name  string
		insns asm.Instructions
		want  uint32
	}{
		{"prog once", orReturn(1, tailCall("map1", 0)), 42},
		{"prog loop", orReturn(1, tailCall("map1", 1)), 41},
		{"no prog", orReturn(1, tailCall("map1", 3)), 1},
		{"key 2", orReturn(1, tailCall("map1", 2)), 24},
		{"key 2, key 2, first branch", branch(13, place{"map1", 2}, place{"map1", 2}), 24},
		{"key 2, key 2, second branch", branch(14, place{"map1", 2}, place{"map1", 2}), 24},
		{"key 0, key 2, first branch", branch(13, place{"map1", 2}, place{"map1", 0}), 24},
		{"key 0, key 2, second branch", branch(14, place{"map1", 2}, place{"map1", 0}), 42},
		{"different maps, first branch", branch(13, place{"map2", 0}, place{"map1", 0}), 1},
		{"different maps, second branch", branch(14, place{"map2", 0}, place{"map1", 0}), 42},
		{"out of bounds", orReturn(2, tailCall("map1", 256)), 2},
		{"negative key", orReturn(2, tailCall("map1", -1)), 2},
		{"key of more than 32 bits", orReturn(2, tailCall("map1", 1<<32)), 42},
	} {
		src.programs[c.name] = c.insns
		fill := all("map1", "once", "loop", "other")
		if names(c.insns, "map2") {
			fill = steps(fill, Put{"map2", 1, "loop"}, Put{"map2", 2, "other"}, Put{"map2", 7, "once"})
		}
		out = append(out, Case{
			Name: "jit: " + c.name, Origin: "selftests: verifier_runtime_jit", source: src.load,
			Programs: []string{c.name, "once", "loop", "other"},
			Steps:    steps(fill, gives(c.want)),
		})
	}
	return out
}

// orReturn falls through a tail call to a result.
func orReturn(r0 int32, insns asm.Instructions) asm.Instructions {
	return slices.Concat(insns, returning(r0))
}

// place is where a program may be.
type place struct {
	m   string
	key int32
}

// branch chooses between two places by a byte that it has written to the context itself.
func branch(value int32, first, second place) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R0, value),
		asm.StoreMem(asm.R1, cb, asm.R0, asm.Byte),
		asm.LoadMem(asm.R0, asm.R1, cb, asm.Byte),
		asm.JEq.Imm(asm.R0, 13, "first"),
		asm.Mov.Imm(asm.R3, second.key),
		asm.LoadMapPtr(asm.R2, 0).WithReference(second.m),
		asm.Ja.Label("call"),
		asm.Mov.Imm(asm.R3, first.key).WithSymbol("first"),
		asm.LoadMapPtr(asm.R2, 0).WithReference(first.m),
		asm.FnTailCall.Call().WithSymbol("call"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
	}
}

// names says whether instructions name a map.
func names(insns asm.Instructions, m string) bool {
	return slices.ContainsFunc(insns, func(ins asm.Instruction) bool { return ins.Reference() == m })
}

// Keys of the array of the suite's programs. The last one stays empty.
const (
	suiteLeaf = iota
	suiteTwo
	suiteThree
	suiteSelf
	suiteMemoryLeaf
	suiteEmpty
	suiteKeys
)

// suiteCases are those of the kernel's test of its compiler. There a program hands numbers on in
// r1; here r1 is a context that a verifier knows, and the number is its first word of cb.
// All are main programs, so that all eras agree.
func suiteCases() []Case {
	src := assembled{
		arrays: map[string]uint32{"suite": suiteKeys},
		programs: map[string]asm.Instructions{
			"leaf": slices.Concat(addToCB(1), asm.Instructions{asm.LoadMem(asm.R0, asm.R1, cb, asm.Word),
				asm.Return()}),
			"two":         orReturn(-1, slices.Concat(addToCB(2), tailCall("suite", suiteLeaf))),
			"three":       orReturn(-1, slices.Concat(addToCB(3), tailCall("suite", suiteTwo))),
			"four":        orReturn(-1, slices.Concat(addToCB(4), tailCall("suite", suiteThree))),
			"memory leaf": memoryLeaf(),
			"memory":      memory(),
			"limit":       counting(tailCall("suite", suiteSelf)),
			"helpers":     counting(slices.Concat(helpers(), tailCall("suite", suiteSelf))),
			"empty key":   counting(tailCall("suite", suiteEmpty)),
			"beyond":      counting(tailCall("suite", suiteKeys)),
		},
	}
	suite := func(want uint32, entry string, puts ...Step) Case {
		c := Case{Name: "suite: " + entry, Origin: "lib/test_bpf: tail calls", source: src.load,
			Programs: []string{entry}}
		for _, p := range puts {
			if name := p.(Put).Prog; name != entry {
				c.Programs = append(c.Programs, name)
			}
		}
		c.Steps = steps(puts, gives(want))
		return c
	}
	leaf, two, three := Put{"suite", suiteLeaf, "leaf"}, Put{"suite", suiteTwo, "two"},
		Put{"suite", suiteThree, "three"}
	return []Case{
		suite(1, "leaf"),
		suite(3, "two", leaf),
		suite(6, "three", leaf, two),
		suite(10, "four", leaf, two, three),
		suite(0, "memory leaf"),
		suite(0, "memory", Put{"suite", suiteMemoryLeaf, "memory leaf"}),
		suite(Limit+1, "limit", Put{"suite", suiteSelf, "limit"}),
		suite(Limit+1, "helpers", Put{"suite", suiteSelf, "helpers"}),
		suite(1, "empty key", leaf),
		suite(1, "beyond", leaf),
	}
}

// addToCB adds to the number that goes from program to program.
func addToCB(n int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, cb, asm.Word),
		asm.Add.Imm(asm.R2, n),
		asm.StoreMem(asm.R1, cb, asm.R2, asm.Word),
	}
}

// counting counts how often the program is entered, and returns that when no tail call is taken
// any more.
func counting(tail asm.Instructions) asm.Instructions {
	return slices.Concat(
		addToCB(1),
		asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)},
		tail,
		asm.Instructions{asm.LoadMem(asm.R0, asm.R6, cb, asm.Word), asm.Return()},
	)
}

// helpers calls some, and has the context in r1 again.
func helpers() asm.Instructions {
	var out asm.Instructions
	for _, fn := range []asm.BuiltinFunc{
		asm.FnKtimeGetNs, asm.FnGetPrandomU32, asm.FnGetSmpProcessorId,
	} {
		out = append(out, fn.Call())
	}
	return append(out, asm.Mov.Reg(asm.R1, asm.R6))
}

// memory has values in all registers that a call saves, and in its stack. They must outlast a
// tail call that is not taken; then it takes one.
func memory() asm.Instructions {
	return slices.Concat(
		asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.Mov.Imm(asm.R7, 7), asm.Mov.Imm(asm.R8, 8), asm.Mov.Imm(asm.R9, 9),
			asm.StoreMem(asm.RFP, -8, asm.R7, asm.DWord), asm.StoreMem(asm.RFP, -16, asm.R8, asm.DWord),
		},
		tailCall("suite", suiteEmpty),
		asm.Instructions{
			asm.JNE.Imm(asm.R7, 7, "bad"), asm.JNE.Imm(asm.R8, 8, "bad"), asm.JNE.Imm(asm.R9, 9, "bad"),
			asm.LoadMem(asm.R0, asm.RFP, -8, asm.DWord), asm.JNE.Imm(asm.R0, 7, "bad"),
			asm.LoadMem(asm.R0, asm.RFP, -16, asm.DWord), asm.JNE.Imm(asm.R0, 8, "bad"),
			asm.Mov.Reg(asm.R1, asm.R6),
		},
		tailCall("suite", suiteMemoryLeaf),
		asm.Instructions{asm.Mov.Imm(asm.R0, -1).WithSymbol("bad"), asm.Return()},
	)
}

// memoryLeaf writes and reads a stack of 32 bytes.
func memoryLeaf() asm.Instructions {
	var out asm.Instructions
	for off := int16(-32); off < 0; off += 8 {
		out = append(out, asm.Mov.Imm(asm.R2, int32(off)), asm.StoreMem(asm.RFP, off, asm.R2, asm.DWord))
	}
	for off := int16(-32); off < 0; off += 8 {
		out = append(out, asm.LoadMem(asm.R3, asm.RFP, off, asm.DWord),
			asm.JNE.Imm(asm.R3, int32(off), "bad"))
	}
	return append(out,
		asm.Mov.Imm(asm.R0, 0), asm.Return(),
		asm.Mov.Imm(asm.R0, 1).WithSymbol("bad"), asm.Return())
}
