package identity

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// tailCallOf is the code of a tail call, with the context in R6. A key below zero stands for
// one that is read from the context.
func tailCallOf(m string, key int32) asm.Instructions {
	insns := asm.Instructions{asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, 0).WithReference(m)}
	if key < 0 {
		insns = append(insns, asm.LoadMem(asm.R3, asm.R6, 8, asm.Word))
	} else {
		insns = append(insns, asm.Mov.Imm(asm.R3, key))
	}
	return append(insns, asm.FnTailCall.Call())
}

// frameOf uses n of the registers R6 to R9 and a stack. With n = 0 the context stays in R1.
func frameOf(n int, stack int16) asm.Instructions {
	var insns asm.Instructions
	for r := range asm.Register(n) {
		insns = append(insns, asm.Mov.Reg(asm.R6+r, asm.R1))
	}
	if stack > 0 {
		insns = append(insns, asm.Instruction{OpCode: asm.StoreImmOp(asm.Byte), Dst: asm.R10,
			Offset: -stack})
	}
	return insns
}

// bareTailCall is a tail call with the context in R1.
func bareTailCall(m string, key int32) asm.Instructions {
	insns := tailCallOf(m, key)[1:]
	if key < 0 {
		insns[1] = asm.LoadMem(asm.R3, asm.R1, 8, asm.Word)
	}
	return insns
}

func returning(v int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, v), asm.Return()}
}

// tailCallSamples are tail calls from every shape of frame: callee-saved registers, stack,
// direct and indirect, from the entry and from a function, and several in one program.
func tailCallSamples() []Sample {
	var out []Sample
	keys := map[string]int32{"direct": 1, "indirect": -1, "out of range": 4}
	for regs := range 5 {
		for _, stack := range []int16{0, 8, 12, 504, 512} {
			for _, kind := range sortedKeys(keys) {
				key := keys[kind]
				name := fmt.Sprintf("tail call %s, %d registers, stack %d", kind, regs, stack)
				body := slices.Concat(frameOf(regs, stack), bareTailCall("progs", key), returning(7))
				out = append(out, sampleOf(name, ebpf.SchedCLS, body))
				if stack <= 12 {
					out = append(out, subprogramSamples(name, regs, stack, key)...)
				}
			}
		}
	}
	many := frameOf(1, 16)
	for key := range int32(40) {
		many = slices.Concat(many, tailCallOf("other", key*10-10))
	}
	out = append(out, sampleOf("tail calls of 39 keys and an unknown one", ebpf.SchedCLS,
		slices.Concat(many, returning(1))))
	return out
}

// subprogramSamples have the tail call in a function; one in the entry as well.
func subprogramSamples(name string, regs int, stack int16, key int32) []Sample {
	sub := slices.Concat(frameOf(regs, stack), bareTailCall("progs", key), returning(3))
	sub[0] = sub[0].WithSymbol("sub")
	call := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Call.Label("sub"),
		asm.Mov.Reg(asm.R7, asm.R0)}
	store := asm.Instructions{asm.StoreMem(asm.R10, -20, asm.R7, asm.Word)}
	return []Sample{
		sampleOf(name+", in a function", ebpf.SchedCLS,
			describe(slices.Concat(call, store, returning(1), sub))),
		sampleOf(name+", in a function and the entry", ebpf.SchedCLS,
			describe(slices.Concat(call, tailCallOf("other", 7), returning(1), slices.Clone(sub)))),
		sampleOf(name+", two functions down", ebpf.SchedCLS, describe(slices.Concat(
			call, returning(1),
			asm.Instructions{asm.StoreImm(asm.R10, -9, 1, asm.Byte).WithSymbol("mid"), asm.Call.Label("sub"),
				asm.Return()},
			slices.Clone(sub)))).through("mid"),
	}
}

// through makes the first call of a sample go to another function.
func (s Sample) through(mid string) Sample {
	insns := s.Spec.Programs[s.Program].Instructions
	for i := range insns {
		if insns[i].IsFunctionCall() {
			insns[i] = insns[i].WithReference(mid)
			break
		}
	}
	describe(insns)
	return s
}

// helperSamples call functions of the kernel, among them what the verifier puts its own code
// in the place of, and load every kind of address.
func helperSamples() []Sample {
	return []Sample{
		sampleOf("lookup in an array", ebpf.SchedCLS, lookupIn("array")),
		sampleOf("lookup in an array of each CPU", ebpf.SchedCLS, lookupIn("percpu")),
		sampleOf("lookup in a hash", ebpf.SchedCLS, lookupIn("hash")),
		sampleOf("update and delete", ebpf.SchedCLS, updateAndDelete()),
		sampleOf("loop by a helper", ebpf.SchedCLS, loopByHelper()),
		sampleOf("callback for each element", ebpf.SchedCLS, callbackForEach()),
		sampleOf("values of a map", ebpf.SchedCLS, valuesOfMap()),
		sampleOf("time, chance and processor", ebpf.SchedCLS, asm.Instructions{
			asm.FnKtimeGetNs.Call(), asm.Mov.Reg(asm.R6, asm.R0), asm.FnGetPrandomU32.Call(),
			asm.Xor.Reg(asm.R6, asm.R0),
			asm.FnGetSmpProcessorId.Call(), asm.Xor.Reg(asm.R0, asm.R6), asm.Return(),
		}),
		sampleOf("functions", ebpf.SchedCLS, asm.Instructions{
			asm.Mov.Imm(asm.R2, 3), asm.Call.Label("twice"), asm.Return(),
			asm.Mov.Imm(asm.R1, 3).WithSymbol("twice"), asm.Call.Label("once"), asm.Mov.Reg(asm.R9, asm.R0),
			asm.Mov.Imm(asm.R1, 4), asm.Call.Label("once"), asm.Add.Reg(asm.R0, asm.R9), asm.Return(),
			asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("once"), asm.Return(),
		}),
	}
}

// keyOnStack writes a key of eight bytes, or one of four, and points R2 to it.
func keyOnStack() asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.R10, -8, 1, asm.Word), asm.StoreImm(asm.R10, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -8),
	}
}

// lookupIn finds a value and adds one to it.
func lookupIn(m string) asm.Instructions {
	return slices.Concat(keyOnStack(), asm.Instructions{
		asm.LoadMapPtr(asm.R1, 0).WithReference(m), asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"), asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1), asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
	})
}

func updateAndDelete() asm.Instructions {
	hash := asm.LoadMapPtr(asm.R1, 0).WithReference("hash")
	return slices.Concat(keyOnStack(), asm.Instructions{
		asm.StoreImm(asm.R10, -16, 1, asm.Word), asm.StoreImm(asm.R10, -12, 1, asm.Word),
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, -16), asm.Mov.Imm(asm.R4, 0),
		hash, asm.FnMapUpdateElem.Call(),
	}, keyOnStack(), asm.Instructions{hash, asm.FnMapDeleteElem.Call()}, returning(0))
}

func loadFunc(dst asm.Register, name string) asm.Instruction {
	return asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: dst, Src: asm.PseudoFunc,
		Constant: -1}.WithReference(name)
}

// loopByHelper has its loop from the verifier, in the place of a call.
func loopByHelper() asm.Instructions {
	return describe(asm.Instructions{
		asm.Mov.Imm(asm.R1, 5), loadFunc(asm.R2, "each"), asm.Mov.Imm(asm.R3, 0), asm.Mov.Imm(asm.R4, 0),
		asm.FnLoop.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
		asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("each"), asm.And.Imm(asm.R0, 1), asm.Return(),
	})
}

func callbackForEach() asm.Instructions {
	return describe(asm.Instructions{
		asm.LoadMapPtr(asm.R1, 0).WithReference("array"), loadFunc(asm.R2, "each"),
		asm.Mov.Imm(asm.R3, 0), asm.Mov.Imm(asm.R4, 0), asm.FnForEachMapElem.Call(),
		asm.Mov.Imm(asm.R0, 0), asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("each"), asm.Return(),
	})
}

func valuesOfMap() asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithReference("value"),
		asm.LoadMapValue(asm.R7, 0, 24).WithReference("value"),
		asm.LoadMem(asm.R0, asm.R1, 8, asm.Word), asm.StoreMem(asm.R7, 0, asm.R0, asm.DWord),
		atomic(asm.FetchAdd.Mem(asm.R7, asm.R0, asm.DWord, 8)), asm.Mov.Imm(asm.R0, 0), asm.Return(),
	}
}
