package sim

import "encoding/binary"

// memory is what one thread may read and write: its stack and its context, which are its own,
// and data that nobody writes but the mutator.
type memory struct {
	stack   []byte // all of it, from stackAt up
	stackAt uint64
	ctx     []byte
	ctxAt   uint64
	data    *data
	pointer uint64 // what the shared load of this step reads, see data.pointerAt
}

// load reads n bytes. Below the stack pointer sp nothing is kept: an interrupt may write there
// at any time.
func (m *memory) load(at uint64, n uint8, sp uint64) (uint64, error) {
	if b := m.own(at, n, sp); b != nil {
		return word(b), nil
	}
	if _, ok := m.data.pointerAt(at, n); ok {
		return m.pointer, nil
	}
	if b := m.data.at(at, n); b != nil {
		return word(b), nil
	}
	return 0, m.outside("reads", at, n, sp)
}

func (m *memory) store(at, v uint64, n uint8, sp uint64) error {
	b := m.own(at, n, sp)
	if b == nil {
		return m.outside("writes", at, n, sp)
	}
	put(b, v)
	return nil
}

// push writes the quad word at the new stack pointer.
func (m *memory) push(sp, v uint64) error {
	b := within(m.stack, m.stackAt, sp, 8)
	if b == nil {
		return crashf("the stack is used up, or the stack pointer is wild: push at %#x", sp)
	}
	put(b, v)
	return nil
}

// own returns n bytes of the stack in use or of the context; nil if they are elsewhere.
func (m *memory) own(at uint64, n uint8, sp uint64) []byte {
	if b := within(m.stack, m.stackAt, at, n); b != nil {
		if at < sp {
			return nil
		}
		return b
	}
	return within(m.ctx, m.ctxAt, at, n)
}

func (m *memory) outside(does string, at uint64, n uint8, sp uint64) error {
	if within(m.stack, m.stackAt, at, n) != nil {
		return crashf("%s %d bytes at rsp-%#x, below the stack pointer", does, n, sp-at)
	}
	return crashf("%s %d bytes at %#x, which it has no business with", does, n, at)
}

// within returns n bytes at an address of a region that starts at from.
func within(region []byte, from, at uint64, n uint8) []byte {
	off := at - from
	if at < from || off > uint64(len(region)) || uint64(len(region))-off < uint64(n) {
		return nil
	}
	return region[off : off+uint64(n)]
}

func word(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func put(b []byte, v uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// data is what programs read beside their own memory: the structs of prog arrays, and those
// of programs, which say where a program's text is.
type data struct {
	regions []region
}

// region is one struct. In that of a prog array the words from pointers on change; the bytes
// there are not used.
type region struct {
	at       uint64
	bytes    []byte
	pointers uint64 // address of the first pointer; 0 in the struct of a program
	array    int
}

// at returns n bytes that never change; nil where there are none.
func (d *data) at(at uint64, n uint8) []byte {
	for i := range d.regions {
		r := &d.regions[i]
		if b := within(r.bytes, r.at, at, n); b != nil && (r.pointers == 0 || at+uint64(n) <= r.pointers) {
			return b
		}
	}
	return nil
}

// pointerOf is a word of a prog array that the mutator writes.
type pointerOf struct{ array, index int }

// pointerAt finds the pointer that a load of n bytes reads.
func (d *data) pointerAt(at uint64, n uint8) (pointerOf, bool) {
	for i := range d.regions {
		r := &d.regions[i]
		if r.pointers == 0 || within(r.bytes, r.at, at, n) == nil || at < r.pointers || n != 8 || at%8 != 0 {
			continue
		}
		return pointerOf{r.array, int(at-r.pointers) / 8}, true
	}
	return pointerOf{}, false
}
