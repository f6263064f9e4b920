package jit

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// filler is n instructions of five bytes each.
func filler(n int) asm.Instructions {
	var insns asm.Instructions
	for range n {
		insns = append(insns, asm.Mov.Imm(asm.R1, 1)) // bf 01 00 00 00
	}
	return insns
}

func code(img *Image, first, last int) string {
	return hex.EncodeToString(img.Code[img.Insns[first]:img.Insns[last+1]])
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		ins  asm.Instruction
		want string
	}{
		{asm.JEq.Reg(asm.R1, asm.R2, "out"), "4839f7" + "7405"},
		{asm.JNE.Reg32(asm.R1, asm.R2, "out"), "39f7" + "7505"},
		{asm.JGT.Imm(asm.R1, 7, "out"), "4883ff07" + "7705"},
		{asm.JGE.Imm32(asm.R1, 7, "out"), "83ff07" + "7305"},
		{asm.JLT.Imm(asm.R0, 1000, "out"), "4881f8e8030000" + "7205"},
		{asm.JLE.Imm(asm.R1, -1, "out"), "4883ffff" + "7605"},
		{asm.JSGT.Imm(asm.R1, 0, "out"), "4885ff" + "7f05"},
		{asm.JSGE.Imm32(asm.R1, 0, "out"), "85ff" + "7d05"},
		{asm.JSLT.Reg(asm.R7, asm.R8, "out"), "4d39f5" + "7c05"},
		{asm.JSLE.Reg(asm.R1, asm.R2, "out"), "4839f7" + "7e05"},
		{asm.JSet.Reg(asm.R1, asm.R2, "out"), "4885f7" + "7505"},
		{asm.JSet.Imm(asm.R1, 1, "out"), "48f7c701000000" + "7505"},
		{asm.JSet.Imm32(asm.R0, 1, "out"), "f7c001000000" + "7505"},
		{asm.Ja.Label("out"), "eb05"},
		{asm.LongJump("out"), "eb05"},
	} {
		p := mustParse(t, concat(asm.Instructions{tt.ins}, filler(1), asm.Instructions{asm.Return().WithSymbol("out")}))
		if got := code(mustCompile(t, p, options(&V510)), 0, 0); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.ins, got, tt.want)
		}
	}
}

func TestJumpSizes(t *testing.T) {
	late := V510
	late.ShortJumpMax = 123
	for _, tt := range []struct {
		name  string
		l     *Layout
		insns asm.Instructions
		at    int
		want  string
	}{
		{"to the next instruction", &V510, concat(asm.Instructions{asm.Ja.Label("out")},
			asm.Instructions{asm.Return().WithSymbol("out")}), 0, ""},
		{"to itself", &V510, asm.Instructions{{OpCode: opJa, Offset: -1}}, 0, "ebfe"},
		{"125 bytes ahead", &V510, concat(asm.Instructions{asm.JEq.Imm(asm.R1, 0, "out")}, filler(25),
			asm.Instructions{asm.Return().WithSymbol("out")}), 0, "4885ff" + "747d"},
		{"125 bytes ahead in a later kernel", &late, concat(asm.Instructions{asm.JEq.Imm(asm.R1, 0, "out")}, filler(25),
			asm.Instructions{asm.Return().WithSymbol("out")}), 0, "4885ff" + "0f847d000000"},
		{"130 bytes ahead", &V510, concat(asm.Instructions{asm.JEq.Imm(asm.R1, 0, "out")}, filler(26),
			asm.Instructions{asm.Return().WithSymbol("out")}), 0, "4885ff" + "0f8482000000"},
		{"130 bytes ahead, always", &V510, concat(asm.Instructions{asm.Ja.Label("out")}, filler(26),
			asm.Instructions{asm.Return().WithSymbol("out")}), 0, "e982000000"},
		{"122 bytes back", &V510, concat(asm.Instructions{asm.Mov.Imm(asm.R1, 1).WithSymbol("top")}, filler(23),
			asm.Instructions{asm.Ja.Label("top")}), 24, "eb86"},
		// 127 bytes would do with two bytes; but a jump back counts its own length of the pass before, as
		// in the kernel, and so never gets there.
		{"130 bytes back", &V510, concat(asm.Instructions{asm.Mov.Imm(asm.R1, 1).WithSymbol("top")}, filler(24),
			asm.Instructions{asm.Ja.Label("top")}), 25, "e97effffff"},
		{"second exit", &V510, asm.Instructions{asm.JEq.Imm(asm.R1, 0, "b"), asm.Return(),
			asm.Return().WithSymbol("b")}, 2, "ebfc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := mustCompile(t, mustParse(t, tt.insns), options(tt.l))
			if got := code(img, tt.at, tt.at); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestCascade has jumps of which each becomes short only after the next one has: every pass
// shortens one.
func TestCascade(t *testing.T) {
	cascade := func(n int) asm.Instructions {
		var insns asm.Instructions
		for range n { // 100 bytes, the next jump, 25 bytes: 127 if that jump is short
			insns = append(insns, asm.Instruction{OpCode: opJa, Offset: 20 + 1 + 5})
			insns = append(insns, filler(20)...)
		}
		insns = append(insns, asm.Mov.Reg32(asm.R0, asm.R0)) // 89 c0, in the place of a short jump
		return append(append(insns, filler(5)...), asm.Return())
	}
	for _, tt := range []struct{ n, short int }{{10, 10}, {40, stickyPass - 1}} {
		img := mustCompile(t, mustParse(t, cascade(tt.n)), options(&V510))
		short := 0
		for i := range tt.n {
			if strings.HasPrefix(code(img, 21*i, 21*i), "eb") {
				short++
			}
		}
		if short != tt.short {
			t.Errorf("%d of %d jumps are short, want %d", short, tt.n, tt.short)
		}
	}
}

// TestJumpsLand follows every jump of a program full of them to the instruction it names.
func TestJumpsLand(t *testing.T) {
	var insns asm.Instructions
	const n = 300
	for i := range n {
		target := (i*7919 + 13) % n
		insns = append(insns, asm.Instruction{
			OpCode: asm.JGT.Op(asm.RegSource), Dst: asm.R1, Src: asm.R2, Offset: int16(2*target - 2*i - 1)},
			asm.Mov.Imm(asm.R1, 1))
	}
	p := mustParse(t, append(insns, asm.Return()))
	img := mustCompile(t, p, options(&V510))
	for i := range n {
		end := img.Insns[2*i+1]
		body := img.Code[img.Insns[2*i]+3 : end] // after the comparison
		rel := int32(int8(body[1]))
		if body[0] == 0x0f {
			rel = int32(body[2]) | int32(body[3])<<8 | int32(body[4])<<16 | int32(body[5])<<24
		}
		target, _ := p.Target(2 * i)
		if got, want := Off(int32(end)+rel), img.Insns[target]; got != want {
			t.Errorf("insn %d jumps to %#x, want %#x", 2*i, got, want)
		}
	}
}

// TestPassSaysWhatMoved: another pass is needed wherever one instruction ends elsewhere than before, even
// if the function is as long as before.
func TestPassSaysWhatMoved(t *testing.T) {
	o := options(&V612)
	e := newEmitter(mustParse(t, concat(ret(1), ret(2))), 0, &o)
	if err := e.converge(); err != nil {
		t.Fatal(err)
	}
	if e.pass() {
		t.Error("something moved after the last pass")
	}
	for i := range e.ends {
		e.ends[i]--
		if !e.pass() {
			t.Errorf("instruction %d moved, unnoticed", i)
		}
	}
}
