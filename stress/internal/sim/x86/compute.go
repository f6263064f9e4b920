package x86

import (
	"math/bits"

	"golang.org/x/arch/x86/x86asm"
)

// compute executes what goes on with the next instruction.
func (c *Core) compute(i *Insn, next uint64) error {
	switch i.op {
	case x86asm.LEA:
		return c.write(i, i.dst, c.address(&i.mem, next), 8, next)
	case opSign:
		c.Regs[RDX] = extend(c.Regs[RAX]&mask(i.w), i.w)
		c.Regs[RDX] = uint64(int64(c.Regs[RDX])>>63) & mask(i.w)
		return nil
	case x86asm.MOV, x86asm.MOVZX, x86asm.MOVSX:
		return c.move(i, next)
	case x86asm.MUL:
		c.multiply(i)
		return nil
	case x86asm.DIV, x86asm.IDIV:
		return c.divide(i)
	case x86asm.XCHG, x86asm.XADD, x86asm.CMPXCHG:
		return c.exchange(i, next)
	}
	a, err := c.read(i, i.dst, i.w, next)
	if err != nil {
		return err
	}
	b := uint64(0)
	if i.src.in != nowhere {
		if b, err = c.read(i, i.src, i.w, next); err != nil {
			return err
		}
	}
	v, f, writes := i.result(a, b)
	if writes {
		if err := c.write(i, i.dst, v, i.w, next); err != nil {
			return err
		}
	}
	if i.from != keepsFlags {
		c.Flags = f
	}
	return nil
}

// result computes from a, the destination, and b.
func (i *Insn) result(a, b uint64) (v uint64, f Flags, writes bool) {
	writes = true
	switch i.op {
	case x86asm.ADD:
		v, f = add(a, b, i.w)
	case x86asm.SUB:
		v, f = sub(a, b, i.w)
	case x86asm.CMP:
		_, f = sub(a, b, i.w)
		writes = false
	case x86asm.TEST:
		f, writes = ofResult(a&b, i.w), false
	case x86asm.AND:
		v = a & b
		f = ofResult(v, i.w)
	case x86asm.OR:
		v = a | b
		f = ofResult(v, i.w)
	case x86asm.XOR:
		v = a ^ b
		f = ofResult(v, i.w)
	case x86asm.NEG:
		v, f = sub(0, a, i.w)
	case x86asm.IMUL:
		if i.from != 0 {
			a, b = b, uint64(i.imm)
		}
		v = a * b & mask(i.w)
	case x86asm.BSWAP:
		v = bits.ReverseBytes64(a) >> (64 - 8*i.w)
	default:
		v = i.shift(a, uint(b))
	}
	return v, f, writes
}

// shift shifts or rotates. Images look at no flags after that.
func (i *Insn) shift(a uint64, count uint) uint64 {
	count &= 8*max(uint(i.w), 4) - 1
	switch i.op {
	case x86asm.SHL:
		return a << count & mask(i.w)
	case x86asm.SHR:
		return a >> count
	case x86asm.SAR:
		return uint64(int64(extend(a, i.w))>>count) & mask(i.w)
	}
	return uint64(bits.RotateLeft16(uint16(a), -int(count)))
}

func (c *Core) move(i *Insn, next uint64) error {
	from := i.w
	if i.op != x86asm.MOV {
		from = i.from
	}
	v, err := c.read(i, i.src, from, next)
	if err != nil {
		return err
	}
	if i.op == x86asm.MOVSX {
		v = extend(v, from)
	}
	return c.write(i, i.dst, v, i.w, next)
}

// multiply multiplies RAX by a register, to twice the width. Images look at no flags after that.
func (c *Core) multiply(i *Insn) {
	a, b := c.Regs[RAX]&mask(i.w), c.Regs[i.dst.reg]&mask(i.w)
	c.Flags = 0
	hi, lo := bits.Mul64(a, b)
	if i.w == 4 {
		hi, lo = lo>>32, lo&mask(4)
	}
	c.Regs[RAX], c.Regs[RDX] = lo, hi
}

// divide divides RDX:RAX by a register.
func (c *Core) divide(i *Insn) error {
	hi, lo, by := c.Regs[RDX]&mask(i.w), c.Regs[RAX]&mask(i.w), c.Regs[i.dst.reg]&mask(i.w)
	c.Flags = 0
	if i.op == x86asm.IDIV {
		return c.divideSigned(i, hi, lo, by)
	}
	if by <= hi {
		return crashf("the quotient of a division does not fit, or the divisor is zero")
	}
	var q, r uint64
	if i.w == 8 {
		q, r = bits.Div64(hi, lo, by)
	} else {
		n := hi<<32 | lo
		q, r = n/by, n%by
	}
	c.Regs[RAX], c.Regs[RDX] = q, r
	return nil
}

// divideSigned divides what has been extended from RAX by its sign: images divide no other
// numbers of twice the width.
func (c *Core) divideSigned(i *Insn, hi, lo, by uint64) error {
	n, d := int64(extend(lo, i.w)), int64(extend(by, i.w))
	switch {
	case uint64(n>>63)&mask(i.w) != hi:
		return crashf("a signed division of a number that is not rax with its sign")
	case d == 0 || d == -1 && uint64(n) == extend(1<<(8*i.w-1), i.w):
		return crashf("the quotient of a division does not fit, or the divisor is zero")
	}
	c.Regs[RAX], c.Regs[RDX] = uint64(n/d)&mask(i.w), uint64(n%d)&mask(i.w)
	return nil
}

// exchange executes xchg, xadd and cmpxchg on memory.
func (c *Core) exchange(i *Insn, next uint64) error {
	old, err := c.read(i, i.dst, i.w, next)
	if err != nil {
		return err
	}
	given := c.Regs[i.src.reg] & mask(i.w)
	switch i.op {
	case x86asm.XCHG:
	case x86asm.XADD:
		given, c.Flags = add(old, given, i.w)
	case x86asm.CMPXCHG:
		_, c.Flags = sub(c.Regs[RAX]&mask(i.w), old, i.w)
		if c.Flags&zero == 0 {
			return c.write(i, regOperand(RAX), old, i.w, next)
		}
		return c.write(i, i.dst, given, i.w, next)
	}
	if err := c.write(i, i.dst, given, i.w, next); err != nil {
		return err
	}
	return c.write(i, i.src, old, i.w, next)
}
