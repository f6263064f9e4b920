package sim

import (
	"bytes"
	"encoding/binary"
	"slices"

	"tailpoke/patcher/protocol"
)

// content is the bytes of a slot; those beyond its size are 0.
type content [protocol.MaxSlotSize]byte

// slotState is what memory holds at a slot, and what CPUs may see of it.
type slotState struct {
	id     uint64
	size   int       // of the slot
	expect content   // what the descriptor remembers: the last instruction that was poked
	mem    content   // what memory holds
	seen   []content // what a fetch may return, ascending
}

func newSlotState(size int, expect, mem content, seen []content) *slotState {
	slices.SortFunc(seen, func(a, b content) int { return bytes.Compare(a[:], b[:]) })
	s := &slotState{size: size, expect: expect, mem: mem, seen: slices.Compact(seen)}
	buf := append(append([]byte(nil), expect[:size]...), mem[:size]...)
	for _, c := range s.seen {
		buf = append(buf, c[:size]...)
	}
	s.id = hashBytes(buf)
	return s
}

// settled reports whether every CPU sees what memory holds.
func (s *slotState) settled() bool { return len(s.seen) == 1 && s.seen[0] == s.mem }

// equal compares what the states say.
func (s *slotState) equal(o *slotState) bool {
	return s.size == o.size && s.expect == o.expect && s.mem == o.mem && slices.Equal(s.seen, o.seen)
}

// micro is the state after one store of a poke that leads to the instruction to. fits says whether
// the slot lies in one aligned 8-byte word.
func (s *slotState) micro(m protocol.MicroStep, to content, fits bool) *slotState {
	var buf content
	from, _ := m.Span(s.size)
	b := m.Bytes(buf[:0], s.expect[:s.size], to[:s.size])
	return s.store(from, b, m.Single && fits) // of one byte there are no parts
}

// store writes bytes from offset at. Until it serialises, a CPU may see the store or not,
// whatever it sees of other stores. One that is not single may be seen in parts: of each byte the
// old value or the new one.
func (s *slotState) store(at int, b []byte, single bool) *slotState {
	seen := slices.Clone(s.seen)
	if single {
		for _, c := range s.seen {
			seen = append(seen, c.with(at, b))
		}
	} else {
		for i := range b {
			for _, c := range slices.Clone(seen) {
				if d := c.with(at+i, b[i:i+1]); d != c {
					seen = append(seen, d)
				}
			}
		}
	}
	return newSlotState(s.size, s.expect, s.mem.with(at, b), seen)
}

func (c content) with(at int, b []byte) content {
	copy(c[at:], b)
	return c
}

// expecting is the state with another instruction remembered.
func (s *slotState) expecting(c content) *slotState {
	return newSlotState(s.size, c, s.mem, slices.Clone(s.seen))
}

// synced is the state when every CPU sees what memory holds.
func (s *slotState) synced() *slotState {
	return newSlotState(s.size, s.expect, s.mem, []content{s.mem})
}

// hashBytes is FNV-1a with a better end.
func hashBytes(b []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(b))
	}
	for _, x := range b {
		h = (h ^ uint64(x)) * 0x100000001b3
	}
	return mix(h)
}

// mix spreads the bits of a word.
func mix(h uint64) uint64 {
	h ^= h >> 31
	h *= 0x7fb5d329728ea185
	h ^= h >> 27
	h *= 0x81dadef4bc2dd44d
	return h ^ h>>33
}
