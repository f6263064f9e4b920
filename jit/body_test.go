package jit

import (
	"encoding/hex"
	"testing"

	"github.com/cilium/ebpf/asm"
)

func neg(op asm.OpCode, r asm.Register) asm.Instruction { return asm.Instruction{OpCode: op, Dst: r} }

func storeImm64(off int16, v int64) asm.Instruction {
	return asm.Instruction{OpCode: asm.StoreImmOp(asm.DWord), Dst: asm.R10, Offset: off, Constant: v}
}

// bodies are what Linux 6.18 emits for single instructions. Beyond it go the divisions by a
// constant zero, which its verifier rejects; and shifts are those of a CPU without BMI2.
var bodies = []struct {
	ins  asm.Instruction
	want string
}{
	{asm.Mov.Reg(asm.R0, asm.R1), "4889f8"},
	{asm.Mov.Reg(asm.R6, asm.R6), ""},
	{asm.Mov.Reg32(asm.R6, asm.R6), "89db"},
	{asm.Mov.Imm(asm.R0, 0), "31c0"},
	{asm.Mov.Imm(asm.R7, -1), "49c7c5ffffffff"},
	{asm.Mov.Imm32(asm.R7, -1), "41bdffffffff"},
	{asm.LoadImm(asm.R1, 1<<32, asm.DWord), "48bf0000000001000000"},
	{asm.LoadImm(asm.R1, 0, asm.DWord), "31ff"},
	{asm.Add.Reg(asm.R0, asm.R9), "4c01f8"},
	{asm.Add.Imm(asm.R0, 1000), "4805e8030000"},
	{asm.Sub.Imm(asm.R5, 1), "4983e801"},
	{asm.And.Imm32(asm.R0, 0xff), "25ff000000"},
	{asm.Or.Reg32(asm.R2, asm.R3), "09d6"},
	{asm.Xor.Imm(asm.R8, -1), "4983f6ff"},
	{asm.Mul.Reg(asm.R0, asm.R7), "490fafc5"},
	{asm.Mul.Imm32(asm.R6, 1000), "69dbe8030000"},
	{asm.LSh.Imm(asm.R1, 32), "48c1e720"},
	{asm.RSh.Imm32(asm.R1, 1), "d1ef"},
	{asm.ArSh.Imm(asm.R9, 63), "49c1ff3f"},
	{asm.LSh.Reg(asm.R0, asm.R4), "48d3e0"},
	{asm.LSh.Reg(asm.R0, asm.R1), "514889f948d3e059"},
	{asm.RSh.Reg32(asm.R4, asm.R1), "4989cb4889f941d3eb4c89d9"},
	{asm.ArSh.Reg(asm.R4, asm.R4), "48d3f9"},
	{neg(asm.Neg.Op(asm.ImmSource), asm.R0), "48f7d8"},
	{neg(asm.Neg.Op32(asm.ImmSource), asm.R7), "41f7dd"},
	{asm.HostTo(asm.BE, asm.R0, asm.Half), "66c1c8080fb7c0"},
	{asm.HostTo(asm.BE, asm.R7, asm.Word), "410fcd"},
	{asm.HostTo(asm.BE, asm.R0, asm.DWord), "480fc8"},
	{asm.HostTo(asm.LE, asm.R7, asm.Half), "450fb7ed"},
	{asm.HostTo(asm.LE, asm.R0, asm.Word), "89c0"},
	{asm.HostTo(asm.LE, asm.R0, asm.DWord), ""},
	{asm.BSwap(asm.R2, asm.DWord), "480fce"},
	{asm.Div.Imm(asm.R0, 10), "5249c7c30a00000031d249f7f35a"},
	{asm.Div.Imm32(asm.R3, 10), "5049c7c30a00000089d031d241f7f389c258"},
	{asm.Mod.Imm(asm.R6, 10), "505249c7c30a0000004889d831d249f7f34889d35a58"},
	{asm.Div.Imm(asm.R6, 0), "31db"},
	{asm.Mod.Imm(asm.R6, 0), ""},
	{asm.Mod.Imm32(asm.R6, 0), "89db"},
	{asm.Div.Reg(asm.R6, asm.R1), "4885ff750431dbeb0f50524889d831d248f7f74889c35a58"},
	{asm.Div.Reg32(asm.R0, asm.R3), "85d2750431c0eb0a524989d331d241f7f35a"},
	{asm.Mod.Reg(asm.R3, asm.R0), "4885c0740d504989c34889d031d249f7f358"},
	{asm.Mod.Reg32(asm.R1, asm.R1), "85ff740e505289f831d2f7f789d75a58eb0289ff"},
	{asm.SDiv.Imm(asm.R0, 10), "5249c7c30a000000489949f7fb5a"},
	{asm.SMod.Imm32(asm.R3, -7), "5049c7c3f9ffffff89d09941f7fb58"},
	{asm.SDiv.Imm(asm.R6, -1), "48f7db"},
	{asm.SDiv.Imm32(asm.R6, -1), "f7db"},
	{asm.SMod.Imm(asm.R6, -1), "31db"},
	{asm.SDiv.Imm(asm.R6, 0), "31db"},
	{asm.SMod.Imm32(asm.R6, 0), "89db"},
	{asm.SDiv.Reg(asm.R0, asm.R1), "4885ff74144883ffff7409" + "52489948f7ff5a" + "eb0748f7d8eb0231c0"},
	{asm.SMod.Reg32(asm.R3, asm.R1), "85ff741283ffff7409" + "5089d099f7ff58" + "eb0631d2eb0289d2"},
	{asm.MovSX8.Reg(asm.R0, asm.R1), "480fbec7"},
	{asm.MovSX16.Reg(asm.R7, asm.R8), "4d0fbfee"},
	{asm.MovSX32.Reg(asm.R6, asm.R0), "4863d8"},
	{asm.MovSX8.Reg32(asm.R0, asm.R6), "400fbec3"},
	{asm.MovSX16.Reg32(asm.R0, asm.R6), "0fbfc3"},
	{asm.MovSX8.Reg32(asm.R5, asm.R5), "450fbec0"},
	{asm.LoadMemSX(asm.R0, asm.R1, 0, asm.Byte), "480fbe4700"},
	{asm.LoadMemSX(asm.R7, asm.R10, -8, asm.Half), "4c0fbf6df8"},
	{asm.LoadMemSX(asm.R0, asm.R1, 256, asm.Word), "48638700010000"},
	{asm.LoadAcquire(asm.R0, asm.R1, asm.Byte, 0), "480fb64700"},
	{asm.LoadAcquire(asm.R0, asm.R1, asm.DWord, 8), "488b4708"},
	{asm.StoreRelease(asm.R1, asm.R2, asm.Half, 0), "66897700"},
	{asm.StoreRelease(asm.R1, asm.R2, asm.Word, 0), "897700"},
	{asm.LoadMem(asm.R0, asm.R1, 0, asm.Byte), "480fb64700"},
	{asm.LoadMem(asm.R7, asm.R10, -8, asm.Half), "4c0fb76df8"},
	{asm.LoadMem(asm.R0, asm.R1, 256, asm.Word), "8b8700010000"},
	{asm.LoadMem(asm.R5, asm.R7, 8, asm.DWord), "4d8b4508"},
	{asm.StoreMem(asm.R10, -1, asm.R1, asm.Byte), "40887dff"},
	{asm.StoreMem(asm.R10, -200, asm.R9, asm.DWord), "4c89bd38ffffff"},
	{asm.StoreImm(asm.R1, 4, 7, asm.Half), "66c747040700"},
	{storeImm64(-8, -2), "48c745f8feffffff"},
	{asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0), "f048017700"},
	{asm.OrAtomic.Mem(asm.R1, asm.R2, asm.Word, 4), "f0097704"},
	{asm.FetchAdd.Mem(asm.R1, asm.R7, asm.DWord, 8), "f04c0fc16f08"},
	{asm.Xchg.Mem(asm.R1, asm.R2, asm.Word, 0), "f0877700"},
	{asm.CmpXchg.Mem(asm.R1, asm.R2, asm.DWord, 0), "f0480fb17700"},
	{asm.CmpXchg.Mem(asm.R1, asm.R2, asm.Word, 0), "f00fb1770089c0"},
	{asm.FetchAnd.Mem(asm.R1, asm.R2, asm.DWord, 0), "4989c2488b47004989c34921f3f04c0fb15f0075ee4889c64c89d0"},
	{asm.FetchXor.Mem(asm.R1, asm.R0, asm.Word, 0), "4989c28b47004189c34531d3f0440fb15f0075ef4189c24c89d0"},
}

func TestBodies(t *testing.T) {
	for _, tt := range bodies {
		if got := bodyOf(t, &V612, tt.ins); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.ins, got, tt.want)
		}
	}
}

// bodyOf is what an instruction becomes.
func bodyOf(t *testing.T, l *Layout, ins asm.Instruction) string {
	t.Helper()
	img := mustCompile(t, mustParse(t, asm.Instructions{ins, asm.Return()}), options(l))
	return hex.EncodeToString(img.Code[img.Insns[0]:img.Insns[1]])
}

// TestBodiesOfEras has what kernels of one era compile in another way.
func TestBodiesOfEras(t *testing.T) {
	for _, tt := range []struct {
		l    *Layout
		ins  asm.Instruction
		want string
	}{
		{&V510, asm.Mul.Reg(asm.R0, asm.R7), "524989c34c89e849f7e35a"},
		{&V519, asm.Mul.Reg(asm.R0, asm.R7), "490fafc5"},
		{&V510, asm.Mul.Imm32(asm.R6, 1000), "50524989dbb8e803000041f7e35a4889c358"},
		{&V510, asm.Mul.Imm(asm.R3, -2), "504989d348c7c0feffffff49f7e34889c258"},
		{&V510, asm.Div.Imm(asm.R0, 10), "505249c7c30a00000031d249f7f34989c35a584c89d8"},
		{&V510, asm.Mod.Imm(asm.R6, 10), "505249c7c30a0000004889d831d249f7f34989d35a584c89db"},
		{&V519, asm.Mod.Imm(asm.R6, 10), "505249c7c30a0000004889d831d249f7f34889d35a58"},
		{&V510, asm.RSh.Reg32(asm.R4, asm.R1), "4989cb514889f941d3eb594c89d9"},
		{&V519, asm.ArSh.Reg(asm.R4, asm.R4), "4989cb49d3fb4c89d9"},
		{&V612, asm.ArSh.Reg(asm.R4, asm.R4), "48d3f9"},
		{&V519, asm.LoadImm(asm.R0, -2, asm.DWord), "48b8feffffffffffffff"},
		{&V612, asm.LoadImm(asm.R0, -2, asm.DWord), "48c7c0feffffff"},
		{&V612, asm.Xchg.Mem(asm.R1, asm.R2, asm.DWord, 0), "f0488777" + "00"},
		{&V70, asm.Xchg.Mem(asm.R1, asm.R2, asm.DWord, 0), "48877700"},
	} {
		if got := bodyOf(t, tt.l, tt.ins); got != tt.want {
			t.Errorf("%s: %v: %s, want %s", tt.l.Name, tt.ins, got, tt.want)
		}
	}
}

// TestIBT has endbr64 first of all and where tail calls enter, in the entry and in functions.
func TestIBT(t *testing.T) {
	l, err := LayoutByName("v6.12+ibt")
	if err != nil {
		t.Fatal(err)
	}
	img := mustCompile(t, subprogram(t, 12), options(l))
	const endbr = "f30f1efa"
	if got, want := hex.EncodeToString(img.Code[:20]), endbr+"0f1f440000"+"4831c0"+"55"+"4889e5"+endbr; got != want || img.AdjOff != 16 {
		t.Errorf("%s, tail calls enter at +%d; want %s, +16", got, img.AdjOff, want)
	}
	if got := hex.EncodeToString(img.Code[img.Funcs[1].Off:][:20]); got != endbr+"0f1f440000"+"0f1f00"+"55"+"4889e5"+endbr {
		t.Errorf("a function: %s", got)
	}
	if again, err := LayoutByName("v6.12+ibt+ibt"); err != nil || again.AdjOff != 16 {
		t.Errorf("twice: %v, %v", again, err)
	}
	faulty, err := LayoutByName("v5.19+ibt+bmi2 with limit=34")
	if err != nil || faulty.AdjOff != 15 || !faulty.ShiftX || faulty.Counter.Limit != 34 || V519.IBT {
		t.Errorf("%+v, %v", faulty, err)
	}
	if _, err := LayoutByName("v6.12+cet"); err == nil || err.Error() != `layout "v6.12+cet": no option "cet": there are [ibt bmi2 calldepth]` {
		t.Error(err)
	}
}

// TestOldNops: the nop where a jump may come is another.
func TestOldNops(t *testing.T) {
	l := V510
	l.OldNops = true
	img := mustCompile(t, frameProgram(t, 1, 8, 1), options(&l))
	for at, want := range map[Off]string{0: "6666666690", img.Sites[0].TailcallTarget: "6666666690"} {
		if got := hex.EncodeToString(img.Code[at:][:5]); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}
