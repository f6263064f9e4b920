package sim

import (
	"bytes"
	"encoding/binary"
	"slices"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

// content is the bytes of a slot.
type content [jit.SlotSize]byte

var nop5 = content{0x0f, 0x1f, 0x44, 0x00, 0x00}

const int3 = 0xcc

// jumpTo is the jump at an address to another one.
func jumpTo(at, to uint64) content {
	c := content{0xe9}
	binary.LittleEndian.PutUint32(c[1:], uint32(to-at-jit.SlotSize))
	return c
}

// pack makes a number of a content; it is not 0 for any that is an instruction.
func (c content) pack() uint64 {
	return uint64(c[0]) | uint64(binary.LittleEndian.Uint32(c[1:]))<<8
}

func unpack(v uint64) (c content) {
	c[0] = byte(v)
	binary.LittleEndian.PutUint32(c[1:], uint32(v>>8))
	return c
}

// slotState is what memory holds at a slot, and what CPUs may see of it.
type slotState struct {
	id     uint64
	expect content   // what the descriptor remembers: the last instruction that was poked
	mem    content   // what memory holds
	seen   []content // what a fetch may return, ascending
}

// holding is a slot whose content every CPU sees.
func holding(c content) *slotState { return newSlotState(c, c, []content{c}) }

func newSlotState(expect, mem content, seen []content) *slotState {
	slices.SortFunc(seen, func(a, b content) int { return bytes.Compare(a[:], b[:]) })
	s := &slotState{expect: expect, mem: mem, seen: slices.Compact(seen)}
	buf := append(append([]byte(nil), expect[:]...), mem[:]...)
	for _, c := range s.seen {
		buf = append(buf, c[:]...)
	}
	s.id = hashBytes(buf)
	return s
}

// settled reports whether every CPU sees what memory holds.
func (s *slotState) settled() bool { return len(s.seen) == 1 && s.seen[0] == s.mem }

// equal compares what the states say.
func (s *slotState) equal(o *slotState) bool {
	return s.expect == o.expect && s.mem == o.mem && slices.Equal(s.seen, o.seen)
}

// micro is the state behind one store of a poke method that leads to the instruction to. fits
// says whether the slot lies in one aligned 8-byte word.
func (s *slotState) micro(k protocol.MicroKind, to content, fits bool) *slotState {
	switch k {
	case protocol.HeadInt3:
		return s.store(0, []byte{int3}, true)
	case protocol.HeadNew:
		return s.store(0, to[:1], true)
	case protocol.Tail:
		return s.store(1, to[1:], false)
	case protocol.All:
		return s.store(0, to[:], fits)
	}
	return s.store(0, to[:], false) // byte by byte
}

// store writes bytes from offset at. Until it serialises, a CPU may see the store or not, and
// that whatever it sees of other stores. One that is not whole may be seen in parts: of each
// byte the old value or the new one.
func (s *slotState) store(at int, b []byte, whole bool) *slotState {
	seen := slices.Clone(s.seen)
	if whole {
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
	return newSlotState(s.expect, s.mem.with(at, b), seen)
}

func (c content) with(at int, b []byte) content {
	copy(c[at:], b)
	return c
}

// expecting is the state with another instruction remembered.
func (s *slotState) expecting(c content) *slotState {
	return newSlotState(c, s.mem, slices.Clone(s.seen))
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
