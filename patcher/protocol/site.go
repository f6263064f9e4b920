package protocol

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A Slot is one of the patched places of a site: its index, in the order in which a thread
// meets them.
type Slot uint8

// A Content is what a slot holds: the index of one of the whole instructions that it may hold.
type Content uint8

// A State names what the slots of a site hold together, by a letter.
type State byte

// String returns the state's letter.
func (s State) String() string { return string(rune(s)) }

// Leads is where a thread goes on after an instruction of a slot.
type Leads uint8

// Where an instruction may lead.
const (
	ToNext    Leads = iota // to what follows: the next slot, or after the last one the caller
	ToOut                  // over the rest of the site
	ToProgram              // into the program that the key holds
)

// Trap is the byte that a poke method may put in the place of an instruction's first one: int3.
const Trap = 0xcc

// Bounds of a [Site].
const (
	MaxSlots    = 4
	MaxSlotSize = 16 // bytes
)

// A Site is the account of one kind of patched place. Every engine takes from here which slots
// there are, what each may hold, where that leads, and what no execution may do.
type Site struct {
	Name   string
	Slots  []SlotKind   // by [Slot]: 1 to [MaxSlots]
	Empty  []Content    // by slot: what a site holds whose key holds nothing, as it is loaded
	States []NamedState // every combination of contents
	// Forbidden are paths through the site. An execution that goes along one breaks a property,
	// whatever memory holds before and after. Nothing else may lead to the path's last slot, for
	// no engine remembers how a thread came there.
	Forbidden []Path
}

// A SlotKind is the account of one slot.
type SlotKind struct {
	Name string        // in the protocol grammar
	Size int           // in bytes: 1 to [MaxSlotSize]
	May  []Instruction // by [Content]: the whole instructions that it may hold
}

// An Instruction is something that a slot may hold.
type Instruction struct {
	Name  string // in the protocol grammar
	Code  []byte // of the slot's size; a displacement is left 0
	Disp  int    // offset in Code of the 32-bit displacement from the instruction's end; 0: none
	Leads Leads
	Does  string // what a thread does by it, for people
}

// A NamedState is a combination of contents with its letter.
type NamedState struct {
	State    State
	Contents []Content // by slot
}

// A Path is a way through a site: what a thread executes at its first slots, one after the other.
type Path struct {
	Through []Content // by slot
	Breaks  Property
	Says    string // for people: what holds if no execution goes along it
}

// At appends the instruction's bytes, placed at an address, to dst. An instruction with a
// displacement leads to the address to; addresses may count from anywhere.
func (i *Instruction) At(dst []byte, at, to uint64) []byte {
	dst = append(dst, i.Code...)
	if i.Disp > 0 {
		rel := to - at - uint64(len(i.Code))
		binary.LittleEndian.PutUint32(dst[len(dst)-len(i.Code)+i.Disp:], uint32(rel))
	}
	return dst
}

// WithNop is the site with another instruction in its slots where a thread goes on to what follows.
func (s Site) WithNop(code []byte) Site {
	s.Slots = slices.Clone(s.Slots)
	for n := range s.Slots {
		may := slices.Clone(s.Slots[n].May)
		for c := range may {
			if may[c].Leads == ToNext {
				may[c].Code = code
			}
		}
		s.Slots[n].May = may
	}
	return s
}

// StateOf names the state of a site whose slots hold these contents.
func (s *Site) StateOf(contents ...Content) State {
	for _, n := range s.States {
		if slices.Equal(n.Contents, contents) {
			return n.State
		}
	}
	panic(fmt.Sprintf("protocol: a %s has no state of %v", s.Name, contents))
}

// Breaks returns the property that a thread breaks when it comes to a slot by way of the slots
// before it and executes a content there; "" if it breaks none.
func (s *Site) Breaks(slot Slot, c Content) Property {
	for _, p := range s.Forbidden {
		if last := len(p.Through) - 1; int(slot) == last && p.Through[last] == c {
			return p.Breaks
		}
	}
	return ""
}

// Jumps reports whether a slot may hold an instruction that leads to a program.
func (s *Site) Jumps(slot Slot) bool {
	return slices.ContainsFunc(s.Slots[slot].May, func(i Instruction) bool {
		return i.Leads == ToProgram
	})
}

// SlotName returns a slot's name in the protocol grammar.
func (s *Site) SlotName(slot Slot) string { return s.Slots[slot].Name }
