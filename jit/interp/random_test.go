package interp

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"pgregory.net/rapid"
)

// A writer writes a random program for mapWorld with a packet. All the way R6 is the context, R7
// and R8 are numbers, R9 is free, and the 24 bytes below fp-16 were written.
type writer struct {
	t      *rapid.T
	out    asm.Instructions
	labels int
	next   string // the symbol of the next instruction
}

func (w *writer) emit(parts ...any) {
	insns := seq(parts...)
	if w.next != "" {
		insns[0], w.next = insns[0].WithSymbol(w.next), ""
	}
	w.out = append(w.out, insns...)
}

func (w *writer) label() string {
	w.labels++
	return fmt.Sprintf("l%d", w.labels)
}

// here gives a label to what follows.
func (w *writer) here(label string) {
	w.next = label
	w.emit(asm.Mov.Reg(asm.R8, asm.R8)) // two labels may want one place
}

func (w *writer) n(max int) int { return rapid.IntRange(0, max-1).Draw(w.t, "n") }

func (w *writer) imm() int32 {
	return int32(rapid.SampledFrom([]int{0, 1, 2, 3, 5, -1}).Draw(w.t, "imm"))
}

func pick[T any](w *writer, from ...T) T { return from[w.n(len(from))] }

func (w *writer) size() asm.Size { return pick(w, asm.Byte, asm.Half, asm.Word) }

// entry writes a program with a function, and sub that function or an entry of another program.
func randomProgram(t *rapid.T) asm.Instructions {
	w := &writer{t: t}
	w.begin()
	for range 1 + w.n(6) {
		w.block(true)
	}
	w.end()
	w.next = "sub"
	w.begin()
	for range w.n(3) {
		w.block(false)
	}
	w.emit(asm.Mov.Reg(asm.R0, asm.R7), exit)
	return w.out
}

func (w *writer) begin() {
	w.emit(keep, asm.Mov.Imm(asm.R7, w.imm()), asm.Mov.Imm(asm.R8, w.imm()),
		storeWide(asm.R10, -40, 1), storeWide(asm.R10, -32, 2), storeWide(asm.R10, -24, 3))
}

// end returns something that tells what R7 is, sometimes R7 itself.
func (w *writer) end() {
	if w.n(8) == 0 {
		w.emit(asm.Mov.Reg(asm.R0, asm.R7), exit)
		return
	}
	out := w.label()
	w.emit(asm.Mov.Imm(asm.R0, int32(100+w.n(3))), w.jump(out), asm.Mov.Imm(asm.R0, int32(200+w.n(3))), exit.WithSymbol(out))
}

// jump jumps somewhere if R7 is something.
func (w *writer) jump(to string) asm.Instruction {
	op := pick(w, asm.JEq, asm.JNE, asm.JGT, asm.JGE, asm.JLT, asm.JSet, asm.JSGT, asm.JSLE)
	if w.n(3) == 0 {
		return op.Reg(asm.R7, asm.R8, to)
	}
	if w.n(3) == 0 {
		return op.Imm32(asm.R7, w.imm(), to)
	}
	return op.Imm(asm.R7, w.imm(), to)
}

// key puts a key at fp-4, one that may be unknown in one of three cases.
func (w *writer) key() asm.Instructions {
	store := asm.StoreImm(asm.R10, -4, int64(w.n(4)), asm.Word)
	if w.n(3) == 0 {
		store = asm.StoreMem(asm.R10, -4, asm.R7, asm.Word)
	}
	return seq(store, at(asm.R2, -4))
}

func (w *writer) mapName() string {
	return pick(w, "array", "percpu", "hash", "hash", ".bss", ".rodata")
}

func (w *writer) block(main bool) {
	switch w.n(16) {
	case 0:
		w.emit(pick(w, asm.FnKtimeGetNs, asm.FnGetPrandomU32, asm.FnGetSmpProcessorId).Call(), asm.Mov.Reg(asm.R7, asm.R0))
	case 1, 2:
		w.lookup()
	case 3:
		w.emit(w.key(), at(asm.R3, -40), asm.Mov.Imm(asm.R4, int32(w.n(4))), mapPtr(asm.R1, pick(w, "array", "percpu", "hash")),
			asm.FnMapUpdateElem.Call(), asm.Mov.Reg(asm.R7, asm.R0))
	case 4:
		w.emit(w.key(), mapPtr(asm.R1, pick(w, "array", "hash")), asm.FnMapDeleteElem.Call(), asm.Mov.Reg(asm.R7, asm.R0))
	case 5:
		w.arithmetic()
	case 6:
		out := w.label()
		w.emit(w.jump(out), asm.Mov.Imm(asm.R8, w.imm()))
		if w.n(2) == 0 {
			w.emit(ret(int32(300 + w.n(100))))
		}
		w.here(out)
	case 7:
		w.emit(asm.StoreMem(asm.R10, int16(-40+w.n(16)), asm.R7, w.size()), asm.LoadMem(asm.R8, asm.R10, int16(-40+w.n(16)), w.size()))
	case 8:
		w.emit(asm.StoreMem(asm.R6, int16(100+w.n(8)), asm.R7, w.size()), asm.LoadMem(asm.R8, asm.R6, int16(100+w.n(8)), w.size()))
	case 9:
		w.emit(pick(w, asm.LoadAbs(int32(w.n(22)), w.size()), asm.LoadInd(asm.R0, asm.R7, w.imm(), w.size())), asm.Mov.Reg(asm.R7, asm.R0))
	case 10:
		w.emit(restore, mapPtr(asm.R2, "progs"), pick(w, asm.Mov.Imm(asm.R3, int32(w.n(6))), asm.Mov.Reg(asm.R3, asm.R7)), asm.FnTailCall.Call())
	case 11:
		src := pick(w, seq(valuePtr(asm.R3, pick(w, ".bss", ".rodata"), 0)), seq(asm.Mov.Reg(asm.R3, asm.R7)))
		w.emit(at(asm.R1, -32), asm.Mov.Imm(asm.R2, int32(w.n(9))), src, asm.FnProbeRead.Call(), asm.Mov.Reg(asm.R7, asm.R0))
	case 12:
		w.emit(restore, asm.LoadMem(asm.R9, asm.R1, skbData, asm.Word), asm.LoadMem(asm.R7, asm.R9, int16(w.n(16)), w.size()))
	case 13:
		w.emit(restore, pick(w, asm.Mov.Imm(asm.R2, int32(w.n(22))), asm.Mov.Reg(asm.R2, asm.R7)), at(asm.R3, -32), asm.Mov.Imm(asm.R4, int32(w.n(9))),
			asm.FnSkbLoadBytes.Call(), asm.Mov.Reg(asm.R7, asm.R0))
	case 14:
		w.emit(asm.Mov.Reg(asm.R3, asm.R7), valuePtr(asm.R1, ".rodata", 8), asm.Mov.Imm(asm.R2, 4), asm.FnTracePrintk.Call(), asm.Mov.Reg(asm.R7, asm.R0))
	case 15:
		if main {
			w.emit(restore, asm.Call.Label("sub"), asm.Mov.Reg(asm.R7, asm.R0))
			return
		}
		w.emit(valuePtr(asm.R0, ".bss", 8))
		w.access(true)
	}
}

// lookup looks something up, and does something with it.
func (w *writer) lookup() {
	m := w.mapName()
	null, out := w.label(), w.label()
	w.emit(w.key(), mapPtr(asm.R1, m), asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, null))
	w.access(m != ".rodata")
	w.emit(asm.Ja.Label(out))
	w.here(null)
	w.emit(asm.Mov.Imm(asm.R7, w.imm()))
	w.here(out)
}

// access does something with the value of 8 bytes that R0 points to.
func (w *writer) access(writes bool) {
	off, size := int16(w.n(5)), w.size()
	w.emit(asm.Mov.Reg(asm.R9, asm.R0))
	kind := 0
	if writes {
		kind = w.n(4)
	}
	switch kind {
	case 0:
		w.emit(asm.LoadMem(asm.R7, asm.R9, off, size))
	case 1:
		w.emit(asm.StoreMem(asm.R9, off, asm.R7, size), asm.LoadMem(asm.R8, asm.R9, off, size))
	case 2:
		w.emit(pick(w, asm.AddAtomic, asm.FetchAdd, asm.FetchOr, asm.Xchg, asm.AndAtomic).Mem(asm.R9, asm.R7, pick(w, asm.Word, asm.DWord), 0))
	case 3:
		w.emit(asm.Mov.Reg(asm.R0, asm.R8), asm.CmpXchg.Mem(asm.R9, asm.R7, asm.Word, 4), asm.Mov.Reg(asm.R7, asm.R0))
	}
}

func (w *writer) arithmetic() {
	op := pick(w, asm.Add, asm.Sub, asm.And, asm.Or, asm.Xor, asm.LSh, asm.ArSh, asm.Mov, asm.Mul, asm.Div, asm.SMod)
	w.emit(pick(w, op.Reg(asm.R7, asm.R8), op.Imm(asm.R7, w.imm()), op.Reg32(asm.R7, asm.R8), op.Imm32(asm.R8, w.imm()), asm.Mov.Reg(asm.R8, asm.R7)))
}
