package jit

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/arch/x86/x86asm"
)

var update = flag.Bool("update", false, "write testdata/opcodes.txt anew")

// everyOpcode has one instruction for every opcode that Parse accepts, found by trying all.
func everyOpcode() asm.Instructions {
	var found asm.Instructions
	try := func(ins asm.Instruction) {
		clearReserved(&ins)
		if _, err := Parse("x", withOpcode(ins)); err == nil {
			found = append(found, ins)
		}
	}
	for class := asm.LdClass; class <= asm.ALU64Class; class++ {
		extensions := []asm.OpCode{0}
		switch {
		case class == asm.StXClass: // the atomic operations
			extensions = nil
			for x := range asm.OpCode(0x200) {
				extensions = append(extensions, x<<8)
			}
		case class.IsALU(): // signed ones
			extensions = []asm.OpCode{0, 0x100, 0x200, 0x300}
		}
		for low := asm.OpCode(class); low < 0x100; low += 8 {
			for _, x := range extensions {
				ins := asm.Instruction{OpCode: low | x, Dst: asm.R7, Src: asm.R3, Constant: 5}
				switch {
				case ins.OpCode.ALUOp() == asm.Swap:
					for _, bits := range []int64{16, 32, 64} {
						ins.Constant = bits
						try(ins)
					}
					continue
				case isLegacyLoad(&ins):
				case class == asm.LdClass || class.IsJump() && low&0xf0 >= 0x80 && low&0xf0 <= 0x90:
					ins.Src = 0 // where the source is a kind
				case class.IsJump():
					ins.Offset = 1
				case !class.IsALU():
					ins.Offset = 16
				}
				switch ins.OpCode {
				case opCall:
					ins.Src, ins.Constant = asm.PseudoCall, 2
				case opJaLong:
					ins.Constant = 1
				}
				try(ins)
			}
		}
	}
	return append(found, everyForm()...)
}

// operands says by letters which fields an opcode has: destination, source, offset, immediate. Its
// numbers are those of RFC 9669; an atomic operation stands in the immediate there, and a signed
// one in the offset, where the assembler has them in the opcode.
func operands(op asm.OpCode) string {
	low := byte(op)
	switch low {
	case 0x05: // goto
		return "o"
	case 0x06: // gotol
		return "i"
	case 0x18: // a load of 64 bits: the source says of what
		return "dsi"
	case 0x85: // a call: likewise
		return "si"
	case 0x20, 0x28, 0x30: // from the packet
		return "i"
	case 0x40, 0x48, 0x50:
		return "si"
	case 0x84, 0x87, 0x8d: // negations, a call through a register
		return "d"
	case 0x95: // exit
		return ""
	case 0xd4, 0xd7, 0xdc: // swaps
		return "di"
	case 0xc3, 0xcb, 0xd3, 0xdb: // atomic
		return "dsoi"
	}
	switch byReg := low&8 != 0; low & 7 {
	case 1, 3:
		return "dso"
	case 2:
		return "doi"
	case 4, 7:
		if byReg {
			return "ds"
		}
		return "di"
	default:
		if byReg {
			return "dso"
		}
		return "doi"
	}
}

// setField sets the field of a letter.
func setField(i *asm.Instruction, letter rune, v int8) {
	switch letter {
	case 'd':
		i.Dst = asm.Register(v)
	case 's':
		i.Src = asm.Register(v)
	case 'o':
		i.Offset = int16(v)
	case 'i':
		i.Constant = int64(v)
	}
}

// clearReserved clears the operands that an instruction has not.
func clearReserved(ins *asm.Instruction) {
	has := operands(ins.OpCode)
	for _, letter := range "dsoi" {
		if !strings.ContainsRune(has, letter) {
			setField(ins, letter, 0)
		}
	}
}

// TestReservedFields sets every field of every instruction, one at a time: those that are no
// operand are refused as reserved, and no others.
func TestReservedFields(t *testing.T) {
	for _, ins := range everyOpcode() {
		for _, letter := range "dsoi" {
			changed := ins
			setField(&changed, letter, 3)
			_, err := Parse("x", withOpcode(changed))
			refused := err != nil && strings.Contains(err.Error(), "in a reserved field")
			if refused == strings.ContainsRune(operands(ins.OpCode), letter) {
				t.Errorf("%v, its field %c set: %v", ins, letter, err)
			}
		}
	}
}

// everyForm has what one opcode means besides, by its source field.
func everyForm() asm.Instructions {
	return asm.Instructions{
		asm.LoadImm(asm.R7, -5, asm.DWord),
		asm.LoadImm(asm.R7, 1<<40, asm.DWord),
		asm.LoadMapPtr(asm.R7, 0).WithReference("m"),
		asm.LoadMapValue(asm.R7, 0, 24).WithReference("m"),
		{OpCode: opLoadImm64, Dst: asm.R7, Src: asm.PseudoFunc, Constant: 3},
		asm.FnKtimeGetNs.Call(),
	}
}

// withOpcode is a program with an instruction in it that may jump over the next or call what
// follows.
func withOpcode(ins asm.Instruction) asm.Instructions {
	return asm.Instructions{ins, asm.Mov.Imm(asm.R0, 1), asm.Return(), asm.Mov.Imm(asm.R0, 2), asm.Return()}
}

// TestEveryOpcode holds what each opcode becomes to a list that is looked over by a reader:
// instruction, bytes, text. The bytes are those of Linux 6.18, as package stress/identity
// finds, but for the tests around divisions and the call through a register.
func TestEveryOpcode(t *testing.T) {
	all := everyOpcode()
	const (
		alu    = 14*4 + 5 + 2 + 9 // two operands of either width and source; signed moves; neg; swaps
		jumps  = 11*4 + 5         // conditions; two jumps, two calls, exit
		memory = 4 + 3 + 4 + 4    // loads, signed loads, stores of constants and of registers
		atomic = 10*2 + 2*4       // by size; acquire and release
	)
	const legacy = 2 * 3 // loads from the packet, by size
	if want := alu + jumps + memory + atomic + legacy + 1 + len(everyForm()); len(all) != want {
		t.Errorf("%d opcodes, want %d", len(all), want)
	}
	var b strings.Builder
	for _, ins := range all {
		img := mustCompile(t, mustParse(t, withOpcode(ins)), options(&V612))
		fmt.Fprintf(&b, "%v\t%s\t%s\n", ins, code(img, 0, 0), text(t, img, 0))
	}
	path := filepath.Join("testdata", "opcodes.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}

// text lists the machine instructions of one instruction.
func text(t *testing.T, img *Image, i int) string {
	t.Helper()
	var parts []string
	for at := img.Insns[i]; at < img.Insns[i+1]; {
		inst, err := x86asm.Decode(img.Code[at:], 64)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, x86asm.IntelSyntax(inst, 0, nil))
		at += Off(inst.Len)
	}
	return strings.Join(parts, "; ")
}

// TestEveryOpcodeWithObjdump asks a second disassembler where instructions start. Shifts are
// those of BMI2 here, which the first does not know.
func TestEveryOpcodeWithObjdump(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("needs objdump of GNU binutils: ", err)
	}
	l := V612
	l.ShiftX = true
	var all []byte
	var starts []int
	for _, ins := range everyOpcode() {
		img, err := Compile(mustParse(t, withOpcode(ins)), options(&l))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range img.Starts {
			starts = append(starts, len(all)+int(s))
		}
		all = append(all, img.Code...)
	}
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-w", "-b", "binary", "-m", "i386:x86-64", path).Output()
	if err != nil {
		t.Skip("objdump knows no x86-64: ", err)
	}
	var got []int
	for _, m := range regexp.MustCompile(`(?m)^ *([0-9a-f]+):\t`).FindAllSubmatch(out, -1) {
		at, _ := strconv.ParseInt(string(m[1]), 16, 64)
		got = append(got, int(at))
	}
	if !slices.Equal(got, starts) {
		t.Errorf("objdump finds %d instructions, want %d:\n%s", len(got), len(starts), cmp.Diff(starts, got))
	}
}
