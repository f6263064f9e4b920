package x86

import (
	"bytes"
	"encoding/binary"
)

// decoder reads one instruction.
type decoder struct {
	code []byte
	at   int
	bad  bool // it ran off the end, or met what the compiler does not emit

	rex       byte
	word      bool // operand size prefix
	rep, lock bool

	rm operand // of ModRM
	ro byte    // its reg field, extended by REX
	i  Insn
}

// Decode reads the instruction at the start of code. It knows the forms that package jit emits
// and no others: everything else gives an instruction that is not valid.
func Decode(code []byte) Insn {
	d := decoder{code: code}
	d.i.mem = address{base: noReg, index: noReg}
	d.prefixes()
	d.opcode()
	if d.bad {
		return Insn{}
	}
	d.i.lock = d.lock
	d.i.size = uint8(d.at)
	return d.i
}

func (d *decoder) byte() byte {
	if d.at >= len(d.code) {
		d.bad = true
		return 0
	}
	d.at++
	return d.code[d.at-1]
}

func (d *decoder) bytes(n int) []byte {
	if d.at+n > len(d.code) {
		d.bad = true
		return make([]byte, n)
	}
	d.at += n
	return d.code[d.at-n : d.at]
}

func (d *decoder) imm8() int64  { return int64(int8(d.byte())) }
func (d *decoder) imm32() int64 { return int64(int32(binary.LittleEndian.Uint32(d.bytes(4)))) }

// oldNop is the nop of five bytes of up to 5.12, of which all but the last are prefixes.
const oldNop = "\x66\x66\x66\x66\x90"

// prefixes reads what stands before the opcode: one of the old prefixes at most, but in the old nop,
// then REX.
func (d *decoder) prefixes() {
	if bytes.HasPrefix(d.code, []byte(oldNop)) {
		d.at, d.word = len(oldNop)-1, true
		return
	}
	switch d.peek() {
	case 0x66:
		d.word = true
	case 0xf3:
		d.rep = true
	case 0xf0:
		d.lock = true
	default:
		d.at--
	}
	if d.at++; d.peek()&0xf0 == 0x40 {
		d.rex = d.byte()
	}
}

func (d *decoder) peek() byte {
	if d.at < len(d.code) {
		return d.code[d.at]
	}
	return 0
}

// width is the size of the operation by its prefixes.
func (d *decoder) width() uint8 {
	switch {
	case d.rex&8 != 0:
		return 8
	case d.word:
		return 2
	}
	return 4
}

// modrm reads ModRM, and what follows it of an address.
func (d *decoder) modrm() {
	m := d.byte()
	d.ro = m>>3&7 | d.rex<<1&8
	rm := Reg(m&7 | d.rex<<3&8)
	mod := m >> 6
	if mod == 3 {
		d.rm = regOperand(rm)
		return
	}
	d.rm = memOperand
	a := &d.i.mem
	a.base = rm
	if m&7 == 4 {
		sib := d.byte()
		a.base = Reg(sib&7 | d.rex<<3&8)
		a.index, a.scale = Reg(sib>>3&7|d.rex<<2&8), 1<<(sib>>6)
		if a.index == RSP {
			a.index = noReg
		}
		d.bad = d.bad || mod == 0 && sib&7 == 5
	}
	switch {
	case mod == 1:
		a.disp = int32(d.imm8())
	case mod == 2:
		a.disp = int32(d.imm32())
	case m&7 == 5:
		a.base, a.rip, a.disp = noReg, true, int32(d.imm32())
	}
}
