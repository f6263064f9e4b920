package sim

import "fmt"

// A core is the part of a CPU that programs see: registers, flags and the memory that its
// thread alone uses, and what it may read of the rest.
type core struct {
	regs  [16]uint64
	rip   uint64
	flags flags
	mem   memory
}

// A crash is an instruction that cannot be executed as a CPU that keeps its promises would.
type crash struct{ text string }

// Error says what happened.
func (c *crash) Error() string { return c.text }

func crashf(format string, args ...any) error { return &crash{fmt.Sprintf(format, args...)} }

// step executes one instruction; rip is where it stands. int3 is the caller's affair.
func (c *core) step(i *insn) error {
	next := c.rip + uint64(i.size)
	switch i.op {
	case opNop:
	case opPush:
		if err := c.push(c.regs[i.dst.reg]); err != nil {
			return err
		}
	case opPop:
		v, err := c.pop()
		if err != nil {
			return err
		}
		c.regs[i.dst.reg] = v
	case opLeave:
		c.setRSP(c.regs[rbp])
		v, err := c.pop()
		if err != nil {
			return err
		}
		c.regs[rbp] = v
	case opJcc:
		if c.flags&known == 0 {
			return crashf("a jump depends on flags that are not known")
		}
		if c.flags.holds(i.cond) {
			next += uint64(i.imm)
		}
	case opJmp:
		next = c.target(i, next)
	case opCall:
		to := c.target(i, next)
		if err := c.push(next); err != nil {
			return err
		}
		next = to
	case opRet:
		to, err := c.pop()
		if err != nil {
			return err
		}
		next = to
	default:
		if err := c.compute(i, next); err != nil {
			return err
		}
	}
	c.rip = next
	return nil
}

// target is where a jump or a call goes.
func (c *core) target(i *insn, next uint64) uint64 {
	if i.src.in == inReg {
		return c.regs[i.src.reg]
	}
	return next + uint64(i.imm)
}

// setRSP moves the stack pointer. What lies between its new and its old place was written by
// nobody, whatever was there when it was used last.
func (c *core) setRSP(v uint64) {
	old := c.regs[rsp]
	c.regs[rsp] = v
	if v >= old || v < c.mem.stackAt || old > c.mem.stackAt+uint64(len(c.mem.stack)) {
		return
	}
	junk := c.mem.stack[v-c.mem.stackAt : old-c.mem.stackAt]
	for i := range junk {
		junk[i] = stackJunk
	}
}

func (c *core) push(v uint64) error {
	sp := c.regs[rsp] - 8
	if err := c.mem.push(sp, v); err != nil {
		return err
	}
	c.regs[rsp] = sp
	return nil
}

func (c *core) pop() (uint64, error) {
	sp := c.regs[rsp]
	v, err := c.mem.load(sp, 8, sp)
	if err == nil {
		c.regs[rsp] = sp + 8
	}
	return v, err
}

// address is where the memory operand is; next is the end of the instruction.
func (c *core) address(a *address, next uint64) uint64 {
	at := uint64(int64(a.disp))
	if a.rip {
		return at + next
	}
	if a.base != noReg {
		at += c.regs[a.base]
	}
	if a.index != noReg {
		at += c.regs[a.index] * uint64(a.scale)
	}
	return at
}

// read gives an operand of w bytes, with zeros above.
func (c *core) read(i *insn, o operand, w uint8, next uint64) (uint64, error) {
	switch o.in {
	case inReg:
		return c.regs[o.reg] & mask(w), nil
	case inImm:
		return uint64(i.imm) & mask(w), nil
	}
	return c.mem.load(c.address(&i.mem, next), w, c.regs[rsp])
}

// write stores a value of w bytes. Four bytes clear the upper half of a register, and two
// leave the rest of it alone.
func (c *core) write(i *insn, o operand, v uint64, w uint8, next uint64) error {
	if o.in == inMem {
		return c.mem.store(c.address(&i.mem, next), v, w, c.regs[rsp])
	}
	if w < 4 {
		v = c.regs[o.reg]&^mask(w) | v&mask(w)
	} else {
		v &= mask(w)
	}
	if o.reg == rsp {
		c.setRSP(v)
		return nil
	}
	c.regs[o.reg] = v
	return nil
}
