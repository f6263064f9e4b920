package x86

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Operands of ALU instructions; see forms.
const alu = "rr ri mr mi"

// forms are the instructions that package jit emits, each with the kinds of its operands: a
// register, memory, an immediate, or a distance.
var forms = map[x86asm.Op]string{
	x86asm.NOP: "- m", x86asm.PAUSE: "-", x86asm.LFENCE: "-", x86asm.INT: "i",
	x86asm.ADD: alu, x86asm.OR: alu, x86asm.AND: alu, x86asm.SUB: alu, x86asm.XOR: alu, x86asm.CMP: alu,
	x86asm.TEST: "rr ri mr", x86asm.MOV: "rr ri rm mr mi", x86asm.LEA: "rm",
	x86asm.MOVZX: "rr rm", x86asm.MOVSX: "rr rm", x86asm.MOVSXD: "rr rm",
	x86asm.PUSH: "r", x86asm.POP: "r", x86asm.LEAVE: "-",
	x86asm.IMUL: "rr rm rri rmi", x86asm.MUL: "r", x86asm.DIV: "r", x86asm.IDIV: "r",
	x86asm.CDQ: "-", x86asm.CQO: "-", x86asm.NEG: "r", x86asm.BSWAP: "r",
	x86asm.SHL: "rr ri", x86asm.SHR: "rr ri", x86asm.SAR: "rr ri", x86asm.ROR: "ri",
	x86asm.XCHG: "mr", x86asm.XADD: "mr", x86asm.CMPXCHG: "mr",
	opJcc: "j", x86asm.JMP: "j r", x86asm.CALL: "j r", x86asm.RET: "-",
}

// Decode reads the instruction at the start of code. It knows the forms that package jit emits
// and no others: everything else gives an instruction that is not valid.
func Decode(code []byte) Insn {
	switch {
	case bytes.HasPrefix(code, []byte(endbr64)):
		return Insn{op: x86asm.NOP, size: uint8(len(endbr64))}
	case len(code) > 0 && code[0] == vex:
		return shiftX(code)
	}
	in, err := x86asm.Decode(code, 64)
	if err != nil {
		return Insn{}
	}
	d := decoder{in: &in, i: Insn{
		op: in.Op, w: uint8(in.DataSize / 8), size: uint8(in.Len), mem: address{base: noReg, index: noReg},
	}}
	if !d.condition() || !d.operands() || !d.prefixes() || !d.width() {
		return Insn{}
	}
	return d.i
}

// A decoder takes over what the library has read, where that is emitted.
type decoder struct {
	in   *x86asm.Inst
	i    Insn
	from uint8 // bytes of the second operand
}

// condition takes all conditional jumps for one. What looks at parity is not modelled.
func (d *decoder) condition() bool {
	switch b := d.in.Opcode >> 16; {
	case b>>12 == 7:
		d.i.op, d.i.cond = opJcc, uint8(b>>8&15)
	case b>>4 == 0x0f8:
		d.i.op, d.i.cond = opJcc, uint8(b&15)
	}
	return d.i.cond>>1 != 5
}

// operands takes the operands, if they are of a form that is emitted.
func (d *decoder) operands() bool {
	kinds, got := "", [3]operand{}
	for n, arg := range d.in.Args[:3] {
		var ok bool
		switch arg := arg.(type) {
		case x86asm.Reg:
			kinds += "r"
			got[n], ok = d.register(n, arg)
		case x86asm.Mem:
			kinds += "m"
			got[n], ok = memOperand, d.memory(arg)
		case x86asm.Imm:
			kinds += "i"
			got[n], ok = immOperand, true
			d.i.imm = int64(arg)
		case x86asm.Rel:
			kinds += "j"
			got[n], ok = immOperand, true
			d.i.imm = int64(arg)
		default:
			ok = arg == nil
		}
		if !ok {
			return false
		}
	}
	if kinds == "" {
		kinds = "-"
	}
	d.i.dst, d.i.src = got[0], got[1]
	switch d.i.op {
	case x86asm.NOP: // of the bytes that stand for its operand none means anything
		d.i.dst, d.i.mem = operand{}, address{base: noReg, index: noReg}
	case opJcc:
		d.i.dst = operand{}
	case x86asm.JMP, x86asm.CALL:
		d.i.dst, d.i.src = operand{}, got[0]
	case x86asm.IMUL:
		if len(kinds) == 3 {
			d.i.from = 1 // with an immediate
		}
	}
	return slices.Contains(strings.Fields(forms[d.i.op]), kinds)
}

// register takes the n-th operand, and the width of what is read or written there.
func (d *decoder) register(n int, r x86asm.Reg) (operand, bool) {
	var number, w uint8
	switch {
	case r >= x86asm.AL && r <= x86asm.BL:
		number, w = uint8(r-x86asm.AL), 1
	case r >= x86asm.SPB && r <= x86asm.R15B:
		number, w = uint8(r-x86asm.SPB)+uint8(RSP), 1
	case r >= x86asm.AX && r <= x86asm.R15W:
		number, w = uint8(r-x86asm.AX), 2
	case r >= x86asm.EAX && r <= x86asm.R15L:
		number, w = uint8(r-x86asm.EAX), 4
	case r >= x86asm.RAX && r <= x86asm.R15:
		number, w = uint8(r-x86asm.RAX), 8
	default: // ah, ch, dh and bh, and those that are not general
		return operand{}, false
	}
	if n == 0 {
		d.i.w = w
	} else {
		d.from = w
	}
	return regOperand(Reg(number)), true
}

// memory takes a memory operand.
func (d *decoder) memory(m x86asm.Mem) bool {
	a := &d.i.mem
	general := func(r x86asm.Reg, to *Reg) bool {
		*to = Reg(r - x86asm.RAX)
		return r >= x86asm.RAX && r <= x86asm.R15
	}
	a.disp, a.scale = int32(m.Disp), m.Scale
	if d.in.Args[0] == x86asm.Arg(m) {
		d.i.w = uint8(d.in.MemBytes)
	} else {
		d.from = uint8(d.in.MemBytes)
	}
	if a.rip = m.Base == x86asm.RIP; !a.rip && !general(m.Base, &a.base) {
		return false
	}
	return m.Segment == 0 && (m.Index == 0 || general(m.Index, &a.index))
}

// oldNop are the prefixes of the nop of five bytes of up to 5.12. That of two bytes has the first.
var oldNop = []x86asm.Prefix{0x66, 0x66, 0x66, 0x66}

// prefixes refuses prefixes where the compiler writes none: of the old ones there is one at most,
// but in the old nop.
func (d *decoder) prefixes() bool {
	var old []x86asm.Prefix
	for _, p := range d.in.Prefix {
		if p &= 0xff; p != 0 && p&0xf0 != x86asm.PrefixREX {
			old = append(old, p)
		}
	}
	i := &d.i
	switch plain := i.op == x86asm.NOP && d.in.Args[0] == nil; {
	case plain:
		return slices.Equal(old, oldNop[:1]) || slices.Equal(old, oldNop)
	case len(old) == 0:
		return true
	case len(old) > 1:
		return false
	}
	switch old[0] {
	case 0x66:
		return i.op == x86asm.NOP || i.op == x86asm.ROR || i.op == x86asm.MOV && i.dst.in == inMem
	case 0xf0:
		return i.dst.in == inMem && !slices.Contains([]x86asm.Op{x86asm.MOV, x86asm.CMP, x86asm.TEST}, i.op)
	}
	return i.op == x86asm.PAUSE
}

// width refuses operands of 8 and 16 bits where the compiler has none, and what else the library
// reads that is no form of the compiler's.
func (d *decoder) width() bool {
	i, opcode := &d.i, d.in.Opcode
	switch i.op {
	case x86asm.PAUSE, x86asm.LFENCE:
		i.op = x86asm.NOP
		return true
	case x86asm.NOP: // by one byte or, with an operand, /0
		return d.in.Args[0] == nil || opcode>>11&7 == 0
	case x86asm.INT:
		return i.size == 1
	case opJcc, x86asm.JMP, x86asm.CALL, x86asm.LEAVE, x86asm.RET:
		return true
	case x86asm.MOVZX, x86asm.MOVSX, x86asm.MOVSXD:
		if i.from = d.from; i.op == x86asm.MOVSXD {
			i.op = x86asm.MOVSX
		}
	case x86asm.CQO:
		i.op = opSign
	case x86asm.ROR:
		return i.w == 2
	case x86asm.SHL, x86asm.SHR, x86asm.SAR:
		if i.src.in == inReg && d.from != 1 {
			return false
		}
	case x86asm.TEST: // by an immediate f7 /0
		if i.src.in == inImm && (opcode>>24 != 0xf7 || opcode>>19&7 != 0) {
			return false
		}
	case x86asm.ADD, x86asm.OR, x86asm.AND, x86asm.SUB, x86asm.XOR, x86asm.CMP:
		if opcode>>24&7 == 3 && i.src.in == inReg { // the register that is written comes second
			return false
		}
	case x86asm.PUSH, x86asm.POP: // 50 and 58, with the register
		return opcode>>28 == 5 && i.w == 8
	}
	return i.w >= 4 || i.op == x86asm.MOV && i.dst.in == inMem
}

// What the library does not know: the mark of where an indirect branch may lead to, and prefixes of
// three bytes.
const (
	endbr64 = "\xf3\x0f\x1e\xfa"
	vex     = 0xc4
)

// shiftX reads the shifts of BMI2: shlx, shrx, sarx.
func shiftX(code []byte) Insn {
	const size = 5
	if len(code) < size || code[1]&0x1f != 2 || code[2]&4 != 0 || code[3] != 0xf7 || code[4] < 0xc0 {
		return Insn{}
	}
	// Of the prefix the bits of registers stand inverted.
	to, from := code[4]>>3&7|^code[1]>>4&8, code[4]&7|^code[1]>>2&8
	ops := [4]x86asm.Op{1: x86asm.SHL, 2: x86asm.SAR, 3: x86asm.SHR}
	i := Insn{
		op: ops[code[2]&3], w: 4, from: keepsFlags, size: size,
		dst: regOperand(Reg(from)), src: regOperand(Reg(^code[2] >> 3 & 15)),
	}
	if code[2]&0x80 != 0 {
		i.w = 8
	}
	// Source and destination are one register in what the compiler emits.
	if i.op == 0 || to != from {
		return Insn{}
	}
	return i
}

// keepsFlags in Insn.from marks a shift that leaves the flags alone.
const keepsFlags = 0xff
