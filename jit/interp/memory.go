package interp

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A stack is the memory below the frame pointer of one function. It remembers which bytes
// were written, and addresses as such.
type stack struct {
	bytes []byte
	marks []mark
	words []value // by quad word: the address, where the marks say so
}

type mark uint8

const (
	markUnset mark = iota
	markByte
	markAddress
)

func newStack(depth int) stack {
	n := (depth + 7) &^ 7
	return stack{make([]byte, n), make([]mark, n), make([]value, n/8)}
}

func (s stack) clone() stack {
	return stack{slices.Clone(s.bytes), slices.Clone(s.marks), slices.Clone(s.words)}
}

// at turns an offset from the frame pointer into one from the stack's lowest byte.
func (s stack) at(off int64, size int) (int, error) {
	at := off + int64(len(s.bytes))
	if off < -int64(len(s.bytes)) || at+int64(size) > int64(len(s.bytes)) {
		return 0, fmt.Errorf("%w: %d bytes at %+d of a stack of %d", errBounds, size, off, len(s.bytes))
	}
	return int(at), nil
}

func (s stack) load(off int64, size int) (value, error) {
	at, err := s.at(off, size)
	if err != nil {
		return value{}, err
	}
	if size == 8 && at%8 == 0 && s.marks[at] == markAddress {
		return s.words[at/8], nil
	}
	for _, m := range s.marks[at : at+size] {
		switch m {
		case markUnset:
			return value{}, fmt.Errorf("%w: stack at %+d", errUnset, off)
		case markAddress:
			return value{}, errAddress
		}
	}
	return num(loadBytes(s.bytes[at : at+size])), nil
}

func (s stack) store(off int64, size int, v value) error {
	at, err := s.at(off, size)
	if err != nil {
		return err
	}
	if v.isAddress() && (size != 8 || at%8 != 0) {
		return errAddress
	}
	for i := at &^ 7; i < at+size; i += 8 {
		if s.marks[i] == markAddress { // what remains of an address that is overwritten is nothing
			s.forget(i / 8)
		}
	}
	m := markByte
	if v.isAddress() {
		m = markAddress
		s.words[at/8] = v
	} else {
		storeBytes(s.bytes[at:at+size], v.n)
	}
	for i := range size {
		s.marks[at+i] = m
	}
	return nil
}

// forget makes a quad word unset.
func (s stack) forget(word int) {
	s.words[word] = value{}
	for i := range 8 {
		s.marks[word*8+i], s.bytes[word*8+i] = markUnset, 0
	}
}

func loadBytes(b []byte) uint64 {
	var word [8]byte
	copy(word[:], b)
	return binary.LittleEndian.Uint64(word[:])
}

func storeBytes(b []byte, v uint64) {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], v)
	copy(b, word[:])
}

// load reads size bytes at an address.
func (m *machine) load(addr value, size int) (value, error) {
	switch addr.kind {
	case inStack:
		return m.frames[addr.id].stack.load(int64(addr.n), size)
	case inCtx:
		b, err := m.ctxBytes(addr, size)
		if err != nil {
			return value{}, err
		}
		return num(loadBytes(b)), nil
	case unset:
		return value{}, errUnset
	}
	return value{}, fmt.Errorf("reads memory through %v", addr.kind)
}

// store writes size bytes at an address.
func (m *machine) store(addr value, size int, v value) error {
	if v.kind == unset {
		return errUnset
	}
	switch addr.kind {
	case inStack:
		return m.frames[addr.id].stack.store(int64(addr.n), size, v)
	case inCtx:
		n, err := v.asNumber()
		if err != nil {
			return err
		}
		b, err := m.ctxBytes(addr, size)
		if err != nil {
			return err
		}
		storeBytes(b, n)
		m.wrote(int(addr.n), size)
		return nil
	case unset:
		return errUnset
	}
	return fmt.Errorf("writes memory through %v", addr.kind)
}

func (m *machine) ctxBytes(addr value, size int) ([]byte, error) {
	off := int64(addr.n)
	if off < 0 || off > int64(len(m.ctx)-size) {
		return nil, fmt.Errorf("%w: %d bytes at %+d of a context of %d", errBounds, size, off, len(m.ctx))
	}
	return m.ctx[off : off+int64(size)], nil
}
