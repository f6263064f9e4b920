package identity

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// scalars are the registers that operations are tried on. R6 holds the context.
var scalars = []asm.Register{asm.R0, asm.R1, asm.R2, asm.R3, asm.R4, asm.R5, asm.R7, asm.R8, asm.R9}

// ctxWords are the words of the context, a struct __sk_buff, that a test run may set: mark,
// priority, and the five of cb.
var ctxWords = []int16{8, 32, 48, 52, 56, 60, 64}

// unknowns loads numbers that the verifier cannot know into the scalars.
func unknowns() asm.Instructions {
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	for i, r := range scalars {
		insns = append(insns, asm.LoadMem(r, asm.R6, ctxWords[i%len(ctxWords)], asm.Word))
	}
	return insns
}

// aluOps are all operations of arithmetic on two operands.
var aluOps = []asm.ALUOp{
	asm.Add, asm.Sub, asm.Mul, asm.Div, asm.SDiv, asm.Mod, asm.SMod, asm.Or, asm.And, asm.Xor,
	asm.LSh, asm.RSh, asm.ArSh, asm.Mov, asm.MovSX8, asm.MovSX16, asm.MovSX32,
}

// jumpOps are all conditions.
var jumpOps = []asm.JumpOp{
	asm.JEq, asm.JNE, asm.JSet, asm.JGT, asm.JGE, asm.JLT, asm.JLE, asm.JSGT, asm.JSGE, asm.JSLT,
	asm.JSLE,
}

// sizes are those of memory accesses.
var sizes = []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord}

// corners are constants at the limits of what fits into a byte, and of 32 bits.
var corners = []int32{1, -1, 127, 128, -128, -129, 1000, 1<<31 - 1, -1 << 31}

// opSamples has a program for every operation, with it on all pairs of registers or all
// constants of interest.
func opSamples() []Sample {
	var out []Sample
	add := func(name string, insns asm.Instructions) {
		out = append(out, sampleOf(name, ebpf.SchedCLS,
			append(append(unknowns(), insns...), asm.Mov.Imm(asm.R0, 0), asm.Return())))
	}
	for _, op := range aluOps {
		add(fmt.Sprintf("alu %v reg", op), onPairs(op.Reg))
		if op != asm.MovSX32 {
			add(fmt.Sprintf("alu %v reg 32", op), onPairs(op.Reg32))
		}
		if op == asm.MovSX8 || op == asm.MovSX16 || op == asm.MovSX32 {
			continue
		}
		add(fmt.Sprintf("alu %v imm", op), onConstants(op, op.Imm, 64))
		add(fmt.Sprintf("alu %v imm 32", op), onConstants(op, op.Imm32, 32))
	}
	for _, op := range jumpOps {
		add(fmt.Sprintf("jump %v reg", op), jumps(op.Reg, nil))
		add(fmt.Sprintf("jump %v reg 32", op), jumps(op.Reg32, nil))
		add(fmt.Sprintf("jump %v imm", op), jumps(nil, op.Imm))
		add(fmt.Sprintf("jump %v imm 32", op), jumps(nil, op.Imm32))
	}
	unary := unarySamples()
	for _, name := range sortedKeys(unary) {
		add(name, unary[name])
	}
	return out
}

func onPairs(op func(dst, src asm.Register) asm.Instruction) asm.Instructions {
	var insns asm.Instructions
	for _, d := range scalars {
		for _, s := range scalars {
			insns = append(insns, op(d, s))
		}
	}
	return insns
}

// onConstants applies an operation to every scalar and constant that the verifier accepts.
func onConstants(op asm.ALUOp, imm func(asm.Register, int32) asm.Instruction,
	bits int32) asm.Instructions {
	var insns asm.Instructions
	for _, d := range scalars {
		for _, v := range append(corners, 0) {
			switch op {
			case asm.LSh, asm.RSh, asm.ArSh:
				v &= bits - 1
			case asm.Div, asm.SDiv, asm.Mod, asm.SMod:
				if v == 0 {
					continue
				}
			}
			insns = append(insns, imm(d, v))
		}
	}
	return insns
}

// jumps has a few jumps over one instruction, by a register or else by a constant. Their operands
// are loaded anew, so that what one path knows does not multiply with what the next one does.
func jumps(
	reg func(d, s asm.Register, label string) asm.Instruction,
	imm func(d asm.Register, v int32, label string) asm.Instruction,
) asm.Instructions {
	var insns asm.Instructions
	for i, d := range scalars {
		s, label := scalars[(i+4)%len(scalars)], fmt.Sprintf("out%d", i)
		insns = append(insns, asm.LoadMem(d, asm.R6, 8, asm.Word), asm.LoadMem(s, asm.R6, 32, asm.Word))
		if reg != nil {
			insns = append(insns, reg(d, s, label))
		} else {
			insns = append(insns, imm(d, append(corners, 0)[i], label))
		}
		insns = append(insns, asm.Xor.Imm(d, 1), asm.Mov.Imm(d, 0).WithSymbol(label))
	}
	return insns
}

// unarySamples are the operations on one register.
func unarySamples() map[string]asm.Instructions {
	out := map[string]asm.Instructions{}
	for _, d := range scalars {
		neg := asm.Instruction{OpCode: asm.Neg.Op(asm.ImmSource), Dst: d}
		neg32 := asm.Instruction{OpCode: asm.Neg.Op32(asm.ImmSource), Dst: d}
		out["alu Neg"] = append(out["alu Neg"], neg, neg32)
		for _, size := range []asm.Size{asm.Half, asm.Word, asm.DWord} {
			out["alu Swap"] = append(out["alu Swap"],
				asm.HostTo(asm.BE, d, size), asm.HostTo(asm.LE, d, size), asm.BSwap(d, size))
		}
		for _, v := range append(corners, 0) {
			out["load constant"] = append(out["load constant"], asm.LoadImm(d, int64(v), asm.DWord),
				asm.LoadImm(d, int64(uint32(v)), asm.DWord), asm.LoadImm(d, int64(v)<<31|1, asm.DWord))
		}
	}
	return out
}

// jumpSamples are jumps near the limits of what two bytes reach, both ways, and long ones.
func jumpSamples() []Sample {
	var out []Sample
	load := asm.Instructions{asm.LoadMem(asm.R0, asm.R1, 8, asm.Word), asm.Mov.Imm(asm.R7, 3)}
	for n := 20; n <= 28; n++ {
		for shift := range 5 { // the filler's bytes, one by one
			body := slices.Concat(filler(n), asm.Instructions{asm.Add.Imm(asm.R0, 1)}[:min(shift, 1)])
			for range shift - 1 {
				body = append(body, asm.Add.Imm(asm.R0, 1))
			}
			forth := slices.Concat(load, asm.Instructions{asm.JEq.Imm(asm.R0, 0, "out")}, body,
				asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return()})
			back := slices.Concat(load, asm.Instructions{asm.Mov.Imm(asm.R2, 0).WithSymbol("top")},
				slices.Clone(body), asm.Instructions{asm.Sub.Imm(asm.R7, 1),
					asm.JNE.Imm(asm.R7, 0, "top")}, returning(0))
			out = append(out,
				sampleOf(fmt.Sprintf("jump over %d+%d", n, shift), ebpf.SchedCLS, forth),
				sampleOf(fmt.Sprintf("jump back over %d+%d", n, shift), ebpf.SchedCLS, back))
		}
	}
	long := slices.Concat(load, asm.Instructions{asm.JEq.Imm(asm.R0, 0, "a")}, filler(40),
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
		slices.Concat(load, exits, asm.Instructions{asm.Return()})))
}

// filler is n instructions of five bytes each.
func filler(n int) asm.Instructions {
	var insns asm.Instructions
	for range n {
		insns = append(insns, asm.Mov.Imm(asm.R2, 1))
	}
	return insns
}
