package reference

import (
	"math/bits"

	"tailpoke/patcher/protocol"
)

// An instruction is what a slot may hold: nop, or a jump. The first slot jumps out of the site,
// the second one to a program, whose number is the instruction's.
type instruction = int8

const (
	nop instruction = 0
	out instruction = 1

	instructions = 1 + maxPrograms
)

// A head is a first byte.
type head int8

const (
	nopByte head = iota
	jumpByte
	trapByte
)

// The bytes of a slot are the first one, and the others in two halves, each of which belongs to
// some instruction. Two are enough for bytes that were written in parts.
type bytes struct {
	first  head
	halves [2]instruction
}

// bytesOf are the bytes of a whole instruction.
func bytesOf(i instruction) bytes {
	b := bytes{jumpByte, [2]instruction{i, i}}
	if i == nop {
		b.first = nopByte
	}
	return b
}

// instruction returns what the bytes are, if they are a whole instruction.
func (b bytes) instruction() (instruction, bool) {
	i := b.halves[0]
	return i, bytesOf(i) == b
}

// A set has a bit for each of the bytes that are in it: 64 are enough for three programs.
type set uint64

func (b bytes) bit() set {
	return 1 << ((int(b.first)*instructions+int(b.halves[0]))*instructions + int(b.halves[1]))
}

// each lists the bytes in a set.
func (s set) each(do func(bytes)) {
	for ; s != 0; s &= s - 1 {
		n := bits.TrailingZeros64(uint64(s))
		do(bytes{head(n / instructions / instructions), [2]instruction{
			instruction(n / instructions % instructions), instruction(n % instructions),
		}})
	}
}

// A slot is what memory holds, what the descriptor remembers, and what a fetch may return: until a
// CPU serialises it may see each store or not, whatever it sees of the others, and of a store that
// is not single each byte.
type slot struct {
	memory     bytes
	remembered instruction
	visible    set
}

func holding(i instruction) slot { return slot{bytesOf(i), i, bytesOf(i).bit()} }

// carried is the slot after one step of a method, in a poke that leads to the instruction to.
// Which bytes a step writes is read from its fields.
func (s slot) carried(m protocol.MicroStep, to instruction) slot {
	source := bytesOf(to)
	switch m.From {
	case protocol.FromOld:
		source = bytesOf(s.remembered)
	case protocol.FromTrap:
		source.first = trapByte
	}
	withHead := func(b bytes) bytes { b.first = source.first; return b }
	withHalf := func(i int) func(bytes) bytes {
		return func(b bytes) bytes { b.halves[i] = source.halves[i]; return b }
	}
	var parts []func(bytes) bytes
	if m.Off == 0 {
		parts = append(parts, withHead)
	}
	if m.Len != 1 {
		parts = append(parts, withHalf(0), withHalf(1))
	}
	if m.Single {
		all := parts
		parts = []func(bytes) bytes{func(b bytes) bytes {
			for _, part := range all {
				b = part(b)
			}
			return b
		}}
	}
	for _, part := range parts {
		s.memory = part(s.memory)
		s.visible.each(func(b bytes) { s.visible |= part(b).bit() })
	}
	return s
}

// serialise has every CPU see what memory holds, of all slots.
func (s *state) serialise() {
	for i := range s.slots {
		for j := range s.slots[i] {
			s.slots[i][j].visible = s.slots[i][j].memory.bit()
		}
	}
}
