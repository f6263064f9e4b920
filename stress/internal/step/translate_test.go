package step

import (
	"testing"

	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim/x86"
)

// TestTranslations has a value of every kind that a thread may have in a witness.
func TestTranslations(t *testing.T) {
	m := &witness.Memory{
		Programs: []witness.Region{{At: 0x1000, Size: 0x100}, {At: 0x2000, Size: 0x10}},
		Data:     witness.Region{At: 0x7000, Size: 0x20},
		Stack:    witness.Region{At: 0x8000, Size: 0x100}, Context: witness.Region{At: 0x9000, Size: 8},
		Return: 0x1234, Caller: []uint64{0xc0, 0xc1},
	}
	for n := range m.Entry {
		m.Entry[n] = uint64(0xe00 + n)
	}
	m.Entry[x86.RSP], m.Entry[x86.RDI] = 0x80f0, 0x9000
	r := &replay{w: &witness.Witness{Memory: m}, texts: []*loaded{{at: 0x51000}, {at: 0x52000}}}
	x := &thread{ret: 0x55, caller: []uint64{0xf0, 0xf1}}
	for n := range x.entry {
		x.entry[n] = uint64(0x5e00 + n)
	}
	x.entry[x86.RSP], x.entry[x86.RDI] = 0x580f0, 0x59000
	for v, want := range map[uint64]uint64{
		0xe00: 0x5e00, 0xe0f: 0x5e0f, // registers at the entry
		0xc0: 0xf0, 0xc1: 0xf1, 0x1234: 0x55, // the caller's words, and where it goes on
		0x1000: 0x51000, 0x10ff: 0x510ff, 0x1100: 0x1100, 0x200f: 0x5200f, // code; the end of a program is none
		0x7fff: 0x7fff, 0x8000: 0x58000, 0x80f0: 0x580f0, 0x8100: 0x58100, 0x8101: 0x8101, // the stack, and its end
		0x9000: 0x59000, 0x9008: 0x59008, 0x9009: 0x9009, // the context
		7: 7, // a number
	} {
		if got, ok := x.real(r, v); got != want || !ok {
			t.Errorf("%#x is %#x, %v; want %#x", v, got, ok, want)
		}
	}
	for _, v := range []uint64{0x7000, 0x701f} {
		if _, ok := x.real(r, v); ok {
			t.Errorf("the address of a struct, %#x, is followed", v)
		}
	}
}
