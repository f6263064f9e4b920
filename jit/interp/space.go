package interp

import "fmt"

// extent is the range of offsets in the memory that an address points into, [lo, hi).
func (m *machine) extent(addr value) (lo, hi int64, ok bool) {
	switch addr.kind {
	case inStack:
		return -int64(len(m.frames[addr.id].stack.bytes)), 0, true
	case inCtx:
		return 0, int64(len(m.ctx.bytes)), true
	case inPacket:
		return 0, int64(len(m.packet)), true
	case inValue:
		return 0, int64(m.w.defs[addr.id].ValueSize), true
	}
	return 0, 0, false
}

// inside says whether size bytes at an address are within its memory. It is asked before
// every access; does is the verb for the error.
func (m *machine) inside(addr value, size int, does string) error {
	lo, hi, ok := m.extent(addr)
	off := int64(addr.n)
	switch {
	case addr.kind == unset:
		return errUnset
	case !ok:
		return fmt.Errorf("%s memory through %v", does, addr.kind)
	case off >= lo && off <= hi-int64(size):
		return nil
	}
	what := map[kind]string{inStack: "a stack", inCtx: "a context", inPacket: "a packet"}[addr.kind]
	if addr.kind == inValue {
		what = "a value of map " + m.w.maps[addr.id]
	}
	return fmt.Errorf("%w: %d bytes at %+d of %s of %d", errBounds, size, off, what, hi-lo)
}

// load reads size bytes at an address.
func (m *machine) load(addr value, size int) (value, error) {
	if err := m.inside(addr, size, "reads"); err != nil {
		return value{}, err
	}
	switch at := int(int64(addr.n)); addr.kind {
	case inStack:
		s := m.frames[addr.id].stack
		v, err := s.load(len(s.bytes)+at, size)
		if err != nil {
			err = fmt.Errorf("%w: stack at %+d", err, at)
		}
		return v, err
	case inCtx:
		return m.loadCtx(at, size)
	case inPacket:
		return num(loadBytes(m.packet[at : at+size])), nil
	default:
		return m.loadValue(addr, size)
	}
}

// store writes size bytes at an address.
func (m *machine) store(addr value, size int, v value) error {
	if v.kind == unset {
		return errUnset
	}
	if err := m.inside(addr, size, "writes"); err != nil {
		return err
	}
	switch at := int(int64(addr.n)); addr.kind {
	case inStack:
		s := m.frames[addr.id].stack
		return s.store(len(s.bytes)+at, size, v)
	case inCtx:
		return m.storeCtx(at, size, v)
	case inPacket:
		return m.storePacket(at, size, v)
	default:
		return m.storeValue(addr, size, v)
	}
}

// read reads n bytes for a helper. They are known if all of them are.
func (m *machine) read(addr value, n int) (data []byte, known bool, err error) {
	if err := m.inside(addr, n, "reads"); err != nil {
		return nil, false, err
	}
	data, known = make([]byte, n), true
	for i := range data {
		b, err := m.load(addr, 1)
		if err != nil {
			return nil, false, err
		}
		data[i], known = byte(b.n), known && b.kind == number
		addr.n++
	}
	return data, known, nil
}

// write writes what a helper gives, or as many unknown bytes.
func (m *machine) write(addr value, data []byte, known bool) error {
	for _, b := range data {
		v := num(uint64(b))
		if !known {
			v = value{kind: anything}
		}
		if err := m.store(addr, 1, v); err != nil {
			return err
		}
		addr.n++
	}
	return nil
}
