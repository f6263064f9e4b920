package steered

import (
	"context"
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
)

// A work is what is explored at a time: operations on the key of one caller, one after the other.
type work struct {
	caller *inside.Caller
	holds  int   // the program that the key holds before, or none
	gives  []int // what each operation gives, or none for a removal
}

// String names the operations.
func (w work) String() string {
	var out []string
	for i, g := range w.gives {
		before := w.holds
		if i > 0 {
			before = w.gives[i-1]
		}
		switch {
		case g == none:
			out = append(out, protocol.Remove.String())
		case before == none:
			out = append(out, protocol.Install.String())
		default:
			out = append(out, protocol.Update.String())
		}
	}
	return strings.Join(out, ", ")
}

// A place is where a reader is held: before a slot or at an instruction between them, in the handler of
// a trap, or in the program that it has called.
type place struct {
	name    string
	at      uint64        // an instruction of the caller, or 0
	slot    protocol.Slot // the next one
	trapped bool
	inside  bool // in the program
}

// placesOf are the places of a caller that can matter: those before something that is shared. What a
// reader executes elsewhere is its own.
func placesOf(c *inside.Caller) []place {
	var slots, traps []place
	for i := range c.Slots {
		slot := protocol.Slot(i)
		slots = append(slots, place{name: slot.String(), at: c.Slots[i].At, slot: slot})
		if i+1 < len(c.Slots) {
			slots = append(slots, place{name: "after " + slot.String(), at: c.Slots[i].At + slotSize, slot: slot + 1})
		}
		traps = append(traps, place{name: "trap at " + slot.String(), slot: slot, trapped: true})
	}
	return append(append(slots, traps...), place{name: "program", inside: true})
}

// reached reports whether a reader of the kernel is at a place.
func (p place) reached(r *reader) bool {
	switch {
	case p.inside:
		return r.out && programAt(r.caller, r.pc) != none
	case p.trapped:
		return r.traps && r.slot == p.slot
	}
	return !r.traps && !r.out && r.pc == p.at
}

// stands reports whether a reader of the model is at a place.
func (p place) stands(at witness.Position) bool {
	if p.inside {
		return at.Place == witness.InProgram
	}
	return at.Place == witness.AtSlot && at.Slot == p.slot && at.Trapped == p.trapped
}

// everywhere is a place at each instruction that a reader executes, up to the end of its site.
func (m *machine) everywhere(ctx context.Context, c *inside.Caller) ([]place, error) {
	if err := m.set(ctx, c, 0); err != nil {
		return nil, err
	}
	r := m.readers[0]
	if err := m.enter(ctx, r, c, c.Funcs[c.In].At); err != nil {
		return nil, err
	}
	places := []place{{name: "+0x0", at: r.pc}}
	for {
		s, err := m.advance(ctx, r, anywhere)
		if err != nil {
			return nil, err
		}
		if r.out {
			break
		}
		if s == nil || !r.traps {
			places = append(places, place{name: fmt.Sprintf("%+#x", int64(r.pc-c.Funcs[c.In].At)), at: r.pc, slot: r.slot})
		}
	}
	if _, err := m.leave(ctx, r); err != nil {
		return nil, err
	}
	return append(places, placesOf(c)[3:]...), nil
}
