//go:build linux && amd64

package native

import "github.com/cilium/ebpf/asm"

// Blocks of arithmetic, memory and control.

var aluOps = []asm.ALUOp{
	asm.Add, asm.Sub, asm.Mul, asm.Div, asm.SDiv, asm.Mod, asm.SMod, asm.Or, asm.And, asm.Xor,
	asm.LSh, asm.RSh, asm.ArSh, asm.Mov, asm.MovSX8, asm.MovSX16, asm.MovSX32,
}

var jumpOps = []asm.JumpOp{
	asm.JEq, asm.JNE, asm.JSet, asm.JGT, asm.JGE, asm.JLT, asm.JLE, asm.JSGT, asm.JSGE, asm.JSLT, asm.JSLE,
}

var atomicOps = []asm.AtomicOp{
	asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic,
	asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg, asm.CmpXchg,
}

func (w *writer) alu() {
	dst, src, v, op := w.scalar(), w.scalar(), w.constant(), pick(w, aluOps...)
	byReg, wide := w.n(2) == 0, w.n(2) == 0
	switch op {
	case asm.MovSX8, asm.MovSX16:
		byReg = true
	case asm.MovSX32:
		byReg, wide = true, true
	case asm.LSh, asm.RSh, asm.ArSh:
		v &= 31
		if wide {
			v = v<<1 | v&1
		}
	case asm.Div, asm.SDiv, asm.Mod, asm.SMod:
		if v == 0 {
			v = 3
		}
		if w.n(3) == 0 { // the divisors with rules of their own
			w.add(asm.Mov.Imm(src, pick(w, int32(0), -1)))
		}
	}
	switch w.n(14) {
	case 11:
		w.add(asm.HostTo(pick(w, asm.BE, asm.LE), dst, pick(w, sizes[1:]...)))
	case 12:
		w.add(asm.BSwap(dst, pick(w, sizes[1:]...)))
	case 13:
		neg := pick(w, asm.Neg.Op(asm.ImmSource), asm.Neg.Op32(asm.ImmSource))
		w.add(asm.Instruction{OpCode: neg, Dst: dst})
	default:
		switch {
		case byReg && wide:
			w.add(op.Reg(dst, src))
		case byReg:
			w.add(op.Reg32(dst, src))
		case wide:
			w.add(op.Imm(dst, v))
		default:
			w.add(op.Imm32(dst, v))
		}
	}
}

// wide loads a constant of 64 bits.
func (w *writer) wide() {
	w.add(asm.LoadImm(w.scalar(), int64(w.constant())<<w.n(33)|int64(w.n(256)), asm.DWord))
}

// stack accesses the numbers on the stack.
func (w *writer) stack() { w.access(asm.R10, -int(w.depth), keptAt, true) }

// context accesses the context.
func (w *writer) context() {
	lo, hi := w.ctxRange()
	w.access(asm.R6, lo, hi, false)
}

// ctxRange is a range of the context that holds no addresses.
func (w *writer) ctxRange() (lo, hi int) {
	if !w.skb {
		return 0, plainSize
	}
	between := [][2]int{{4, skbData}, {skbNext, skbMeta}, {skbMetaNext, w.ctxSize()}} // the length stays what it is
	r := between[w.n(len(between))]
	return r[0], r[1]
}

// kept accesses what the kept address leads to: bytes of the caller, or the context.
func (w *writer) kept() {
	base := w.scalar()
	w.add(asm.LoadMem(base, asm.R10, keptAt, asm.DWord))
	if w.main {
		lo, hi := w.ctxRange()
		w.access(base, lo, hi, false)
	} else {
		w.access(base, 0, lentSize, true)
	}
	w.number(base)
}

// number makes a register a number again that was an address.
func (w *writer) number(r asm.Register) { w.add(asm.Mov.Imm(r, w.constant())) }

// access reads and writes between two offsets from a register. Atomic operations are aligned.
func (w *writer) access(base asm.Register, lo, hi int, atomics bool) {
	for range 1 + w.n(3) {
		size := pick(w, sizes...)
		bytes := size.Sizeof()
		if bytes > hi-lo {
			size, bytes = asm.Byte, 1
		}
		off, aligned := lo+w.n(hi-lo-bytes+1), (lo+bytes-1)&^(bytes-1)
		fits := aligned+bytes <= hi
		if fits {
			aligned += bytes * w.n((hi-aligned)/bytes)
		}
		if base == asm.R10 { // the kernel wants it of a stack
			off = aligned
		}
		w.accessOnce(base, int16(off), int16(aligned), size, atomics && fits)
	}
}

func (w *writer) accessOnce(base asm.Register, off, aligned int16, size asm.Size, atomics bool) {
	r := w.scalar(base)
	switch k := w.n(10); {
	case k < 2:
		w.add(asm.LoadMem(r, base, off, size))
	case k < 4:
		w.add(asm.StoreMem(base, off, r, size))
	case k == 4:
		w.add(storeImm(base, off, w.constant(), size))
	case k == 5 && size != asm.DWord:
		w.add(asm.LoadMemSX(r, base, off, size))
	case k == 6:
		w.add(pick(w, asm.LoadAcquire(r, base, size, off), asm.StoreRelease(base, r, size, off)))
	case !atomics || size.Sizeof() < 4:
		w.add(asm.LoadMem(r, base, off, size))
	default:
		w.atomic(base, r, aligned, size)
	}
}

// atomic reads, changes and writes. Compared is at times with what is there, or with that and
// something in the upper half.
func (w *writer) atomic(base, r asm.Register, off int16, size asm.Size) {
	op := pick(w, atomicOps...)
	switch {
	case op == asm.CmpXchg && base == asm.R0:
		op = asm.Xchg
	case op == asm.CmpXchg && w.n(2) == 0:
		w.add(asm.LoadMem(asm.R0, base, off, size))
		if upper := w.scalar(base, asm.R0); w.n(2) == 0 {
			w.add(asm.LoadImm(upper, 1<<32, asm.DWord), asm.Or.Reg(asm.R0, upper))
		}
	}
	w.add(op.Mem(base, r, size, off))
}

// storeImm stores a constant in any size; the assembler's refuses quad words.
func storeImm(base asm.Register, off int16, v int32, size asm.Size) asm.Instruction {
	return asm.Instruction{OpCode: asm.StoreImmOp(size), Dst: base, Offset: off, Constant: int64(v)}
}

// addresses computes with addresses on the stack.
func (w *writer) addresses() {
	a := w.scalar()
	b := w.scalar(a)
	w.add(asm.Mov.Reg(a, asm.R10), asm.Add.Imm(a, int32(-w.n(int(w.depth)))))
	w.add(asm.Mov.Reg(b, asm.R10), asm.Sub.Imm(b, int32(w.n(int(w.depth)))))
	switch w.n(3) {
	case 0:
		w.add(asm.Sub.Reg(a, b))
		w.number(b)
	case 1:
		out := w.label()
		op := pick(w, asm.JGT, asm.JGE, asm.JLT, asm.JLE, asm.JEq, asm.JNE)
		w.add(op.Reg(a, b, out), asm.Xor.Imm(w.scalar(a, b), 2))
		w.here2(out, a, b)
	default:
		w.add(asm.StoreMem(asm.R10, keptAt, a, asm.DWord), asm.LoadMem(b, asm.R10, keptAt, asm.DWord))
		w.add(asm.Sub.Reg(a, b))
		w.keep(b)
	}
}

// keep keeps an address where functions do, by way of a register.
func (w *writer) keep(by asm.Register) {
	if w.main {
		w.add(asm.StoreMem(asm.R10, keptAt, asm.R6, asm.DWord))
	} else {
		w.add(asm.Mov.Reg(by, asm.R10), asm.Add.Imm(by, keptAt-lentSize))
		w.add(asm.StoreMem(asm.R10, keptAt, by, asm.DWord))
	}
	w.number(by)
}

// here2 gives a label to what makes two registers numbers.
func (w *writer) here2(label string, a, b asm.Register) {
	w.next = label
	w.number(a)
	w.number(b)
}

// condition jumps if something is true of numbers.
func (w *writer) condition(to string) asm.Instruction {
	op, dst, src, v := pick(w, jumpOps...), w.scalar(), w.scalar(), w.constant()
	return pick(w, op.Imm(dst, v, to), op.Reg(dst, src, to), op.Imm32(dst, v, to), op.Reg32(dst, src, to))
}

// branch writes a jump over a few blocks, at times with an alternative.
func (w *writer) branch() {
	if w.nested > 2 || len(w.out) > maxInsns {
		w.alu()
		return
	}
	w.nested++
	out := w.label()
	w.add(w.condition(out))
	w.blocks(1 + w.n(4))
	if w.n(3) == 0 {
		end := w.label()
		w.add(pick(w, asm.Ja.Label(end), asm.LongJump(end)))
		w.here(out)
		w.blocks(1 + w.n(3))
		out = end
	}
	w.here(out)
	w.nested--
}

// loop goes round a few times.
func (w *writer) loop() {
	if w.counting || w.nested > 1 || len(w.out) > maxInsns {
		w.alu()
		return
	}
	w.nested++
	w.add(asm.Mov.Imm(asm.R9, int32(1+w.n(4))))
	w.counting = true
	top := w.label()
	w.here(top)
	w.blocks(1 + w.n(4))
	w.add(asm.Sub.Imm(asm.R9, 1), asm.JNE.Imm(asm.R9, 0, top))
	w.counting = false
	w.nested--
}

// leave returns, from within a branch.
func (w *writer) leave() {
	if w.nested == 0 {
		w.alu()
		return
	}
	out := w.label()
	w.add(w.condition(out), asm.Mov.Imm(asm.R0, w.constant()), asm.Return())
	w.here(out)
}
