package identity

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// jumpSamples are jumps near the limits of what two bytes reach, both ways, and long ones.
func jumpSamples() []Sample {
	var out []Sample
	load := asm.Instructions{asm.LoadMem(asm.R0, asm.R1, 8, asm.Word), asm.Mov.Imm(asm.R7, 3)}
	for n := 20; n <= 28; n++ {
		for shift := range 5 { // the filler's bytes, one by one
			body := join(filler(n), asm.Instructions{asm.Add.Imm(asm.R0, 1)}[:min(shift, 1)])
			for range shift - 1 {
				body = append(body, asm.Add.Imm(asm.R0, 1))
			}
			forth := join(load, asm.Instructions{asm.JEq.Imm(asm.R0, 0, "out")}, body,
				asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return()})
			back := join(load, asm.Instructions{asm.Mov.Imm(asm.R2, 0).WithSymbol("top")}, clone(body),
				asm.Instructions{asm.Sub.Imm(asm.R7, 1), asm.JNE.Imm(asm.R7, 0, "top")}, returning(0))
			out = append(out,
				sampleOf(fmt.Sprintf("jump over %d+%d", n, shift), ebpf.SchedCLS, forth),
				sampleOf(fmt.Sprintf("jump back over %d+%d", n, shift), ebpf.SchedCLS, back))
		}
	}
	long := join(load, asm.Instructions{asm.JEq.Imm(asm.R0, 0, "a")}, filler(40),
		asm.Instructions{asm.LongJump("out")},
		asm.Instructions{asm.Mov.Imm(asm.R2, 2).WithSymbol("a")}, filler(30), asm.Instructions{
			asm.JEq.Imm(asm.R0, 5, "out"), asm.Add.Imm(asm.R0, 1), asm.Mov.Imm(asm.R0, 9).WithSymbol("out"),
			asm.Return(),
		})
	out = append(out, sampleOf("long jump", ebpf.SchedCLS, long))
	var exits asm.Instructions
	for i := range 40 {
		exits = append(exits, asm.JEq.Imm(asm.R0, int32(i), fmt.Sprintf("x%d", i)), asm.Return(),
			asm.Add.Imm(asm.R0, 1).WithSymbol(fmt.Sprintf("x%d", i)))
	}
	return append(out, sampleOf("many exits", ebpf.SchedCLS,
		join(load, exits, asm.Instructions{asm.Return()})))
}

// filler is n instructions of five bytes each.
func filler(n int) asm.Instructions {
	var insns asm.Instructions
	for range n {
		insns = append(insns, asm.Mov.Imm(asm.R2, 1))
	}
	return insns
}
