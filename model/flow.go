package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// A siteFlow says what a thread does by an instruction of a slot: by slot, and by what that holds.
type siteFlow [siteSlots][protocol.Contents]struct {
	leads  protocol.Leads
	breaks fault // having come there by the slots before
}

// fitsSite takes from the account of a site what a thread does in it, and refuses sites that
// states have no room for.
func (sys *system) fitsSite(s protocol.Site) error {
	if len(s.Slots) != siteSlots {
		return fmt.Errorf("%w: a %s of %d slots, not %d", ErrUnsupported, s.Name, len(s.Slots), siteSlots)
	}
	for slot, kind := range s.Slots {
		if kind.Size != s.Slots[0].Size || len(kind.May) != protocol.Contents ||
			s.Jumps(protocol.Slot(slot)) != (protocol.Slot(slot) == programSlot) {
			return fmt.Errorf("%w: the %s of a %s", ErrUnsupported, kind.Name, s.Name)
		}
		for c, in := range kind.May {
			f := &sys.flow[slot][c]
			f.leads = in.Leads
			p := s.Breaks(protocol.Slot(slot), protocol.Content(c))
			if f.breaks = faultOf(p); f.breaks >= faults {
				return fmt.Errorf("%w: a path that breaks %s", ErrUnsupported, p)
			}
		}
	}
	for _, n := range s.States {
		sys.states[n.Contents[0]][n.Contents[1]] = n.State
	}
	return nil
}

// A micro is a step of a poke method. Of a slot the model knows the first byte, and all others
// together.
type micro struct {
	does microDo
	from protocol.Source
	step protocol.MicroStep // as the method has it
}

type microDo uint8

const (
	writesHead microDo = iota // the first byte
	writesTail                // the others, seen in any parts
	writesAll                 // both, in one aligned store
	syncs
)

// microsOf takes a method as the model has it. A store of the whole instruction that is seen in
// parts is two: the first byte, and then the others, none of it protected.
func microsOf(m protocol.Method, size int) ([]micro, error) {
	var out []micro
	for _, step := range m.Steps {
		from, to := step.Span(size)
		switch {
		case step.Sync:
			out = append(out, micro{does: syncs, step: step})
		case from == 0 && to == 1:
			out = append(out, micro{writesHead, step.From, step})
		case step.From == protocol.FromTrap:
			return nil, fmt.Errorf("%w: a store of more than one trap byte", ErrUnsupported)
		case from == 1 && to == size && !step.Single:
			out = append(out, micro{writesTail, step.From, step})
		case from == 0 && to == size && step.Single:
			out = append(out, micro{writesAll, step.From, step})
		case from == 0 && to == size:
			head := protocol.MicroStep{Len: 1, From: step.From, Single: true}
			out = append(out, micro{writesHead, step.From, head},
				micro{writesTail, step.From, protocol.MicroStep{Off: 1, From: step.From}})
		default:
			return nil, fmt.Errorf("%w: a store of bytes %d to %d", ErrUnsupported, from, to-1)
		}
	}
	return out, nil
}
