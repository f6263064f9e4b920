package x86

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// A Core is the part of a CPU that programs see.
type Core struct {
	Regs  [16]uint64 // by [Reg]
	RIP   uint64
	Flags Flags
	Mem   Memory
}

// crashf is the error of an instruction that breaks what programs promise.
func crashf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Step executes an instruction, which stands at RIP. An error says what it breaks. The caller
// deals with int3.
func (c *Core) Step(i *Insn) error {
	next := c.RIP + uint64(i.size)
	switch i.op {
	case x86asm.NOP:
	case x86asm.PUSH:
		if err := c.push(c.Regs[i.dst.reg]); err != nil {
			return err
		}
	case x86asm.POP:
		v, err := c.pop()
		if err != nil {
			return err
		}
		c.Regs[i.dst.reg] = v
	case x86asm.LEAVE:
		c.setRSP(c.Regs[RBP])
		v, err := c.pop()
		if err != nil {
			return err
		}
		c.Regs[RBP] = v
	case opJcc:
		if c.Flags&known == 0 {
			return crashf("a jump depends on flags that are not known")
		}
		if c.Flags.holds(i.cond) {
			next += uint64(i.imm)
		}
	case x86asm.JMP:
		next = c.target(i, next)
	case x86asm.CALL:
		to := c.target(i, next)
		if err := c.push(next); err != nil {
			return err
		}
		next = to
	case x86asm.RET:
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
	c.RIP = next
	return nil
}

// target is where a jump or a call goes.
func (c *Core) target(i *Insn, next uint64) uint64 {
	if i.src.in == inReg {
		return c.Regs[i.src.reg]
	}
	return next + uint64(i.imm)
}

// setRSP moves the stack pointer. What lies between its new and its old place has no value that a
// program could know.
func (c *Core) setRSP(v uint64) {
	old := c.Regs[RSP]
	c.Regs[RSP] = v
	at, stack := c.Mem.Stack.At, c.Mem.Stack.Bytes
	if v >= old || v < at || old > at+uint64(len(stack)) {
		return
	}
	junk := stack[v-at : old-at]
	for i := range junk {
		junk[i] = stackJunk
	}
}

func (c *Core) push(v uint64) error {
	sp := c.Regs[RSP] - 8
	if err := c.Mem.push(sp, v); err != nil {
		return err
	}
	c.Regs[RSP] = sp
	return nil
}

func (c *Core) pop() (uint64, error) {
	sp := c.Regs[RSP]
	v, err := c.Mem.load(sp, 8, sp)
	if err == nil {
		c.Regs[RSP] = sp + 8
	}
	return v, err
}

// Loads returns the address and the width of what an instruction at RIP reads from memory, if it
// reads a memory operand.
func (c *Core) Loads(i *Insn) (at uint64, n uint8, ok bool) {
	if i.src.in != inMem || i.op == x86asm.LEA {
		if i.dst.in != inMem || i.op == x86asm.MOV {
			return 0, 0, false
		}
	}
	n = i.w
	if i.op == x86asm.MOVZX || i.op == x86asm.MOVSX {
		n = i.from
	}
	return c.address(&i.mem, c.RIP+uint64(i.size)), n, true
}

// address is where the memory operand is; next is the end of the instruction.
func (c *Core) address(a *address, next uint64) uint64 {
	at := uint64(int64(a.disp))
	if a.rip {
		return at + next
	}
	if a.base != noReg {
		at += c.Regs[a.base]
	}
	if a.index != noReg {
		at += c.Regs[a.index] * uint64(a.scale)
	}
	return at
}

// read gives an operand of w bytes, with zeros above.
func (c *Core) read(i *Insn, o operand, w uint8, next uint64) (uint64, error) {
	switch o.in {
	case inReg:
		return c.Regs[o.reg] & mask(w), nil
	case inImm:
		return uint64(i.imm) & mask(w), nil
	}
	return c.Mem.load(c.address(&i.mem, next), w, c.Regs[RSP])
}

// write stores a value of w bytes. Four bytes clear the upper half of a register, and two
// leave the rest of it alone.
func (c *Core) write(i *Insn, o operand, v uint64, w uint8, next uint64) error {
	if o.in == inMem {
		return c.Mem.store(c.address(&i.mem, next), v, w, c.Regs[RSP])
	}
	if w < 4 {
		v = c.Regs[o.reg]&^mask(w) | v&mask(w)
	} else {
		v &= mask(w)
	}
	if o.reg == RSP {
		c.setRSP(v)
		return nil
	}
	c.Regs[o.reg] = v
	return nil
}
