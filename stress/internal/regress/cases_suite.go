package regress

import "github.com/cilium/ebpf/asm"

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
			"leaf": join(addToCB(1), asm.Instructions{asm.LoadMem(asm.R0, asm.R1, cb, asm.Word),
				asm.Return()}),
			"two":         orReturn(-1, join(addToCB(2), tailCall("suite", suiteLeaf))),
			"three":       orReturn(-1, join(addToCB(3), tailCall("suite", suiteTwo))),
			"four":        orReturn(-1, join(addToCB(4), tailCall("suite", suiteThree))),
			"memory leaf": memoryLeaf(),
			"memory":      memory(),
			"limit":       counting(tailCall("suite", suiteSelf)),
			"helpers":     counting(join(helpers(), tailCall("suite", suiteSelf))),
			"empty key":   counting(tailCall("suite", suiteEmpty)),
			"beyond":      counting(tailCall("suite", suiteKeys)),
		},
	}
	suite := func(want uint32, entry string, puts ...Step) Case {
		c := Case{Name: "suite: " + entry, Origin: "lib/test_bpf: tail calls", source: src,
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
	return join(
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
	return join(
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
