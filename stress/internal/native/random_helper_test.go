//go:build linux && amd64

package native

import "github.com/cilium/ebpf/asm"

// Blocks that call helpers, and that access maps and packets.

func mapAt(r asm.Register, name string) asm.Instruction {
	return asm.LoadMapPtr(r, 0).WithReference(name)
}

func valueAt(r asm.Register, name string, off uint32) asm.Instruction {
	return asm.LoadMapValue(r, 0, off).WithReference(name)
}

// Offsets in struct __sk_buff.
const (
	skbData     = 76
	skbDataEnd  = 80
	skbNext     = 84 // what follows data_end
	skbMeta     = 140
	skbMetaNext = 144 // what follows data_meta
)

// skbAddresses are the bytes of struct __sk_buff that hold addresses.
var skbAddresses = [][2]int{{skbData, skbNext}, {skbMeta, skbMetaNext}}

// variable accesses a variable.
func (w *writer) variable() {
	base := w.scalar()
	w.add(valueAt(base, ".bss", 8))
	w.access(base, 0, bssSize-8, true)
	w.number(base)
}

// memory makes a register the address of n bytes that hold numbers. Others stay as they are.
func (w *writer) memory(r asm.Register, n int, written bool) {
	room := int(w.depth) + keptAt - n
	switch k := w.n(8); {
	case k == 5 || room < 0:
		w.add(valueAt(r, ".bss", uint32(8*w.n((bssSize-n)/8+1))))
	case k == 6 && !w.main && n <= lentSize:
		w.add(asm.LoadMem(r, asm.R10, keptAt, asm.DWord), asm.Add.Imm(r, int32(w.n(lentSize-n+1))))
	case k == 7 && !written:
		lo, hi := w.ctxRange()
		w.add(asm.Mov.Reg(r, asm.R6), asm.Add.Imm(r, int32(lo+w.n(hi-lo-n+1))))
	default:
		w.add(asm.Mov.Reg(r, asm.R10), asm.Add.Imm(r, -int32(w.depth)+int32(8*w.n(room/8+1))))
	}
}

// element makes R1 a map and R2 a key of it, and gives the map's name.
func (w *writer) element() string {
	name := pick(w, "array", "hash", "hash", "hash", "odd", "percpu", "pair", ".bss")
	if w.oneIn(4) {
		w.memory(asm.R2, 8, false)
	} else {
		off := int16(-16 - 8*w.n(int(w.depth)/8-1))
		w.add(storeImm(asm.R10, off, int32(w.n(5)), asm.DWord))
		w.add(asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, int32(off)))
	}
	if name == "pair" { // one of two, and the compiler cannot know which
		out := w.label()
		w.add(mapAt(asm.R1, "array"), pick(w, jumpOps...).Imm(asm.R8, w.constant(), out), mapAt(asm.R1, "percpu"),
			asm.Mov.Reg(asm.R3, asm.R8).WithSymbol(out))
		return "array"
	}
	w.add(mapAt(asm.R1, name))
	return name
}

// lookup looks an element up, and accesses its value.
func (w *writer) lookup() {
	size := mapSpecs[w.element()].ValueSize
	w.add(asm.FnMapLookupElem.Call())
	w.refill()
	null, out := w.label(), w.label()
	if w.n(3) > 0 {
		w.add(asm.JEq.Imm(asm.R0, 0, null))
	} else {
		found := w.label()
		w.add(asm.JNE.Imm(asm.R0, 0, found), asm.Ja.Label(null), asm.Mov.Imm(asm.R5, 3).WithSymbol(found))
	}
	base := asm.R0
	if w.n(2) == 0 {
		base = w.scalar(asm.R0)
		w.add(asm.Mov.Reg(base, asm.R0), asm.Mov.Imm(asm.R0, w.constant()))
	}
	if w.oneIn(4) {
		w.add(asm.StoreMem(asm.R10, keptAt, base, asm.DWord), asm.Mov.Imm(base, 0))
		w.add(asm.LoadMem(base, asm.R10, keptAt, asm.DWord))
		w.keep(w.scalar(base))
	}
	w.access(base, 0, size, true)
	w.number(base)
	w.add(asm.Ja.Label(out))
	w.next = null
	w.number(asm.R0)
	w.here(out)
}

func (w *writer) update() {
	name := w.element()
	w.memory(asm.R3, mapSpecs[name].ValueSize, false)
	flags := asm.Mov.Imm(asm.R4, pick(w, int32(0), 0, 0, 1, 2, 3, 4, 5, -1))
	if w.oneIn(8) {
		flags = asm.LoadImm(asm.R4, 1<<32|int64(w.n(3)), asm.DWord)
	}
	w.add(flags, asm.FnMapUpdateElem.Call())
	w.refill()
}

func (w *writer) remove() {
	w.element()
	w.add(asm.FnMapDeleteElem.Call())
	w.refill()
}

// legacyLoad loads from the packet, the way of cBPF.
func (w *writer) legacyLoad() {
	if !w.skb {
		w.alu()
		return
	}
	size := pick(w, sizes[:3]...)
	switch w.n(4) {
	case 0, 1:
		w.add(asm.LoadAbs(int32(pick(w, 0, 4, 8, 30, 62, 90, -1)+w.n(8)), size))
	case 2:
		r := w.scalar()
		w.add(asm.And.Imm(r, 31), asm.LoadInd(asm.R0, r, int32(w.n(20)-3), size))
	default:
		w.add(asm.LoadInd(asm.R0, w.scalar(), pick(w, corners...), size)) // often outside
	}
	w.refill()
}

// direct accesses the packet where it lies, and bounds that first.
func (w *writer) direct() {
	if !w.skb {
		w.alu()
		return
	}
	data := w.scalar()
	end := w.scalar(data)
	limit := w.scalar(data, end)
	w.add(asm.LoadMem(data, asm.R6, skbData, asm.Word), asm.LoadMem(end, asm.R6, skbDataEnd, asm.Word))
	if w.oneIn(4) {
		w.add(asm.Sub.Reg(end, data))
		w.number(data)
		return
	}
	if w.n(2) == 0 {
		w.add(asm.And.Imm(limit, 15), asm.Add.Reg(data, limit))
	}
	n, out := 1+w.n(24), w.label()
	w.add(asm.Mov.Reg(limit, data), asm.Add.Imm(limit, int32(n)),
		pick(w, asm.JGT.Reg(limit, end, out), asm.JLT.Reg(end, limit, out)))
	w.number(limit)
	w.number(end)
	w.access(data, 0, n, false)
	w.here2(out, data, limit)
	w.number(end)
}

func (w *writer) skbBytes() {
	if !w.skb {
		w.alu()
		return
	}
	n := w.n(scratchSize + 1)
	w.add(pick(w, asm.Mov.Imm(asm.R2, int32(w.n(90))), asm.Mov.Reg(asm.R2, w.scalar())))
	look := w.destination(asm.R3, n)
	w.add(asm.Mov.Imm(asm.R4, int32(n)), asm.Mov.Reg(asm.R1, asm.R6), asm.FnSkbLoadBytes.Call())
	w.refill()
	look()
}

// scratchSize is the size of what only helpers write, below the rest of the stack.
const scratchSize = 16

// destination makes a register the address of n bytes for a helper to write. What it gives may
// look at them then.
func (w *writer) destination(r asm.Register, n int) (look func()) {
	if n == 0 || w.n(2) == 0 {
		w.memory(r, n, true)
		return func() {}
	}
	at := -w.depth - 8 - scratchSize
	w.add(asm.Mov.Reg(r, asm.R10), asm.Add.Imm(r, int32(at)))
	if w.n(2) == 0 { // nothing shows the stack to be so deep but the address
		return func() {}
	}
	return func() { w.add(asm.LoadMem(w.scalar(), asm.R10, at+int16(w.n(n)), asm.Byte)) }
}

// probe reads memory of its own, or none.
func (w *writer) probe() {
	n := w.n(scratchSize + 1)
	if w.n(3) > 0 {
		w.memory(asm.R3, n, false)
	} else {
		w.add(pick(w, asm.Mov.Imm(asm.R3, int32(w.n(4096))), asm.LoadImm(asm.R3, -4096, asm.DWord)))
	}
	look := w.destination(asm.R1, n)
	fn := pick(w, asm.FnProbeRead, asm.FnProbeReadKernel, asm.FnProbeReadUser)
	w.add(asm.Mov.Imm(asm.R2, int32(n)), fn.Call())
	w.refill()
	look()
}

// formats are what programs print. Each has formatSize bytes of the map ".rodata". An s stands
// for a string among the arguments, an n for a number.
var formats = []struct{ text, args string }{
	{"plain", ""}, {"%d %u %x", "nnn"}, {"%lld|%llu", "nn"}, {"%llx,%lX", "nn"}, {"%c%c%c", "nnn"},
	{"[%s]", "s"}, {"%x [%s] %i", "nsn"}, {"%p", "n"}, {"100%%", ""}, {"%s", "n"},
	{"%q", "n"}, {"%d %d %d %d", "nnn"}, {"\x01", ""}, {"%", "n"}, {"%li %lu\t%X", "nnn"},
}

const formatSize = 16

func (w *writer) print() {
	i := w.n(len(formats))
	f := formats[i]
	for j, arg := range f.args {
		r := asm.R3 + asm.Register(j)
		switch {
		case arg == 's':
			w.add(valueAt(r, ".rodata", uint32(formatSize*w.n(len(formats)))))
		case w.n(2) == 0:
			w.add(asm.Mov.Reg(r, pick(w, asm.R0, asm.R7, asm.R8)))
		default:
			w.add(asm.Mov.Imm(r, w.constant()))
		}
	}
	size := len(f.text) + 1
	if w.oneIn(6) {
		size += w.n(3) - 1
	}
	w.add(valueAt(asm.R1, ".rodata", uint32(formatSize*i)), asm.Mov.Imm(asm.R2, int32(size)))
	w.add(asm.FnTracePrintk.Call())
	w.refill()
}

// masked asks for what cannot be predicted, and keeps the part that can be.
func (w *writer) masked() {
	switch w.n(3) {
	case 0:
		w.add(asm.FnGetSmpProcessorId.Call())
	case 1:
		w.add(asm.FnGetPrandomU32.Call(), asm.RSh.Imm(asm.R0, 32)) // it has 32 bits
	default:
		w.add(asm.FnKtimeGetNs.Call(), asm.And.Imm(asm.R0, 0))
	}
	w.refill()
}
