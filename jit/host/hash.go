package host

import (
	"bytes"
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
	return m.data.At(m.element(e)+uint64(roundUp8(m.spec.ValueSize)), m.spec.KeySize)
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

func (m *Map) insert(key, value []byte, flags uint64) errno {
	h, at := m.hash, m.seek(key)
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
	copy(m.value(m.element(e)), value)
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
