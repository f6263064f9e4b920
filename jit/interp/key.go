package interp

import "encoding/binary"

// key appends all that the rest of an execution depends on, and what will be said of its
// path: machines with equal keys have equal futures and add the same to the result.
func (m *machine) key(b []byte) []byte {
	b = appendInt(b, m.pc)
	for _, v := range m.regs {
		b = v.append(b)
	}
	b = appendInt(b, m.lo, m.hi) // around these the context is the world's
	b = append(append(b, m.ctx.bytes[m.lo:m.hi]...), m.ctx.marks[m.lo:m.hi]...)
	b = m.appendViews(b)
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
	b = append(append(b, f.stack.marks...), f.stack.bytes...)
	for i, v := range f.stack.words {
		if f.stack.marks[i*8] == markAddress {
			b = v.append(b)
		}
	}
	return b
}

// appendViews appends the packet and the contents of maps, where they are no longer the
// world's.
func (m *machine) appendViews(b []byte) []byte {
	if len(m.packet) > 0 && &m.packet[0] != &m.w.Packet[0] {
		b = append(b, m.packet...)
	}
	for i, v := range m.views {
		if v.c != &m.w.defs[i].contents {
			b = v.c.append(appendInt(b, i))
		}
	}
	return appendInt(b, -1)
}

func (v value) append(b []byte) []byte {
	b = append(b, byte(v.kind))
	return appendInt(binary.AppendUvarint(b, v.n), int(v.id), int(v.elem))
}

func appendInt(b []byte, ns ...int) []byte {
	for _, n := range ns {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}
