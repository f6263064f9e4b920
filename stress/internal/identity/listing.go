package identity

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"tailpoke/jit"
)

// sideBySide lists two images: ours on the left, the kernel's on the right, and a mark where
// they differ. From a function's first difference in length on, lines no longer correspond.
func sideBySide(img *jit.Image, r *readback) string {
	var b strings.Builder
	for f, fn := range img.Funcs {
		ours := disassemble(img.Code[fn.Off:][:fn.Size])
		theirs := disassemble(r.funcs[f].code)
		fmt.Fprintf(&b, "%s\n", fn.Name)
		for i := range max(len(ours), len(theirs)) {
			left, right := at(ours, i), at(theirs, i)
			mark := " "
			if left != right {
				mark = "|"
			}
			fmt.Fprintf(&b, "  %-64s %s %s\n", left, mark, right)
		}
	}
	return b.String()
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// disassemble lists code, an instruction a line: offset, bytes, text.
func disassemble(code []byte) []string {
	var lines []string
	for off := 0; off < len(code); {
		n, text := decode(code[off:])
		lines = append(lines, fmt.Sprintf("%4x: %-22x %s", off, code[off:off+n], text))
		off += n
	}
	return lines
}

// decode reads one instruction. The shifts of BMI2 are the only ones with a VEX prefix here,
// which x86asm does not know; they have five bytes.
func decode(code []byte) (size int, text string) {
	const vexSize = 5
	if code[0] == 0xc4 && len(code) >= vexSize {
		return vexSize, "shift by a register (BMI2)"
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		return 1, "?"
	}
	return inst.Len, x86asm.IntelSyntax(inst, 0, nil)
}
