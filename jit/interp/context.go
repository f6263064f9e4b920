package interp

import "fmt"

// CtxKind says what a context is.
type CtxKind uint8

const (
	// CtxPlain is memory without a meaning, such as the registers that a probe gets.
	CtxPlain CtxKind = iota
	// CtxSkb is struct __sk_buff: its fields data and data_end are addresses in the packet.
	// They are read as four bytes, and not written; every other field is the bytes in World.Ctx.
	CtxSkb
)

// Offsets in struct __sk_buff, in bytes.
const (
	skbData    = 76
	skbDataEnd = 80
	skbNext    = 84 // what follows data_end
)

func newContext(bytes []byte) memory {
	c := memory{bytes: bytes, marks: make([]mark, len(bytes))}
	for i := range c.marks {
		c.marks[i] = markByte
	}
	return c
}

// bounds says whether size bytes at an offset touch the packet's bounds.
func (k CtxKind) bounds(at, size int) bool {
	return k == CtxSkb && at < skbNext && at+size > skbData
}

func (m *machine) loadCtx(at, size int) (value, error) {
	switch {
	case !m.w.CtxKind.bounds(at, size):
		return m.ctx.load(at, size)
	case at == skbData && size == 4:
		return value{kind: inPacket}, nil
	case at == skbDataEnd && size == 4:
		return value{kind: inPacket, n: uint64(len(m.packet))}, nil
	}
	return value{}, fmt.Errorf("%w: %d bytes at %+d of the context", errAddress, size, at)
}

func (m *machine) storeCtx(at, size int, v value) error {
	if m.w.CtxKind.bounds(at, size) {
		return fmt.Errorf("writes an address of the packet: %d bytes at %+d of the context", size, at)
	}
	if !m.ownCtx {
		m.ctx, m.ownCtx = m.ctx.clone(), true
	}
	if err := m.ctx.store(at, size, v); err != nil {
		return err
	}
	m.wrote(at, size)
	return nil
}

// wrote widens the range of written bytes.
func (m *machine) wrote(off, size int) {
	if m.lo == m.hi {
		m.lo, m.hi = off, off+size
		return
	}
	m.lo, m.hi = min(m.lo, off), max(m.hi, off+size)
}
