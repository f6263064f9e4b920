package identity

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

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
	return join(keyOnStack(), asm.Instructions{
		asm.LoadMapPtr(asm.R1, 0).WithReference(m), asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"), asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1), asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
	})
}

func updateAndDelete() asm.Instructions {
	hash := asm.LoadMapPtr(asm.R1, 0).WithReference("hash")
	return join(keyOnStack(), asm.Instructions{
		asm.StoreImm(asm.R10, -16, 1, asm.Word), asm.StoreImm(asm.R10, -12, 1, asm.Word),
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, -16), asm.Mov.Imm(asm.R4, 0),
		hash, asm.FnMapUpdateElem.Call(),
	}, keyOnStack(), asm.Instructions{hash, asm.FnMapDeleteElem.Call()}, returning(0))
}

// loadFunc loads the address of a function.
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
