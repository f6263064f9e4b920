package jit

import (
	"testing"

	"github.com/cilium/ebpf/asm"
)

// benchProgram mixes what compilers emit: arithmetic, memory, short jumps, and a tail call in
// every 64 instructions.
func benchProgram(b *testing.B, n int) *Program {
	var insns asm.Instructions
	insns = append(insns, asm.Mov.Reg(asm.R6, asm.R1))
	for len(insns) < n {
		insns = append(insns, asm.LoadMem(asm.R2, asm.R6, 0, asm.Word))
		for range 14 {
			insns = append(insns,
				asm.Add.Imm(asm.R2, 7),
				asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
				asm.Instruction{OpCode: asm.JGT.Op(asm.ImmSource), Dst: asm.R2, Constant: 100, Offset: 1},
				asm.Xor.Reg(asm.R2, asm.R6))
		}
		insns = append(insns, asm.Mov.Reg(asm.R1, asm.R6))
		insns = append(insns, tailCallTo("m", 1)...)
	}
	return mustParse(b, append(insns, ret(0)...))
}

func BenchmarkCompile(b *testing.B) {
	p := benchProgram(b, 4096)
	o := options(&V510)
	for b.Loop() {
		if _, err := Compile(p, o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(p.Insns)), "ns/insn")
}

func BenchmarkParse(b *testing.B) {
	p := benchProgram(b, 4096)
	for b.Loop() {
		if _, err := Parse("bench", p.Insns); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(p.Insns)), "ns/insn")
}
