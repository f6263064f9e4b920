package interp

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

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
