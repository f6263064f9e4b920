package protocol

import (
	"slices"
	"strconv"
	"strings"
)

// A SlotText is what a slot holds, as far as an observer can tell. The zero value says that no
// observer looked. People read the same words everywhere:
//
//	nop jump jump-out jump-p0                       whole instructions
//	int3 int3-nop int3-out int3-p0 int3-mixed       the trap byte before the tail of one
//	torn                                            a first byte with a tail of another instruction
type SlotText struct {
	Head Head
	Tail int // a program's number, or one of the constants; nothing for HeadTorn
}

// Head is what the first byte of a slot, or the whole of it, was.
type Head uint8

// The heads.
const (
	Unread   Head = iota
	HeadNop       // a whole nop
	HeadJump      // a whole jump
	HeadTrap      // int3 before the tail of some instruction
	HeadTorn      // a first byte with a tail that does not belong to it
)

// The tails that name no program.
const (
	NopTail   = -1 // of a nop
	OutTail   = -2 // of a jump over the site
	MixedTail = -3 // partly written
	AnyTail   = -4 // the observer does not know
)

var headWords = [...]string{
	Unread: "unread", HeadNop: "nop", HeadJump: "jump", HeadTrap: "int3", HeadTorn: "torn",
}

var tailWords = map[int]string{NopTail: "nop", OutTail: "out", MixedTail: "mixed"}

// TextOf returns the text of a slot that holds a whole instruction; prog is the number of the
// program that it leads to, if it leads to one.
func TextOf(slot Slot, c Content, prog int) SlotText {
	switch in := &tailCall.Slots[slot].May[c]; in.Leads {
	case ToProgram:
		return SlotText{HeadJump, prog}
	case ToOut:
		return SlotText{HeadJump, OutTail}
	}
	return SlotText{HeadNop, NopTail}
}

// Content returns the whole instruction that the slot holds, if it holds one.
func (t SlotText) Content() (c Content, whole bool) {
	switch t.Head {
	case HeadNop:
		return Nop, true
	case HeadJump:
		return Jump, true
	}
	return 0, false
}

// Trapped returns the text with the trap byte in the place of its first one.
func (t SlotText) Trapped() SlotText { return SlotText{HeadTrap, t.Tail} }

// String returns the words for t.
func (t SlotText) String() string { return t.Words(progWord) }

// Words returns the words for t, with a program called as name says.
func (t SlotText) Words(name func(prog int) string) string {
	word := headWords[t.Head]
	switch {
	case t.Head != HeadJump && t.Head != HeadTrap || t.Tail == AnyTail:
		return word
	case t.Tail >= 0:
		return word + "-" + name(t.Tail)
	}
	return word + "-" + tailWords[t.Tail]
}

func progWord(p int) string { return "p" + strconv.Itoa(p) }

// slotText reads what a slot holds.
func (p *parser) slotText(s Slot) SlotText {
	t := p.next()
	head, tail, tailed := strings.Cut(t.text, "-")
	r := SlotText{Tail: AnyTail}
	if i := slices.Index(headWords[:], head); i > 0 {
		r.Head = Head(i)
	}
	leads := tailCall.Jumps(s)
	known := r.Head != Unread
	switch {
	case !tailed && r.Head == HeadNop:
		r.Tail = NopTail
	case !tailed:
	case r.Head != HeadJump && r.Head != HeadTrap:
		known = false
	case tail == "out":
		r.Tail, known = OutTail, !leads
	case r.Head == HeadTrap && tail == "nop":
		r.Tail = NopTail
	case r.Head == HeadTrap && tail == "mixed":
		r.Tail = MixedTail
	default:
		r.Tail, known = programOf(tail)
		known = known && leads
	}
	if !known {
		p.fail(t, "expected what a %v holds (%s), found %v", s, slotWords(s), t)
	}
	return r
}

// ParseSlotText reads the words that [SlotText.String] writes of a slot.
func ParseSlotText(s Slot, words string) (SlotText, error) {
	p := parser{toks: []token{{words, 1, 1}}}
	t := p.slotText(s)
	return t, p.err
}

func slotWords(s Slot) string {
	to := "out"
	if tailCall.Jumps(s) {
		to = "p0"
	}
	const words = "nop, jump, jump-TO, int3, int3-nop, int3-TO, int3-mixed or torn"
	return strings.ReplaceAll(words, "TO", to)
}
