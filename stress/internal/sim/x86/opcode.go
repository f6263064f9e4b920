package x86

import "encoding/binary"

// group is the digit that a ModRM extends an opcode by.
func (d *decoder) group() byte { return d.ro & 7 }

func (d *decoder) reg() operand { return regOperand(Reg(d.ro)) }

var aluOps = [8]opcode{0: opAdd, 1: opOr, 4: opAnd, 5: opSub, 6: opXor, 7: opCmp}

var shifts = [8]opcode{1: opRor, 4: opShl, 5: opShr, 7: opSar}

func (d *decoder) opcode() {
	i := &d.i
	i.w = d.width()
	switch b := d.byte(); {
	case b == 0x0f:
		d.twoBytes()
	case b == 0xc4:
		d.vex()
	case b < 0x40 && b&7 == 1: // op r/m, r
		d.modrm()
		i.op, i.dst, i.src = aluOps[b>>3], d.rm, d.reg()
	case b < 0x40 && b&7 == 5: // op eax, imm32
		i.op, i.dst, i.src = aluOps[b>>3], regOperand(RAX), immOperand
		i.imm = d.imm32()
	case b&0xf0 == 0x50:
		i.op, i.w, i.dst = opPush, 8, regOperand(Reg(b&7|d.rex<<3&8))
		if b >= 0x58 {
			i.op = opPop
		}
	case b&0xf0 == 0x70:
		i.op, i.cond, i.imm = opJcc, b&15, d.imm8()
	case b&0xf8 == 0xb8:
		i.op, i.dst, i.src = opMov, regOperand(Reg(b&7|d.rex<<3&8)), immOperand
		if i.w == 8 {
			i.imm = int64(binary.LittleEndian.Uint64(d.bytes(8)))
		} else {
			i.imm = int64(uint32(d.imm32()))
		}
	default:
		d.oneByte(b)
	}
	d.bad = d.bad || i.op == opInvalid || !d.prefixesFit() ||
		i.op == opJcc && i.cond>>1 == 5 || i.op == opLea && i.src.in == inReg // parity is not modelled
}

// prefixesFit refuses prefixes where the compiler writes none.
func (d *decoder) prefixesFit() bool {
	i := &d.i
	switch {
	case d.lock && (i.dst.in != inMem || i.op == opMov || i.op == opCmp || i.op == opTest):
		return false
	case d.rep && i.op != opNop:
		return false
	case d.word:
		return i.op == opNop || i.op == opRor || i.op == opMov && i.dst.in == inMem
	}
	return true
}

func (d *decoder) oneByte(b byte) {
	i := &d.i
	switch b {
	case 0x63:
		d.modrm()
		i.op, i.dst, i.src, i.from = opMovsx, d.reg(), d.rm, 4
	case 0x69, 0x6b:
		d.modrm()
		i.op, i.dst, i.src = opImul, d.reg(), d.rm
		if i.imm = 0; b == 0x69 {
			i.imm = d.imm32()
		} else {
			i.imm = d.imm8()
		}
		i.from = 1 // with an immediate
	case 0x81, 0x83:
		d.modrm()
		i.op, i.dst, i.src = aluOps[d.group()], d.rm, immOperand
		if b == 0x81 {
			i.imm = d.imm32()
		} else {
			i.imm = d.imm8()
		}
	case 0x85:
		d.modrm()
		i.op, i.dst, i.src = opTest, d.rm, d.reg()
	case 0x87:
		d.modrm()
		i.op, i.dst, i.src = opXchg, d.rm, d.reg()
	case 0x88, 0x89:
		d.modrm()
		i.op, i.dst, i.src = opMov, d.rm, d.reg()
		if b == 0x88 {
			d.byteReg(i.src)
			i.w = 1
		}
	case 0x8b:
		d.modrm()
		i.op, i.dst, i.src = opMov, d.reg(), d.rm
	case 0x8d:
		d.modrm()
		i.op, i.dst, i.src = opLea, d.reg(), d.rm
	case 0x90:
		if d.word || d.rep { // data16 nop, pause
			i.op = opNop
		}
	case 0x99:
		i.op = opSign
	case 0xc1, 0xd1, 0xd3:
		d.shift(b)
	case 0xc3:
		i.op = opRet
	case 0xc6, 0xc7:
		d.modrm()
		i.op, i.dst, i.src = opMov, d.rm, immOperand
		d.bad = d.bad || d.group() != 0
		d.storedImm(b)
	case 0xc9:
		i.op = opLeave
	case 0xcc:
		i.op = opInt3
	case 0xe8, 0xe9:
		i.op, i.src = opCall, immOperand
		if i.imm = d.imm32(); b == 0xe9 {
			i.op = opJmp
		}
	case 0xeb:
		i.op, i.src, i.imm = opJmp, immOperand, d.imm8()
	case 0xf7:
		d.unary()
	case 0xff:
		d.modrm()
		i.src = d.rm
		switch {
		case d.rm.in != inReg:
		case d.group() == 2:
			i.op = opCall
		case d.group() == 4:
			i.op = opJmp
		}
	}
}

// byteReg refuses the registers ah, ch, dh and bh, which no REX turns into spl to dil.
func (d *decoder) byteReg(o operand) {
	d.bad = d.bad || o.in == inReg && o.reg >= RSP && o.reg <= RDI && d.rex == 0
}

func (d *decoder) storedImm(b byte) {
	switch {
	case b == 0xc6:
		d.i.w, d.i.imm = 1, d.imm8()
	case d.i.w == 2:
		d.i.imm = int64(int16(binary.LittleEndian.Uint16(d.bytes(2))))
	default:
		d.i.imm = d.imm32()
	}
}

func (d *decoder) shift(b byte) {
	d.modrm()
	i := &d.i
	i.op, i.dst = shifts[d.group()], d.rm
	switch b {
	case 0xc1:
		i.src, i.imm = immOperand, int64(d.byte())
	case 0xd1:
		i.src, i.imm = immOperand, 1
	default:
		i.src = regOperand(RCX)
	}
	d.bad = d.bad || i.op == opRor && i.w != 2 || i.dst.in != inReg
}

func (d *decoder) unary() {
	d.modrm()
	i := &d.i
	i.dst = d.rm
	switch d.group() {
	case 0:
		i.op, i.src, i.imm = opTest, immOperand, d.imm32()
	case 3:
		i.op = opNeg
	case 4:
		i.op = opMul
	case 6:
		i.op = opDiv
	case 7:
		i.op = opIdiv
	}
	d.bad = d.bad || i.dst.in != inReg
}

func (d *decoder) twoBytes() {
	i := &d.i
	switch b := d.byte(); {
	case b == 0x1e && d.rep: // endbr64
		i.op = opNop
		d.bad = d.bad || d.byte() != 0xfa
	case b == 0x1f:
		d.modrm()
		i.op, i.mem = opNop, address{base: noReg, index: noReg}
		d.bad = d.bad || d.group() != 0
	case b&0xf0 == 0x80:
		i.op, i.cond, i.imm = opJcc, b&15, d.imm32()
	case b == 0xae:
		if d.byte() == 0xe8 {
			i.op = opNop
		}
	case b == 0xaf:
		d.modrm()
		i.op, i.dst, i.src = opImul, d.reg(), d.rm
	case b == 0xb6 || b == 0xb7 || b == 0xbe || b == 0xbf:
		d.modrm()
		i.op, i.dst, i.src, i.from = opMovzx, d.reg(), d.rm, 1
		if b >= 0xbe {
			i.op = opMovsx
		}
		if b&1 != 0 {
			i.from = 2
		} else {
			d.byteReg(i.src)
		}
	case b == 0xb1 || b == 0xc1:
		d.modrm()
		i.op, i.dst, i.src = opCmpxchg, d.rm, d.reg()
		if b == 0xc1 {
			i.op = opXadd
		}
		d.bad = d.bad || i.dst.in != inMem
	case b&0xf8 == 0xc8:
		i.op, i.dst = opBswap, regOperand(Reg(b&7|d.rex<<3&8))
	}
}

// vex reads the shifts of BMI2: shlx, shrx, sarx.
func (d *decoder) vex() {
	p := d.bytes(2)
	d.rex = ^p[0] >> 5 & 7 // R X B stand inverted
	if p[1]&0x80 != 0 {
		d.rex |= 8
	}
	i := &d.i
	i.w = d.width()
	if p[0]&0x1f != 2 || p[1]&4 != 0 || d.byte() != 0xf7 || d.lock || d.word || d.rep {
		d.bad = true
		return
	}
	i.op = [4]opcode{0: opInvalid, 1: opShl, 2: opSar, 3: opShr}[p[1]&3]
	count := regOperand(Reg(^p[1] >> 3 & 15))
	d.modrm()
	// Source and destination are one register in what the compiler emits.
	d.bad = d.bad || d.rm != d.reg()
	i.dst, i.src, i.from = d.rm, count, keepsFlags
}

// keepsFlags in Insn.from marks a shift that leaves the flags alone.
const keepsFlags = 0xff
