package text

import (
	"encoding/binary"
	"fmt"

	"tailpoke/jit/exec"
)

// Size is the size of a patched instruction in bytes.
const Size = 5

// Insn is the machine code of a slot: one whole 5-byte instruction.
type Insn [Size]byte

// Nop is the 5-byte nop, nop dword [rax+rax+0].
var Nop = Insn{0x0f, 0x1f, 0x44, 0x00, 0x00}

const opJump = 0xe9

// Jump returns jmp rel32 at offset at to offset to of the same arena.
func Jump(at, to exec.Off) Insn {
	i := Insn{opJump}
	binary.LittleEndian.PutUint32(i[1:], uint32(to)-uint32(at)-Size)
	return i
}

// next returns where execution goes on after the instruction at offset at.
func (i Insn) next(at exec.Off) exec.Off {
	if i[0] == opJump {
		return at + Size + exec.Off(binary.LittleEndian.Uint32(i[1:]))
	}
	return at + Size
}

// String returns the bytes in hexadecimal.
func (i Insn) String() string { return fmt.Sprintf("% x", i[:]) }

// MismatchError says that a poke found other bytes than it expected, and wrote none
// (the kernel's -EBUSY).
type MismatchError struct {
	Off       exec.Off
	Want, Got Insn
}

// Error names the place and both instructions.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("text at %#x: expected %v, found %v", uint32(e.Off), e.Want, e.Got)
}

// AlignmentError says that a slot does not lie in one aligned 8-byte word, so that no
// single store can replace it atomically.
type AlignmentError struct{ Off exec.Off }

// Error names the place.
func (e *AlignmentError) Error() string {
	const what = "5 bytes that cross an aligned 8-byte word cannot be written in one store"
	return fmt.Sprintf("text at %#x: %s", uint32(e.Off), what)
}

// FitsWord reports whether a slot at off lies in one aligned 8-byte word.
func FitsWord(off exec.Off) bool { return off%8 <= 8-Size }
