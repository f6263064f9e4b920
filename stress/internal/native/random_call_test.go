//go:build linux && amd64

package native

import "github.com/cilium/ebpf/asm"

// Blocks that call functions and make tail calls.

// call calls a function of the program, with the context, the address of a few bytes, and three
// numbers.
func (w *writer) call() {
	if len(w.callable) == 0 {
		w.alu()
		return
	}
	name := pick(w, w.callable...)
	w.add(asm.Mov.Reg(asm.R1, asm.R6))
	w.memory(asm.R2, lentSize, true)
	if w.main && w.oneIn(4) { // if functions did, they could call themselves, for all that Parse knows
		r := pick(w, asm.R0, asm.R7)
		w.add(loadFunc(r, name), asm.Instruction{OpCode: callX, Dst: r})
		w.number(asm.R7)
	} else {
		w.add(asm.Call.Label(name))
	}
	if w.main { // what was shown of the context may not stay true
		w.add(valueAt(asm.R1, "seen", 0), storeImm(asm.R1, 0, 0, asm.DWord))
	}
	w.refill()
}

const callX = asm.OpCode(0x8d)

func loadFunc(dst asm.Register, name string) asm.Instruction {
	load := asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: dst, Src: asm.PseudoFunc, Constant: -1}
	return load.WithReference(name)
}

// refill makes numbers of the registers that a call loses.
func (w *writer) refill() {
	for r := asm.R1; r <= asm.R5; r++ {
		w.add(asm.LoadMem(r, asm.R6, int16(8+4*w.n(8)), asm.Word))
	}
}

// tailCall makes a tail call, of a key that is known or that is not.
func (w *writer) tailCall() {
	key := asm.Mov.Imm(asm.R3, int32(w.n(6)))
	switch w.n(6) {
	case 3:
		key = asm.Mov.Reg(asm.R3, w.scalar()) // often none that there is
	case 4:
		key = asm.LoadImm(asm.R3, int64(w.n(6))|int64(w.n(3))<<32, asm.DWord)
	case 5:
		r := w.scalar()
		w.add(asm.And.Imm(r, 3))
		key = asm.Mov.Reg(asm.R3, r)
	}
	w.add(key)
	if w.oneIn(6) {
		w.eitherProgs()
	} else {
		w.add(w.progs(asm.R2))
	}
	w.add(asm.Mov.Reg(asm.R1, asm.R6), asm.FnTailCall.Call(), asm.Mov.Imm(asm.R0, w.constant()))
	w.refill()
}

func (w *writer) progs(r asm.Register) asm.Instruction { return mapAt(r, pick(w, "progs", "few")) }

// eitherProgs makes R2 one of two arrays, which one is found out as the program runs.
func (w *writer) eitherProgs() {
	out := w.label()
	w.add(mapAt(asm.R2, "progs"), pick(w, jumpOps...).Imm(asm.R7, w.constant(), out), mapAt(asm.R2, "few"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol(out))
}
