package x86

import "math/bits"

// Flags are those that conditional jumps of images look at. After an instruction that leaves some
// of them undefined, or whose flags no image looks at, none is known.
type Flags uint8

const (
	carry Flags = 1 << iota
	zero
	sign
	overflow
	known
)

// holds evaluates a condition by the low digit of the jump's opcode.
func (f Flags) holds(cond uint8) bool {
	var is bool
	switch cond >> 1 {
	case 0: // o
		is = f&overflow != 0
	case 1: // b
		is = f&carry != 0
	case 2: // e
		is = f&zero != 0
	case 3: // be
		is = f&(carry|zero) != 0
	case 4: // s
		is = f&sign != 0
	case 6: // l
		is = f.less()
	case 7: // le
		is = f.less() || f&zero != 0
	}
	return is != (cond&1 != 0)
}

func (f Flags) less() bool { return (f&sign != 0) != (f&overflow != 0) }

// ofResult are sign and zero of a result of w bytes, without carry and overflow.
func ofResult(v uint64, w uint8) Flags {
	f := known
	if v == 0 {
		f |= zero
	}
	if v>>(8*w-1)&1 != 0 {
		f |= sign
	}
	return f
}

// add is a + b, of w bytes, with its flags.
func add(a, b uint64, w uint8) (uint64, Flags) {
	v, c := bits.Add64(a, b, 0)
	if w < 8 {
		c = v >> (8 * w) & 1
		v &= mask(w)
	}
	f := ofResult(v, w)
	if c != 0 {
		f |= carry
	}
	if (a^v)&(b^v)>>(8*w-1)&1 != 0 {
		f |= overflow
	}
	return v, f
}

// sub is a - b, of w bytes, with its flags.
func sub(a, b uint64, w uint8) (uint64, Flags) {
	v := (a - b) & mask(w)
	f := ofResult(v, w)
	if a < b {
		f |= carry
	}
	if (a^b)&(a^v)>>(8*w-1)&1 != 0 {
		f |= overflow
	}
	return v, f
}

// mask has the bits of w bytes.
func mask(w uint8) uint64 { return ^uint64(0) >> (64 - 8*w) }

// extend fills the bits above w bytes with the sign.
func extend(v uint64, w uint8) uint64 {
	shift := 64 - 8*w
	return uint64(int64(v<<shift) >> shift)
}
