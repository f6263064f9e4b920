//go:build linux && amd64

package native

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"
	"pgregory.net/rapid"

	"tailpoke/jit/host"
)

// A writer writes one random program. Between two blocks of a function
//
//   - R6 is the context, R0 to R5 and R7 to R9 are numbers
//   - fp-8 holds an address: that of the context, or in a function that was called 16 bytes of
//     its caller's
//   - the bytes from fp-depth up to fp-8 are numbers
//
// What differs from run to run, or from the interpreter to the machine, reaches no result: time
// and random numbers are masked away, addresses stay where they are.
type writer struct {
	t   *rapid.T
	skb bool // the context is that of a packet
	out asm.Instructions

	next   string // the symbol of the next instruction
	labels int

	main     bool     // this function is the entry
	depth    int16    // of its stack, in bytes
	extra    int16    // bytes below that, of which the lowest is used
	callable []string // functions that it may call
	counting bool     // R9 counts a loop
	nested   int      // how many branches and loops this is in
}

const (
	plainSize = 64 // of a context that is no packet's, in bytes
	keptAt    = -8 // where a function keeps an address
	lentSize  = 16 // bytes that a function lends to those that it calls
	maxInsns  = 1200
)

func (w *writer) n(below int) int { return drawN(w.t, below) }

// drawN draws a number. It draws large ones digit by digit: rapid prefers small numbers, and what
// stands late in a list would be rare.
func drawN(t *rapid.T, below int) int {
	const base = 8
	if below <= base {
		return rapid.IntRange(0, below-1).Draw(t, "n")
	}
	return (base*drawN(t, (below+base-1)/base) + rapid.IntRange(0, base-1).Draw(t, "digit")) % below
}

func (w *writer) oneIn(n int) bool { return w.n(n) == n-1 }

func pick[T any](w *writer, from ...T) T { return from[w.n(len(from))] }

func (w *writer) add(insns ...asm.Instruction) {
	if w.next != "" && len(insns) > 0 {
		insns[0], w.next = insns[0].WithSymbol(w.next), ""
	}
	w.out = append(w.out, insns...)
}

func (w *writer) label() string {
	w.labels++
	return fmt.Sprintf("l%d", w.labels)
}

// here gives a label to what follows, and lets the way there be seen.
func (w *writer) here(label string) {
	w.next = label
	w.add(asm.Xor.Imm(w.scalar(), 1))
}

// scalars are the registers that hold numbers.
var scalars = []asm.Register{asm.R0, asm.R1, asm.R2, asm.R3, asm.R4, asm.R5, asm.R7, asm.R8, asm.R9}

// scalar is one of them, other than those given.
func (w *writer) scalar(but ...asm.Register) asm.Register {
	var from []asm.Register
next:
	for _, r := range scalars {
		for _, b := range but {
			if r == b {
				continue next
			}
		}
		if r != asm.R9 || !w.counting {
			from = append(from, r)
		}
	}
	return pick(w, from...)
}

// corners are constants at the limits of what fits into something.
var corners = []int32{0, 1, 2, 3, -1, 7, 31, 32, 63, 64, 127, 128, -128, -129, 1000, 1<<31 - 1, -1 << 31}

func (w *writer) constant() int32 {
	if w.n(4) < 3 {
		return pick(w, corners...)
	}
	return rapid.Int32().Draw(w.t, "constant")
}

var sizes = []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord}

// program writes a program: an entry, and up to two functions.
func (w *writer) program(fuel bool) asm.Instructions {
	if w.oneIn(10) {
		w.add(asm.LoadMem(asm.R3, asm.R1, 8, asm.Word), asm.LoadMem(asm.R4, asm.R1, 12, asm.Word))
		w.bare()
		return w.out
	}
	subs := w.n(3)
	for i := range subs {
		w.callable = append(w.callable, fmt.Sprintf("sub%d", i))
	}
	w.main = true
	w.function(fuel)
	for i := range subs {
		w.callable = w.callable[1:] // functions call later ones alone
		w.main = false
		w.next = fmt.Sprintf("sub%d", i)
		if w.oneIn(4) {
			w.bare()
			continue
		}
		w.function(false)
	}
	return w.out
}

func (w *writer) function(fuel bool) {
	w.depth, w.extra = int16(8*(6+pick(w, w.n(8), w.n(20)))), int16(w.n(8))
	w.begin(fuel)
	if w.main {
		w.blocks(w.n(24))
	} else {
		w.blocks(w.n(12))
	}
	if len(w.callable) > 0 && w.n(4) > 0 {
		w.call()
	}
	w.fold()
	if w.main {
		w.showContext()
	}
	w.add(asm.Return())
}

// begin makes what is true between blocks.
func (w *writer) begin(fuel bool) {
	w.add(asm.Mov.Reg(asm.R6, asm.R1))
	from := []asm.Register{asm.R0, asm.R1, asm.R2, asm.R7, asm.R8, asm.R9}
	if w.main {
		w.add(asm.StoreMem(asm.R10, keptAt, asm.R6, asm.DWord))
		from = scalars
	} else {
		w.add(asm.StoreMem(asm.R10, keptAt, asm.R2, asm.DWord))
	}
	if fuel {
		w.burn()
	}
	for i, r := range from {
		w.add(asm.LoadMem(r, asm.R6, int16(8+4*i), asm.Word))
	}
	for off := int16(16); off <= w.depth; off += 8 {
		w.add(asm.StoreMem(asm.R10, -off, scalars[int(off/8)%len(scalars)], asm.DWord))
	}
	w.add(asm.StoreMem(asm.R10, -w.depth-w.extra, asm.R7, asm.Byte))
}

// burn lets an execution enter so many programs and no more: tail calls from functions that each
// have a limit of their own multiply.
func (w *writer) burn() {
	left := w.label()
	w.add(valueAt(asm.R1, "fuel", 0), asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord), asm.JNE.Imm(asm.R2, 0, left),
		asm.Mov.Imm(asm.R0, 77), asm.Return(),
		asm.Sub.Imm(asm.R2, 1).WithSymbol(left), asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord))
}

// fold makes R0 of everything that the function knows.
func (w *writer) fold() {
	for _, r := range scalars[1:] {
		w.add(asm.Mul.Imm(asm.R0, 31), asm.Add.Reg(asm.R0, r))
	}
	w.add(asm.LoadMem(asm.R1, asm.R10, -w.depth-w.extra, asm.Byte), asm.Add.Reg(asm.R0, asm.R1))
	for off := int16(16); off <= w.depth; off += 8 {
		w.add(asm.LoadMem(asm.R1, asm.R10, -off, asm.DWord), asm.Mul.Imm(asm.R0, 31), asm.Add.Reg(asm.R0, asm.R1))
	}
}

// showContext copies the context to the map "seen", after a word that says that it did. There
// is no other way to learn from the interpreter what a context holds in the end.
func (w *writer) showContext() {
	w.add(valueAt(asm.R1, "seen", 0), storeImm(asm.R1, 0, 1, asm.DWord))
	for off := 0; off < w.ctxSize(); off += 4 {
		if w.skb && slices.ContainsFunc(skbAddresses, func(a [2]int) bool { return a[0] <= off && off < a[1] }) {
			continue
		}
		w.add(asm.LoadMem(asm.R2, asm.R6, int16(off), asm.Word))
		w.add(asm.StoreMem(asm.R1, int16(8+off), asm.R2, asm.Word))
	}
}

// bare writes a function without a stack that uses no register but its arguments.
func (w *writer) bare() {
	w.add(asm.Mov.Reg(asm.R0, asm.R3), asm.Xor.Reg(asm.R0, asm.R4))
	if w.n(3) > 0 {
		w.add(w.progs(asm.R2), asm.Mov.Imm(asm.R3, int32(w.n(5))), asm.FnTailCall.Call())
		w.add(asm.Mov.Imm(asm.R0, w.constant()))
	}
	w.add(asm.Return())
}

func (w *writer) ctxSize() int {
	if w.skb {
		return host.SkbSize
	}
	return plainSize
}

// A kind is a kind of block, and how often it is written.
type kind struct {
	weight int
	write  func(*writer)
}

// kinds are the blocks that leave what is true between blocks.
func kinds() []kind {
	return []kind{
		{8, (*writer).alu}, {5, (*writer).stack}, {3, (*writer).context}, {1, (*writer).wide},
		{3, (*writer).variable}, {2, (*writer).kept}, {1, (*writer).addresses},
		{5, (*writer).lookup}, {5, (*writer).update}, {3, (*writer).remove},
		{3, (*writer).legacyLoad}, {3, (*writer).direct}, {2, (*writer).skbBytes},
		{2, (*writer).probe}, {2, (*writer).print}, {1, (*writer).masked},
		{6, (*writer).tailCall}, {4, (*writer).call}, {5, (*writer).branch}, {2, (*writer).loop},
		{1, (*writer).leave},
	}
}

func (w *writer) blocks(n int) {
	for range n {
		w.block()
	}
}

func (w *writer) block() {
	all, total := kinds(), 0
	for _, k := range all {
		total += k.weight
	}
	at := w.n(total)
	for _, k := range all {
		if at < k.weight {
			k.write(w)
			return
		}
		at -= k.weight
	}
}
