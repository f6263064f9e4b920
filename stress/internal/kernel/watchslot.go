package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

// slotBytes are the bytes of a slot.
type slotBytes [5]byte

// The first bytes that a slot may have, beside that of a nop.
const (
	opJump = 0xe9
	opTrap = 0xcc
)

// usualNop is the nop of today's kernels.
var usualNop = slotBytes(protocol.TailCall().Slots[protocol.Target].May[protocol.Nop].Code)

// A watchSite is a site that is watched.
type watchSite struct {
	index  int // among the image's
	key    int
	desc   int // among the key's, in tracking order
	source source.Line
	slots  [protocol.Slots]watchSlot

	noted [protocol.Slots]protocol.SlotText // what was noted last
	turn  int                               // when that was
	stale bool                              // it is to be noted again, though nothing may have changed

	changed bool // in the read at hand, from some whole instructions to others
}

// A watchSlot is one of its slots.
type watchSlot struct {
	identity.Slot

	now slotReading

	// What was read last, and how many programs were known then.
	bytes slotBytes
	known int
	was   slotReading
}

// A slotReading is what the bytes of a slot mean. The zero value says that they were not read.
type slotReading struct {
	raw   protocol.SlotText // Unread if it is wrong
	wrong bool              // these are bytes of no instruction that belongs there
}

func newWatchSite(index, key, desc int, from *identity.Site) watchSite {
	s := watchSite{index: index, key: key, desc: desc, stale: true}
	for n, at := range from.Slots {
		s.slots[n] = watchSlot{Slot: at, known: -1}
	}
	return s
}

// nop is the slot's own.
func (s *watchSlot) nop() slotBytes {
	if s.Nop == (slotBytes{}) {
		return usualNop
	}
	return s.Nop
}

// read says what the slot's bytes mean. landings are the programs by their landing address.
func (s *watchSlot) read(b slotBytes, landings map[uint64]int) slotReading {
	if b != s.bytes || s.known != len(landings) {
		s.bytes, s.known, s.was = b, len(landings), s.classify(b, landings)
	}
	return s.was
}

// classify is read by the bytes alone.
func (s *watchSlot) classify(b slotBytes, landings map[uint64]int) slotReading {
	own := s.nop()
	nop := bytes.Equal(b[1:], own[1:])
	jumps, names := s.names(s.destination(b), landings)
	switch {
	case b == own:
		return said(protocol.HeadNop, protocol.NopTail)
	case b[0] == opJump && names:
		return said(protocol.HeadJump, jumps)
	case b[0] == opTrap && nop && names: // a program lies just as far away as a nop says
		return said(protocol.HeadTrap, protocol.AnyTail)
	case b[0] == opTrap && nop:
		return said(protocol.HeadTrap, protocol.NopTail)
	case b[0] == opTrap && names:
		return said(protocol.HeadTrap, jumps)
	case b[0] != own[0] && b[0] != opJump && b[0] != opTrap:
		return slotReading{wrong: true}
	case !nop && !names && !s.mixed(b, landings):
		return slotReading{wrong: true}
	case b[0] == opTrap:
		return said(protocol.HeadTrap, protocol.MixedTail)
	}
	return said(protocol.HeadTorn, 0)
}

func said(h protocol.Head, tail int) slotReading {
	return slotReading{raw: protocol.SlotText{Head: h, Tail: tail}}
}

// destination is where the slot's bytes jump to, if they are a jump.
func (s *watchSlot) destination(b slotBytes) uint64 {
	return s.Addr + uint64(len(b)) + uint64(int64(int32(binary.LittleEndian.Uint32(b[1:]))))
}

// names returns the tail of a jump of this slot to an address.
func (s *watchSlot) names(to uint64, landings map[uint64]int) (tail int, ok bool) {
	if s.Out != 0 {
		return protocol.OutTail, to == s.Out
	}
	tail, ok = landings[to]
	return tail, ok
}

// tailTo is the tail of a jump of this slot to an address.
func (s *watchSlot) tailTo(to uint64) (tail [4]byte) {
	binary.LittleEndian.PutUint32(tail[:], uint32(to-s.Addr-uint64(len(slotBytes{}))))
	return tail
}

// mixed reports whether the slot's tail is partly that of one instruction, and partly that of
// another one.
func (s *watchSlot) mixed(b slotBytes, landings map[uint64]int) bool {
	var seen [1 << 4]bool // by the set of bytes that are an instruction's
	add := func(tail [4]byte) {
		set := 0
		for i := range tail {
			if tail[i] == b[1+i] {
				set |= 1 << i
			}
		}
		seen[set] = true
	}
	nop := s.nop()
	add([4]byte(nop[1:]))
	if s.Out != 0 {
		add(s.tailTo(s.Out))
	} else {
		for to := range landings {
			add(s.tailTo(to))
		}
	}
	for one, ok := range seen {
		for other, ok2 := range seen {
			if ok && ok2 && one|other == len(seen)-1 {
				return true
			}
		}
	}
	return false
}

// complain says what is wrong with the bytes.
func (s *watchSlot) complain(b slotBytes) string {
	switch to := s.destination(b); {
	case b[0] == opJump && s.Out != 0:
		return fmt.Sprintf("holds % x, a jump to %#x, and not over the site to %#x", b, to, s.Out)
	case b[0] == opJump:
		return fmt.Sprintf("holds % x, a jump to %#x, where no program lies", b, to)
	case b[0] == opTrap:
		return fmt.Sprintf("holds % x, an int3 before the tail of no instruction that belongs there", b)
	case b[0] == s.nop()[0]:
		return fmt.Sprintf("holds % x, which begins as a nop and does not end as one", b)
	}
	return fmt.Sprintf("holds % x, which is no instruction of a site", b)
}
