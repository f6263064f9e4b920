package identity

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// atomicOps are all atomic operations that read, change and write.
var atomicOps = []asm.AtomicOp{
	asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic,
	asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg, asm.CmpXchg,
}

// atomic builds an atomic operation that survives being encoded: the assembler keeps the
// operation in the opcode, and writes to the instruction what the constant says.
func atomic(ins asm.Instruction) asm.Instruction {
	ins.Constant = int64(ins.OpCode.AtomicOp() >> 8)
	return ins
}

// memorySamples access the stack by every register, in all sizes, near and far.
func memorySamples() []Sample {
	var out []Sample
	add := func(what string, size asm.Size, access accessing) {
		insns := slices.Concat(unknowns(), clearStack(512),
			accesses([]int16{-8, -128, -136, -512}, access),
			asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
		out = append(out, sampleOf(fmt.Sprintf("%s %d", what, size.Sizeof()), ebpf.SchedCLS, insns))
	}
	for _, size := range sizes {
		add("load", size, func(b, r asm.Register, off int16) asm.Instruction {
			return asm.LoadMem(r, b, off, size)
		})
		add("store", size, func(b, r asm.Register, off int16) asm.Instruction {
			return asm.StoreMem(b, off, r, size)
		})
		add("store constant", size, func(b, r asm.Register, off int16) asm.Instruction {
			return asm.Instruction{OpCode: asm.StoreImmOp(size), Dst: b, Offset: off,
				Constant: int64(corners[r%8])}
		})
		add("load acquire", size, func(b, r asm.Register, off int16) asm.Instruction {
			return atomic(asm.LoadAcquire(r, b, size, off))
		})
		add("store release", size, func(b, r asm.Register, off int16) asm.Instruction {
			return atomic(asm.StoreRelease(b, r, size, off))
		})
		if size != asm.DWord {
			add("load signed", size, func(b, r asm.Register, off int16) asm.Instruction {
				return asm.LoadMemSX(r, b, off, size)
			})
		}
	}
	for _, op := range atomicOps {
		for _, size := range []asm.Size{asm.Word, asm.DWord} {
			add(fmt.Sprintf("atomic %v", op), size, func(b, r asm.Register, off int16) asm.Instruction {
				return atomic(op.Mem(b, r, size, off))
			})
		}
	}
	return out
}

// clearStack writes a stack, so that it may be read.
func clearStack(depth int16) asm.Instructions {
	var insns asm.Instructions
	for off := int16(8); off <= depth; off += 8 {
		insns = append(insns, asm.StoreMem(asm.R10, -off, asm.R7, asm.DWord))
	}
	return insns
}

// accessing makes one access to base+off, with a register.
type accessing = func(base, r asm.Register, off int16) asm.Instruction

// accesses makes one access with every base and register. Each base in turn becomes a copy of
// the frame pointer, and a number again.
func accesses(offs []int16, access accessing) asm.Instructions {
	var insns asm.Instructions
	for _, off := range offs {
		insns = append(insns, access(asm.R10, asm.R0, off), access(asm.R10, asm.R5, off))
	}
	for _, base := range scalars {
		insns = append(insns, asm.Mov.Reg(base, asm.R10))
		for i, r := range scalars {
			if r == base || base == asm.R0 && access(base, r, 0).OpCode.AtomicOp() == asm.CmpXchg {
				continue // the verifier rejects a compare and exchange through R0
			}
			insns = append(insns, asm.Mov.Imm(asm.R0, 1), asm.Mov.Imm(r, 1))
			if base == asm.R0 {
				insns[len(insns)-2] = asm.Mov.Reg(base, asm.R10)
			}
			insns = append(insns, access(base, r, offs[i%len(offs)]))
		}
		insns = append(insns, asm.Mov.Imm(base, 1))
	}
	return insns
}
