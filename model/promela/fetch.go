package promela

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// An image says how a thread names the slots of the image in which it stands.
type image struct {
	title  string // for a comment
	prefix string // of the slots' names
	index  string // of the site at which it stands
	here   string // the condition that the thread stands there
	deep   bool   // it is a program's
}

// images writes what a thread does at the slots of the caller, of its copies and of programs.
func (p *promela) images() {
	list := []image{{index: "site"}}
	if p.comes() {
		list[0].here = " && site < SITES"
	}
	if p.Shape.Copies > 0 {
		here := " && site >= SITES"
		if p.Shape.Deep {
			here += " && site < DEEP"
		}
		list = append(list, image{" of a copy", "copy_", "site - SITES", here, false})
	}
	if p.Shape.Deep {
		list = append(list, image{" of a program", "deep_", "site - DEEP", " && site >= DEEP", true})
	}
	targets := []string{"NOP"}
	for i := range p.Shape.Programs {
		targets = append(targets, fmt.Sprint(i+1))
	}
	for _, m := range list {
		p.printf("\n\t/* The slot0%s. */\n", m.title)
		if m.deep {
			p.executes()
		} else {
			p.fetches(slot0, m, "NOP", "OUT")
		}
		p.handles(slot0, m)
		p.printf("\n\t/* The slot1%s. */\n", m.title)
		p.fetches(slot1, m, targets...)
		p.handles(slot1, m)
	}
}

// slotIn names the slot of an image at which a thread stands.
func (m image) slotIn(s protocol.Slot) string {
	return fmt.Sprintf("%s%v[%s]", m.prefix, s, m.index)
}

// option writes a move of a thread that stands at a place.
func (p *promela) option(place string, m image, when, then string) {
	p.printf("\t:: d_step { AT(%s)%s && %s -> %s }\n", place, m.here, when, then)
}

// fetches writes how a thread fetches a slot that may hold the instructions of tails.
func (p *promela) fetches(s protocol.Slot, m image, tails ...string) {
	at, slot := "AT_"+upper(s), m.slotIn(s)
	p.option(at, m, fmt.Sprintf("SEES_INT3(%s)", slot), "place[_pid] = TRAPPED_"+upper(s))
	p.option(at, m, fmt.Sprintf("SEES_TORN(%s)", slot), "assert(no_torn)")
	for _, t := range tails {
		p.option(at, m, fmt.Sprintf("SEES(%s, %s)", slot, t), fmt.Sprintf("act_as_%v(%s)", s, t))
	}
}

// handles writes what the handler of a trap does. A thread that trapped at the first slot of a
// program's site goes back into the program, where it may choose any site.
func (p *promela) handles(s protocol.Slot, m image) {
	at, slot, name := "TRAPPED_"+upper(s), m.slotIn(s), upper(s)+"(site)"
	again := "place[_pid] = AT_" + upper(s)
	if m.deep && s == slot0 {
		again = "inside()"
	}
	answer := again
	switch p.Method.Trap {
	case protocol.TrapNew:
		answer = fmt.Sprintf("act_as_%v(becomes)", s)
	case protocol.TrapOld:
		answer = fmt.Sprintf("act_as_%v(%s.remembered)", s, slot)
	}
	p.put("handler", holes{"trap": p.Method.Trap})
	p.option(at, m, "poked == "+name, answer)
	p.option(at, m, fmt.Sprintf("poked != %s && LEFT_INT3(%s)", name, slot), "assert(no_torn)")
	p.option(at, m, fmt.Sprintf("poked != %s && !LEFT_INT3(%s)", name, slot), again)
}

// upper names a slot as constants do.
func upper(s protocol.Slot) string { return strings.ToUpper(s.String()) }
