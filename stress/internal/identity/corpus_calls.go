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
				body := join(frameOf(regs, stack), bareTailCall("progs", key), returning(7))
				out = append(out, sampleOf(name, ebpf.SchedCLS, body))
				if stack <= 12 {
					out = append(out, subprogramSamples(name, regs, stack, key)...)
				}
			}
		}
	}
	many := frameOf(1, 16)
	for key := range int32(40) {
		many = join(many, tailCallOf("other", key*10-10))
	}
	out = append(out, sampleOf("tail calls of 39 keys and an unknown one", ebpf.SchedCLS,
		join(many, returning(1))))
	return out
}

// subprogramSamples have the tail call in a function; one in the entry as well.
func subprogramSamples(name string, regs int, stack int16, key int32) []Sample {
	sub := join(frameOf(regs, stack), bareTailCall("progs", key), returning(3))
	sub[0] = sub[0].WithSymbol("sub")
	call := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Call.Label("sub"),
		asm.Mov.Reg(asm.R7, asm.R0)}
	store := asm.Instructions{asm.StoreMem(asm.R10, -20, asm.R7, asm.Word)}
	return []Sample{
		sampleOf(name+", in a function", ebpf.SchedCLS,
			describe(join(call, store, returning(1), sub))),
		sampleOf(name+", in a function and the entry", ebpf.SchedCLS,
			describe(join(call, tailCallOf("other", 7), returning(1), clone(sub)))),
		sampleOf(name+", two functions down", ebpf.SchedCLS, describe(join(
			call, returning(1),
			asm.Instructions{asm.StoreImm(asm.R10, -9, 1, asm.Byte).WithSymbol("mid"), asm.Call.Label("sub"),
				asm.Return()},
			clone(sub)))).through("mid"),
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

func clone(insns asm.Instructions) asm.Instructions { return slices.Clone(insns) }

func join(parts ...asm.Instructions) asm.Instructions {
	var all asm.Instructions
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
