package interp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// MapKind is what kind of map one is.
type MapKind uint8

// The kinds.
const (
	Array MapKind = iota
	// PerCPUArray is an array of which every CPU has its own. A Map has the contents for the one
	// CPU that runs the program.
	PerCPUArray
	Hash
	// ProgArray is an array of programs. What it holds, World.Held says.
	ProgArray
)

func (k MapKind) String() string {
	switch k {
	case Array:
		return "an array"
	case PerCPUArray:
		return "a per-CPU array"
	case Hash:
		return "a hash"
	case ProgArray:
		return "a prog array"
	}
	return fmt.Sprintf("MapKind(%d)", uint8(k))
}

// A Map is a map and what it contains. The elements of arrays exist from the beginning, and
// are zero. [Run] changes the contents; one goroutine at a time may run a program with it.
type Map struct {
	Kind               MapKind
	KeySize, ValueSize uint32 // in bytes
	MaxEntries         uint32 // elements
	ReadOnly           bool   // frozen, as .rodata is: programs cannot change it

	contents contents
}

// validate checks that there can be such a map.
func (d *Map) validate() error {
	switch {
	case d.Kind > ProgArray:
		return fmt.Errorf("there is no map of kind %v", d.Kind)
	case d.Kind != Hash && d.KeySize != 4:
		return fmt.Errorf("%v with keys of %d bytes, not 4", d.Kind, d.KeySize)
	case d.KeySize == 0 || d.ValueSize == 0 || d.MaxEntries == 0:
		return errors.New("map without keys, values or elements")
	}
	return nil
}

// Put gives a key a value, also in a map that programs cannot change. Both have the map's
// sizes.
func (d *Map) Put(key, value []byte) error {
	switch err := d.validate(); {
	case err != nil:
		return err
	case d.Kind == ProgArray:
		return errors.New("prog array: what it holds, World.Held says")
	case len(key) != int(d.KeySize) || len(value) != int(d.ValueSize):
		return fmt.Errorf("key of %d bytes and value of %d, not %d and %d", len(key), len(value),
			d.KeySize, d.ValueSize)
	}
	if e := d.refusal(&d.contents, key, 0); e != 0 {
		return fmt.Errorf("key %x: map of %d elements is full or has no such key", key, d.MaxEntries)
	}
	d.contents.put(d, key, value)
	return nil
}

// Get gives a copy of a key's value; nil if the key has none.
func (d *Map) Get(key []byte) []byte {
	if d.Kind == ProgArray || len(key) != int(d.KeySize) {
		return nil
	}
	elem, ok := d.find(&d.contents, key)
	if !ok {
		return nil
	}
	return bytes.Clone(d.contents.bytes(d, elem))
}

// All gives the keys that have values, and copies of these: an array's in order of the
// indexes, a hash's in order of the keys' bytes.
func (d *Map) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if d.Kind == Hash {
			for _, key := range slices.Sorted(maps.Keys(d.contents.index)) {
				if !yield([]byte(key), d.Get([]byte(key))) {
					return
				}
			}
			return
		}
		for i := uint32(0); i < d.MaxEntries && d.Kind != ProgArray; i++ {
			key := binary.LittleEndian.AppendUint32(nil, i)
			if !yield(key, d.Get(key)) {
				return
			}
		}
	}
}
