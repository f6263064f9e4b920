package sim

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim/x86"
)

// site is a direct site of a key that changes.
type site struct {
	text  int
	key   int
	slots []int // indexes in system.slots
}

// slot is a patched place of the system.
type slot struct {
	text   int
	at     uint64
	out    uint64 // where a jump over the site leads
	which  protocol.Slot
	site   int
	size   int
	wholes []instr // every whole instruction that it may hold
	first  []int   // by [protocol.Content]: the first of wholes that is one of these
}

// instr is a whole instruction that a slot may hold.
type instr struct {
	is     protocol.Content
	bytes  content
	text   protocol.SlotText
	leads  protocol.Leads
	breaks protocol.Property // what a thread breaks that executes it; "" if nothing
	path   string            // by which it has come then
	insn   x86.Insn
}

// fits reports whether the slot lies in one aligned 8-byte word.
func (at *slot) fits() bool { return fitsWord(at.at, at.size) }

func fitsWord(at uint64, size int) bool { return at%8+uint64(size) <= 8 }

// whole is the index of an instruction in wholes; text is where it leads, if into a program.
func (at *slot) whole(c protocol.Content, text int) int {
	n := at.first[c]
	if at.wholes[n].leads == protocol.ToProgram {
		n += text
	}
	return n
}

// holds is the index in wholes of what bytes are, -1 if they are none.
func (at *slot) holds(c content) int {
	for i := range at.wholes {
		if at.wholes[i].bytes == c {
			return i
		}
	}
	return -1
}

// reads says what bytes of the slot are, for witnesses.
func (at *slot) reads(c content) protocol.SlotText {
	if n := at.holds(c); n >= 0 {
		return at.wholes[n].text
	}
	if c[0] != protocol.Trap {
		return protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.AnyTail}
	}
	for i := range at.wholes {
		if w := &at.wholes[i]; c == w.bytes.with(0, c[:1]) {
			return w.text.Trapped()
		}
	}
	return protocol.SlotText{Head: protocol.HeadTrap, Tail: protocol.MixedTail}
}

// addSlots finds the sites whose keys change. Others are instructions like all.
func (s *system) addSlots(t *text) error {
	for i := range t.img.Sites {
		from := &t.img.Sites[i]
		key := slices.Index(s.Keys, protocol.Key{Map: from.Map, Index: int(from.Key)})
		if !from.Direct || key < 0 {
			continue
		}
		x := site{text: len(s.texts) - 1, key: key}
		offs := from.Slots()
		if len(offs) != len(s.site.Slots) {
			return unsupportedf("%s has a site of %d slots: a %s has %d",
				t.name, len(offs), s.site.Name, len(s.site.Slots))
		}
		for n, of := range offs {
			if size := s.site.Slots[n].Size; size != jit.SlotSize {
				return unsupportedf("the slots of images have %d bytes, those of a %s %d",
					jit.SlotSize, s.site.Name, size)
			}
			x.slots = append(x.slots, len(s.slots))
			s.slots = append(s.slots, slot{
				text: x.text, at: t.at + uint64(of.Off), out: t.at + uint64(of.Out),
				which: protocol.Slot(n), site: len(s.sites), size: s.site.Slots[n].Size,
			})
			t.slots[of.Off] = int16(len(s.slots))
		}
		s.sites = append(s.sites, x)
	}
	return nil
}

// addWholes lists what each slot may hold.
func (s *system) addWholes() {
	for i := range s.slots {
		at := &s.slots[i]
		may := s.site.Slots[at.which].May
		for c := range may {
			at.first = append(at.first, len(at.wholes))
			if may[c].Leads != protocol.ToProgram {
				at.add(&s.site, protocol.Content(c), at.out, none)
				continue
			}
			for n, t := range s.texts {
				at.add(&s.site, protocol.Content(c), t.landing(), n)
			}
		}
	}
}

// add adds an instruction that leads to an address, the beginning of a text or none.
func (at *slot) add(of *protocol.Site, c protocol.Content, to uint64, text int) {
	in := &of.Slots[at.which].May[c]
	w := instr{
		is: c, text: protocol.TextOf(at.which, c, text), leads: in.Leads,
		breaks: of.Breaks(at.which, c), path: along(of, at.which, c),
	}
	copy(w.bytes[:], in.At(nil, at.at, to))
	w.insn = x86.Decode(w.bytes[:at.size])
	at.wholes = append(at.wholes, w)
}

// taken is what a slot holds while its key holds a program: what leads there or, in a slot that
// never does, what leaves the way open.
func taken(k *protocol.SlotKind) protocol.Content {
	open := protocol.Content(0)
	for c, in := range k.May {
		switch in.Leads {
		case protocol.ToProgram:
			return protocol.Content(c)
		case protocol.ToNext:
			open = protocol.Content(c)
		}
	}
	return open
}

// along says what a thread has executed that goes a forbidden path, up to a content of a slot.
func along(of *protocol.Site, slot protocol.Slot, c protocol.Content) string {
	var parts []string
	for _, p := range of.Forbidden {
		if last := len(p.Through) - 1; int(slot) != last || p.Through[last] != c {
			continue
		}
		for n, c := range p.Through {
			in := &of.Slots[n].May[c]
			parts = append(parts, fmt.Sprintf("%s=%s (%s)", of.Slots[n].Name, in.Name, in.Does))
		}
		break
	}
	return strings.Join(parts, ", then ")
}
