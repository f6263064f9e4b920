package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// A letter is what the memory of a site shows.
type letter uint8

const (
	letterA letter = iota
	letterB
	letterC
	letterD
	letterBetween // a slot is int3 or partly written
	numLetters
)

// letterOf tells what the memory of a site shows.
func letterOf(w site) letter {
	bypass, target := slotOf(w, protocol.Bypass).mem(), slotOf(w, protocol.Target).mem()
	if !bypass.isWhole() || !target.isWhole() {
		return letterBetween
	}
	switch protocol.StateOf(contentOf(bypass.tail()), contentOf(target.tail())) {
	case protocol.StateA:
		return letterA
	case protocol.StateB:
		return letterB
	case protocol.StateC:
		return letterC
	default:
		return letterD
	}
}

// pairText writes what a slot holds. Parts that do not belong together have a plus
// between them: "int3+p0".
func pairText(p pair, s protocol.Slot) string {
	if p.isWhole() {
		return instrText(p.tail(), s)
	}
	names := [...]string{headNop: "nop", headJump: "jmp", headInt3: "int3"}
	return names[p.head()] + "+" + tailText(p.tail(), s)
}

// instrText writes the instruction that t names.
func instrText(t tail, s protocol.Slot) string {
	if t == tailNop {
		return "nop"
	}
	return "jmp " + tailText(t, s)
}

func tailText(t tail, s protocol.Slot) string {
	switch {
	case t == tailNop:
		return "nop"
	case t == tailMixed:
		return "mixed"
	case s == protocol.Bypass:
		return "out"
	default:
		return programText(uint64(t))
	}
}

func programText(p uint64) string { return fmt.Sprintf("p%d", p-1) }

// slotText writes what memory holds, with a star when a CPU may fetch something else.
func slotText(v slot, s protocol.Slot) string {
	text := pairText(v.mem(), s)
	if v.seen() != 1<<v.mem() {
		text += "*"
	}
	return text
}

// stateText names the state of site i: its letter, or, while a poke is between two of
// them, both, such as "D>C".
func (sys *system) stateText(x *state, i int) string {
	var from, to [protocol.Slots]protocol.Content
	between := false
	for s := range protocol.Slots {
		s := protocol.Slot(s)
		v := slotOf(x[1+i], s)
		if v.mem().isWhole() {
			from[s] = contentOf(v.mem().tail())
			to[s] = from[s]
			continue
		}
		between = true
		from[s] = contentOf(v.expects())
		to[s] = from[s]
		if _, a := sys.poking(x, i, s); a != nil {
			to[s] = a.To
		}
	}
	text := protocol.StateOf(from[0], from[1]).String()
	if between {
		text += ">" + protocol.StateOf(to[0], to[1]).String()
	}
	return text
}
