package interp

import "encoding/binary"

// key appends all that the rest of an execution depends on, and what will be said of its
// path: machines with equal keys have equal futures and add the same to the result.
func (m *machine) key(b []byte) []byte {
	b = appendInt(b, m.pc)
	for _, v := range m.regs {
		b = v.append(b)
	}
	b = appendInt(b, m.lo, m.hi, len(m.ctx))
	b = append(b, m.ctx...)
	missed := 0
	if m.missed {
		missed = 1
	}
	b = appendInt(b, missed, len(m.last))
	b = append(b, m.last...)
	for i := range m.frames {
		b = m.frames[i].append(b, m.w)
	}
	return b
}

func (f *frame) append(b []byte, w *world) []byte {
	b = appendInt(b, int(w.programID(f.prog)), f.fn, f.ret, int(f.counter))
	for _, v := range f.saved {
		b = v.append(b)
	}
	for i, v := range f.stack.words {
		for _, mk := range f.stack.marks[i*8 : i*8+8] {
			b = append(b, byte(mk))
		}
		b = append(b, f.stack.bytes[i*8:i*8+8]...)
		b = v.append(b)
	}
	return b
}

func (v value) append(b []byte) []byte {
	b = append(b, byte(v.kind))
	return appendInt(binary.AppendUvarint(b, v.n), int(v.id))
}

func appendInt(b []byte, ns ...int) []byte {
	for _, n := range ns {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}
