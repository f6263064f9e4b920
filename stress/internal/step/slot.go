package step

import (
	"fmt"
	"slices"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/patcher/text"
)

// site is a direct site of a key that changes.
type site struct{ slots []slot }

// slot is a patched place.
type slot struct {
	off    exec.Off
	which  protocol.Slot
	wholes []instr
}

// instr is a whole instruction that a slot may hold: its bytes here, and in the witness.
type instr struct {
	text      protocol.SlotText
	real, sim text.Insn
	next      exec.Off          // where a thread goes on after it
	breaks    protocol.Property // what a thread breaks that executes it; "" if nothing
}

// addSites lists the sites whose keys change, in the order of the witness.
func (r *replay) addSites() error {
	for _, t := range r.texts {
		for i := range t.Image.Sites {
			s := &t.Image.Sites[i]
			if !s.Direct || !slices.Contains(r.c.Keys, protocol.Key{Map: s.Map, Index: int(s.Key)}) {
				continue
			}
			var x site
			for n, at := range s.Slots() {
				add := slot{off: t.off + exec.Off(at.Off), which: protocol.Slot(n)}
				if err := r.addWholes(&add, t, uint64(at.Off), uint64(at.Out)); err != nil {
					return err
				}
				x.slots = append(x.slots, add)
			}
			r.sites = append(r.sites, x)
		}
	}
	return nil
}

// addWholes lists what a slot of a program may hold. It is at one offset of that, and its jump over
// the site leads to another one.
func (r *replay) addWholes(s *slot, in *loaded, at, out uint64) error {
	kind := &r.kind.Slots[s.which]
	if kind.Size != text.Size {
		return fmt.Errorf("slots of %d bytes: package text pokes %d", kind.Size, text.Size)
	}
	for c := range kind.May {
		do := &kind.May[c]
		add := func(program int, real exec.Off, simulated uint64) {
			s.wholes = append(s.wholes, instr{
				text: protocol.TextOf(s.which, protocol.Content(c), program),
				real: text.Insn(do.At(nil, uint64(s.off), uint64(real))),
				sim:  text.Insn(do.At(nil, in.sim+at, simulated)),
				next: real, breaks: r.kind.Breaks(s.which, protocol.Content(c)),
			})
		}
		switch do.Leads {
		case protocol.ToNext:
			add(witness.None, s.off+text.Size, in.sim+at+text.Size)
		case protocol.ToOut:
			add(witness.None, in.off+exec.Off(out), in.sim+out)
		case protocol.ToProgram:
			for n, to := range r.texts {
				add(n, to.landing(), to.sim+uint64(to.Image.AdjOff))
			}
		}
	}
	return nil
}

// reads is the whole instruction that a slot holds, by the witness's words; nil if it is none.
func (s *slot) reads(t protocol.SlotText) *instr {
	return s.find(func(i *instr) bool { return i.text == t })
}

// holds is the whole instruction that bytes are; nil if they are none.
func (s *slot) holds(b text.Insn) *instr {
	return s.find(func(i *instr) bool { return i.real == b })
}

func (s *slot) find(is func(*instr) bool) *instr {
	for i := range s.wholes {
		if is(&s.wholes[i]) {
			return &s.wholes[i]
		}
	}
	return nil
}

// shows is what memory must hold where the witness shows v.
func (s *slot) shows(v *witness.SlotView) (b text.Insn, ok bool) {
	if i := s.reads(v.SlotText); i != nil {
		return i.real, true
	}
	return s.translated(v.Bytes)
}

// translated is what bytes of the slot in the witness are here: a head, and the other bytes of an
// instruction. Memory never holds anything else.
func (s *slot) translated(bytes []byte) (b text.Insn, ok bool) {
	if len(bytes) != text.Size {
		return b, false
	}
	i := s.find(func(i *instr) bool { return slices.Equal(i.sim[1:], bytes[1:]) })
	if i == nil {
		return b, false
	}
	b = i.real
	b[0] = bytes[0]
	return b, true
}

// slotAt finds the slot at an address, nil if there is none.
func (r *replay) slotAt(at uint64) *slot {
	for i := range r.sites {
		for n := range r.sites[i].slots {
			if s := &r.sites[i].slots[n]; r.Arena.Addr(s.off) == at {
				return s
			}
		}
	}
	return nil
}
