package interp

import (
	"encoding/binary"
	"slices"
)

// A memory belongs to one execution: a stack or the context. It remembers which bytes were
// written, which of those are not known, and addresses as such.
type memory struct {
	bytes []byte
	marks []mark
	words []value // by quad word: the address, where the marks say so; nil: addresses are refused
}

// A mark says what a byte is. It is a byte itself, so that marks become part of keys at once.
type mark = byte

const (
	markUnset mark = iota
	markByte
	markUnknown
	markAddress
)

func (s memory) clone() memory {
	return memory{slices.Clone(s.bytes), slices.Clone(s.marks), slices.Clone(s.words)}
}

// load reads size bytes, which there are.
func (s memory) load(at, size int) (value, error) {
	if size == 8 && at%8 == 0 && s.marks[at] == markAddress {
		return s.words[at/8], nil
	}
	known := true
	for _, m := range s.marks[at : at+size] {
		switch m {
		case markUnset:
			return value{}, errUnset
		case markAddress:
			return value{}, errAddress
		case markUnknown:
			known = false
		}
	}
	if !known {
		return value{kind: anything}, nil
	}
	return num(loadBytes(s.bytes[at : at+size])), nil
}

// store writes size bytes, which there are.
func (s memory) store(at, size int, v value) error {
	if v.isAddress() && (s.words == nil || size != 8 || at%8 != 0) {
		return errAddress
	}
	for i := at &^ 7; i < at+size; i += 8 {
		if s.marks[i] == markAddress { // what remains of an address that is overwritten is nothing
			s.forget(i / 8)
		}
	}
	m := markByte
	switch {
	case v.isAddress():
		m = markAddress
		s.words[at/8] = v
	case v.kind == anything:
		m = markUnknown
		clear(s.bytes[at : at+size]) // so that equal states have equal keys
	default:
		storeBytes(s.bytes[at:at+size], v.n)
	}
	for i := range size {
		s.marks[at+i] = m
	}
	return nil
}

func (s memory) forget(word int) {
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

// newStack is the memory below the frame pointer of one function.
func newStack(depth int) memory {
	n := (depth + 7) &^ 7
	return memory{make([]byte, n), make([]mark, n), make([]value, n/8)}
}
