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

var mapKinds = [...]string{
	Array: "an array", PerCPUArray: "a per-CPU array", Hash: "a hash", ProgArray: "a prog array",
}

func (k MapKind) String() string {
	if int(k) < len(mapKinds) {
		return mapKinds[k]
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

// contents are the elements of a map. An array's are numbered by their indexes, a hash's in
// the order in which they came: an update makes another element, as it does in the kernel, so
// that the address of the old one's value can be told from that of the new one's.
type contents struct {
	elems map[int32][]byte // values; an element of an array that is not here is zero
	index map[string]int32 // of a hash: the element of a key
	next  int32            // of a hash: the next element
}

// Flags of an update.
const (
	updateNoExist = 1
	updateExist   = 2
	updateLock    = 4 // wants a lock in the value, which no map here has
)

func (c *contents) clone() *contents {
	d := &contents{index: maps.Clone(c.index), next: c.next}
	for i, b := range c.elems {
		d.set(i, bytes.Clone(b))
	}
	return d
}

func (c *contents) set(elem int32, b []byte) {
	if c.elems == nil {
		c.elems = map[int32][]byte{}
	}
	c.elems[elem] = b
}

// find is the element of a key.
func (d *Map) find(c *contents, key []byte) (elem int32, ok bool) {
	if d.Kind == Hash {
		elem, ok = c.index[string(key)]
		return elem, ok
	}
	i := binary.LittleEndian.Uint32(key)
	return int32(i), i < d.MaxEntries
}

// bytes is the value of an element, not to be written to; nil if the element is gone.
func (c *contents) bytes(d *Map, elem int32) []byte {
	b, ok := c.elems[elem]
	if !ok && d.Kind != Hash {
		return make([]byte, d.ValueSize)
	}
	return b
}

// refusal is why a key cannot be updated, in the kernel's order of checks.
func (d *Map) refusal(c *contents, key []byte, flags uint64) errno {
	_, exists := d.find(c, key)
	mode, lock := flags&^updateLock, flags&updateLock != 0
	switch {
	case mode > updateExist:
		return einval
	case d.Kind != Hash && !exists:
		return e2big
	case d.Kind != Hash && mode == updateNoExist:
		return eexist
	case lock:
		return einval
	case exists && mode == updateNoExist:
		return eexist
	case !exists && mode == updateExist:
		return enoent
	case !exists && len(c.index) >= int(d.MaxEntries):
		return e2big
	}
	return 0
}

// put gives a key a value. It must not be one that refusal refuses.
func (c *contents) put(d *Map, key, value []byte) {
	elem, exists := d.find(c, key)
	if d.Kind == Hash {
		if exists {
			delete(c.elems, elem)
		}
		if c.index == nil {
			c.index = map[string]int32{}
		}
		elem = c.next
		c.index[string(key)] = elem
		c.next++
	}
	c.set(elem, bytes.Clone(value))
}

// remove takes a key out of a hash.
func (c *contents) remove(d *Map, key []byte) errno {
	elem, ok := d.find(c, key)
	if !ok {
		return enoent
	}
	delete(c.elems, elem)
	delete(c.index, string(key))
	return 0
}

// append appends all that a program may find in the contents.
func (c *contents) append(b []byte) []byte {
	b = appendInt(b, int(c.next), len(c.elems))
	for _, i := range slices.Sorted(maps.Keys(c.elems)) {
		b = append(appendInt(b, int(i), len(c.elems[i])), c.elems[i]...)
	}
	b = appendInt(b, len(c.index))
	for _, key := range slices.Sorted(maps.Keys(c.index)) {
		b = appendInt(append(b, key...), int(c.index[key]))
	}
	return b
}
