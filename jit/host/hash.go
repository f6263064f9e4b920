package host

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// A hash finds the elements of a hash map. All of them exist from the beginning, as in the
// kernel's preallocated maps, and a few more: an update puts a new element in the place of the
// old one, since another thread may hold the old one's address.
type hash struct {
	seed    maphash.Seed
	buckets []int32 // first element of each chain
	next    []int32 // by element: the next of its chain, or of the free ones
	free    int32   // the free element to use next: the one that has been free for longest
	last    int32
	used    int
	turn    int       // the chain that an element is next let go of
	key     [512]byte // a prefix
}

const end = -1

func newHash(spec *MapSpec, cpus int) *hash {
	n := spec.MaxEntries + cpus
	h := &hash{seed: maphash.MakeSeed(), buckets: make([]int32, spec.MaxEntries),
		next: make([]int32, n), free: end}
	for i := range h.buckets {
		h.buckets[i] = end
	}
	for i := range n {
		h.give(int32(i))
	}
	return h
}

func (h *hash) give(e int32) {
	h.next[e] = end
	if h.free == end {
		h.free = e
	} else {
		h.next[h.last] = e
	}
	h.last = e
}

// take takes a free element: there are more than a map may hold.
func (h *hash) take() int32 {
	e := h.free
	h.free = h.next[e]
	return e
}

// chain is where the chain of a key begins.
func (h *hash) chain(key []byte) *int32 {
	return &h.buckets[maphash.Bytes(h.seed, key)%uint64(len(h.buckets))]
}

// key and element are an element's memory: first the value, then the key.
func (m *Map) element(e int32) uint64 { return m.values + uint64(int(e)*m.stride) }

func (m *Map) key(e int32) []byte {
	return m.data.At(m.element(e)+uint64(m.keyAt()), m.spec.KeySize)
}

// keyAt is where in an element its key is.
func (m *Map) keyAt() int { return m.cpus * roundUp8(m.spec.ValueSize) }

// ofCPU is the address of a CPU's value in an element.
func (m *Map) ofCPU(element uint64, cpu int) uint64 {
	return element + uint64(cpu%m.cpus*roundUp8(m.spec.ValueSize))
}

// prefixBits is how many bits a key of a trie can have.
func (m *Map) prefixBits() uint32 { return uint32(8 * (m.spec.KeySize - 4)) }

// longest finds the value of the longest prefix of a key that a trie has.
func (m *Map) longest(key []byte) uint64 {
	if m.hash.used == 0 {
		return 0
	}
	k := append(m.hash.key[:0], key...)
	bits := min(binary.LittleEndian.Uint32(k), m.prefixBits())
	for n := int(bits); n >= 0; n-- {
		binary.LittleEndian.PutUint32(k, uint32(n))
		clear(k[4+(n+7)/8:])
		if n%8 != 0 {
			k[4+n/8] &= 0xff << (8 - n%8)
		}
		if at := m.seek(k); at != nil {
			return m.element(*at)
		}
	}
	return 0
}

// seek finds what refers to a key's element in its chain, nil if there is none.
func (m *Map) seek(key []byte) *int32 {
	for at := m.hash.chain(key); *at != end; at = &m.hash.next[*at] {
		if bytes.Equal(m.key(*at), key) {
			return at
		}
	}
	return nil
}

func (m *Map) insert(key, value []byte, flags uint64, cpu int) errno {
	if m.spec.Kind == LPMTrie && binary.LittleEndian.Uint32(key) > m.prefixBits() {
		return einval
	}
	h, at := m.hash, m.seek(key)
	if at == nil && m.spec.Evicts && h.used == m.spec.MaxEntries && flags != exist {
		m.evict()
	}
	switch {
	case at != nil && flags == noExist:
		return eexist
	case at == nil && flags == exist:
		return enoent
	case at == nil && h.used == m.spec.MaxEntries:
		return e2big
	}
	e, first := h.take(), h.chain(key)
	copy(m.key(e), key) // before the value: the key may lie there, in an element that was freed
	copy(m.value(m.ofCPU(m.element(e), cpu)), value)
	if at != nil {
		old := *at
		h.next[e] = h.next[old]
		*at = e
		h.give(old)
		return 0
	}
	h.next[e], *first = *first, e
	h.used++
	return 0
}

// evict lets an element go, of each chain in turn.
func (m *Map) evict() {
	for h := m.hash; ; h.turn++ {
		if first := h.buckets[h.turn%len(h.buckets)]; first != end {
			m.remove(m.key(first))
			h.turn++
			return
		}
	}
}

func (m *Map) remove(key []byte) errno {
	at := m.seek(key)
	if at == nil {
		return enoent
	}
	old := *at
	*at = m.hash.next[old]
	m.hash.give(old)
	m.hash.used--
	return 0
}
