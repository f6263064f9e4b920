package model

// A stateID names a stored state: its shard in the high bits, its index below.
type stateID uint32

const (
	shardBits = 6
	shards    = 1 << shardBits
	indexBits = 32 - shardBits
	maxIndex  = 1<<indexBits - 1
)

func idOf(shard int, index uint32) stateID { return stateID(shard)<<indexBits | stateID(index) }
func (id stateID) shard() int              { return int(id >> indexBits) }
func (id stateID) index() uint32           { return uint32(id & maxIndex) }

// hash mixes a packed state. Its high bits choose the shard, its low bits the place
// in the shard's table, bits between serve as tag.
func hash(key []uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range key {
		h = (h ^ w) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>29
}

func shardOf(h uint64) int { return int(h >> (64 - shardBits)) }

func tagOf(h uint64) uint64 { return h >> (32 - shardBits) << 32 }

// A shard stores the states whose hash falls to it, in the order in which they came,
// each with its parent. The table is open-addressed; an entry is the index plus 1 of
// a state below the tag of its hash, so that most probes never touch the states.
type shard struct {
	words   int
	keys    []uint64 // states, words each
	parents []stateID
	table   []uint64 // length a power of two
}

func (s *shard) len() int { return len(s.parents) }

func (s *shard) key(index uint32) []uint64 {
	at := int(index) * s.words
	return s.keys[at : at+s.words]
}

// insert stores a state unless it is there, and reports whether it was not.
func (s *shard) insert(h uint64, key []uint64, parent stateID) bool {
	if 3*len(s.parents) >= 2*len(s.table) {
		s.grow()
	}
	mask := uint64(len(s.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		entry := s.table[i]
		if entry == 0 {
			s.keys = append(s.keys, key...)
			s.parents = append(s.parents, parent)
			if len(s.parents) > maxIndex {
				panic("model: more states than a state's number can name")
			}
			s.table[i] = tagOf(h) | uint64(len(s.parents))
			return true
		}
		if entry>>32 == tagOf(h)>>32 && equal(s.key(uint32(entry)-1), key) {
			return false
		}
	}
}

// find returns the index of a stored state.
func (s *shard) find(h uint64, key []uint64) (uint32, bool) {
	if len(s.table) == 0 {
		return 0, false
	}
	mask := uint64(len(s.table) - 1)
	for i := h & mask; s.table[i] != 0; i = (i + 1) & mask {
		entry := s.table[i]
		if index := uint32(entry) - 1; entry>>32 == tagOf(h)>>32 && equal(s.key(index), key) {
			return index, true
		}
	}
	return 0, false
}

func (s *shard) grow() {
	s.table = make([]uint64, max(64, 2*len(s.table)))
	mask := uint64(len(s.table) - 1)
	for index := range s.parents {
		h := hash(s.key(uint32(index)))
		i := h & mask
		for s.table[i] != 0 {
			i = (i + 1) & mask
		}
		s.table[i] = tagOf(h) | uint64(index+1)
	}
}

// equal is slices.Equal for two keys of one shard, which are of one length.
func equal(a, b []uint64) bool {
	b = b[:len(a)]
	for i, w := range a {
		if w != b[i] {
			return false
		}
	}
	return true
}
