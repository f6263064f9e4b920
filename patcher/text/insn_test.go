package text

import (
	"testing"

	"tailpoke/jit/exec"
)

func TestJump(t *testing.T) {
	for _, c := range []struct {
		at, to exec.Off
		want   Insn
	}{
		{0, 5, Insn{0xe9, 0, 0, 0, 0}}, // to what follows
		{0, 6, Insn{0xe9, 1, 0, 0, 0}},
		{0x100, 0x100, Insn{0xe9, 0xfb, 0xff, 0xff, 0xff}}, // to itself
		{0x100, 0xff, Insn{0xe9, 0xfa, 0xff, 0xff, 0xff}},
		{0x1000, 0x1234567, Insn{0xe9, 0x62, 0x35, 0x23, 0x01}},
		{0x1234567, 0x1000, Insn{0xe9, 0x94, 0xca, 0xdc, 0xfe}},
		{64<<20 - 5, 0, Insn{0xe9, 0, 0, 0, 0xfc}}, // through a whole arena
	} {
		i := Jump(c.at, c.to)
		if i != c.want {
			t.Errorf("jump from %#x to %#x is %v, want %v", c.at, c.to, i, c.want)
		}
		if got := i.next(c.at); got != c.to {
			t.Errorf("%v at %#x leads to %#x, want %#x", i, c.at, got, c.to)
		}
	}
	if got := Nop.next(7); got != 7+Size {
		t.Errorf("the nop leads on to %#x", got)
	}
}

func TestFitsWord(t *testing.T) {
	for off := exec.Off(0); off < 128; off++ {
		first, last := off/8, (off+Size-1)/8
		if got, want := FitsWord(off), first == last; got != want {
			t.Errorf("slot at %d in one word: %v, want %v", off, got, want)
		}
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	mismatch := &MismatchError{0x1f, Nop, Jump(0, 6)}
	const crosses = "5 bytes that cross an aligned 8-byte word cannot be written in one store"
	for want, err := range map[string]error{
		"text at 0x1f: expected 0f 1f 44 00 00, found e9 01 00 00 00": mismatch,
		"text at 0x25: " + crosses:                                    &AlignmentError{0x25},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
