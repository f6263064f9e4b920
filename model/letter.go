package model

import (
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
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
func (sys *system) letterOf(w site) letter {
	first, second := slotOf(w, 0).mem(), slotOf(w, 1).mem()
	if !first.isWhole() || !second.isWhole() {
		return letterBetween
	}
	return letter(sys.states[contentOf(first.tail())][contentOf(second.tail())] - protocol.StateA)
}

// siteView says what the memory of a site shows.
func (sys *system) siteView(x *state, i int) witness.SiteView {
	if !sys.placed(x, sys.imageOf(i)) {
		return witness.SiteView{Gone: true}
	}
	v := witness.SiteView{Slots: make([]witness.SlotView, siteSlots)}
	var from, to [siteSlots]protocol.Content
	for n := range v.Slots {
		s := protocol.Slot(n)
		slot := slotOf(x[1+i], s)
		v.Slots[n] = witness.SlotView{SlotText: textOf(slot.mem(), s),
			Stale: slot.seen() != 1<<slot.mem()}
		now := slot.expects()
		if slot.mem().isWhole() {
			now = slot.mem().tail()
		}
		from[n] = contentOf(now)
		to[n] = from[n]
		if _, a := sys.poking(x, i, s); a != nil && !slot.mem().isWhole() {
			to[n] = a.To
		}
	}
	v.From, v.To = sys.states[from[0]][from[1]], sys.states[to[0]][to[1]]
	return v
}

// textOf says what a slot holds, or what a thread fetches of it. Programs are numbered from 0.
func textOf(p pair, s protocol.Slot) protocol.SlotText {
	if !p.isWhole() && p.head() != headInt3 {
		return protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.AnyTail}
	}
	t := instrOf(p.tail(), s)
	if p.head() == headInt3 {
		return t.Trapped()
	}
	return t
}

// instrOf is the text of a slot that holds the instruction that t names.
func instrOf(t tail, s protocol.Slot) protocol.SlotText {
	if t == tailMixed {
		return protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.MixedTail}
	}
	return protocol.TextOf(s, contentOf(t), int(t)-1)
}
