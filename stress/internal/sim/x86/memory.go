package x86

import "encoding/binary"

// A Region is memory from an address on.
type Region struct {
	At    uint64
	Bytes []byte
}

// Within returns n bytes at an address; nil if the region does not have them all.
func (r *Region) Within(at uint64, n uint8) []byte {
	off, size := at-r.At, uint64(len(r.Bytes))
	if at < r.At || off > size || size-off < uint64(n) {
		return nil
	}
	return r.Bytes[off : off+uint64(n)]
}

// Memory is what one thread may read and write.
type Memory struct {
	Stack Region // all of it: what lies below the stack pointer is not in use
	Own   Region // beside the stack
	// Rest reads n bytes that are neither; ok is false where there is nothing to read.
	Rest func(at uint64, n uint8) (v uint64, ok bool)
}

// stackJunk is what stack bytes hold that were not written since they came into use.
const stackJunk = 0xd5

// load reads n bytes. Below the stack pointer sp nothing is kept: an interrupt may write there
// at any time.
func (m *Memory) load(at uint64, n uint8, sp uint64) (uint64, error) {
	if b := m.own(at, n, sp); b != nil {
		return Word(b), nil
	}
	if v, ok := m.Rest(at, n); ok {
		return v, nil
	}
	return 0, m.outside("reads", at, n, sp)
}

func (m *Memory) store(at, v uint64, n uint8, sp uint64) error {
	b := m.own(at, n, sp)
	if b == nil {
		return m.outside("writes", at, n, sp)
	}
	Put(b, v)
	return nil
}

// push writes the quad word at the new stack pointer.
func (m *Memory) push(sp, v uint64) error {
	b := m.Stack.Within(sp, 8)
	if b == nil {
		return crashf("the stack is used up, or the stack pointer is wild: push at %#x", sp)
	}
	Put(b, v)
	return nil
}

// own returns n bytes of the stack in use or of the thread's other memory; nil if they are
// elsewhere.
func (m *Memory) own(at uint64, n uint8, sp uint64) []byte {
	if b := m.Stack.Within(at, n); b != nil {
		if at < sp {
			return nil
		}
		return b
	}
	return m.Own.Within(at, n)
}

func (m *Memory) outside(does string, at uint64, n uint8, sp uint64) error {
	if m.Stack.Within(at, n) != nil {
		return crashf("%s %d bytes at rsp-%#x, below the stack pointer", does, n, sp-at)
	}
	return crashf("%s %d bytes at %#x, which it has no business with", does, n, at)
}

// Word reads 1, 2, 4 or 8 bytes.
func Word(b []byte) uint64 {
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

// Put writes as many bytes as b has: 1, 2, 4 or 8.
func Put(b []byte, v uint64) {
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
