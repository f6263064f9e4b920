package sim

import (
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// newWitness is a witness that begins in the state x and has no steps.
func (s *system) newWitness(x state) *witness.Witness {
	w := &witness.Witness{
		Agents: []witness.Actor{{Kind: witness.Mutator}}, Threads: s.threads,
		Start: s.view(x), Memory: s.memory(),
	}
	for _, t := range s.texts {
		w.Programs = append(w.Programs, t.name)
	}
	numbers := map[int]int{}
	for _, at := range s.sites {
		of := witness.Site{Number: numbers[at.text]}
		if numbers[at.text]++; at.text != 0 {
			of.In = s.texts[at.text].name
		}
		w.Sites = append(w.Sites, of)
	}
	return w
}

// memory says where things lie, and what an execution begins with.
func (s *system) memory() *witness.Memory {
	t := newThread(s)
	t.enter(s)
	at := s.data.structs[0].At
	m := &witness.Memory{
		Data:    witness.Region{At: at, Size: s.data.next - at},
		Stack:   witness.Region{At: stackAt, Size: stackSize},
		Context: witness.Region{At: ctxAt, Size: uint64(len(s.Ctx))},
		Entry:   t.Regs, Return: returnAt,
	}
	for _, t := range s.texts {
		m.Programs = append(m.Programs, witness.Region{At: t.at, Size: uint64(len(t.img.Code))})
	}
	for i := range callerWords {
		m.Caller = append(m.Caller, junkOfCaller(i))
	}
	return m
}

// view says what a state shows.
func (s *system) view(x state) witness.View {
	var v witness.View
	for i := range s.threads {
		l := s.local(x[s.wordOf(i)] & localMask)
		p := witness.Position{Place: witness.Idle, Program: witness.None, Off: witness.None}
		if l.stop.phase != idle {
			p = s.standing(ripOf(l.content))
			p.Trapped = l.stop.phase == trapped
		}
		v.Threads = append(v.Threads, p)
	}
	for i := range s.sites {
		v.Sites = append(v.Sites, s.siteView(x, i))
	}
	return v
}

// siteView says what memory holds at a site. Where a slot holds no whole instruction, its site goes
// from the state with the instruction that the descriptor remembers to that with the new one.
func (s *system) siteView(x state, site int) witness.SiteView {
	var v witness.SiteView
	var from, to []protocol.Content
	for _, n := range s.sites[site].slots {
		st, at := s.slotState(x[firstSlotWord+n]), &s.slots[n]
		if st == nil {
			return witness.SiteView{Gone: true}
		}
		v.Slots = append(v.Slots, witness.SlotView{
			SlotText: at.reads(st.mem), Stale: !st.settled(), Bytes: slices.Clone(st.mem[:st.size]),
		})
		holds := at.holds(st.mem)
		next := holds
		if holds < 0 {
			holds = at.holds(st.expect)
			next = holds
			if _, w, poked := s.poked(x, n); poked {
				next = w
			}
		}
		from, to = append(from, at.wholes[holds].is), append(to, at.wholes[next].is)
	}
	v.From, v.To = s.site.StateOf(from...), s.site.StateOf(to...)
	return v
}

// standing says where a thread is that stands at an address.
func (s *system) standing(at uint64) witness.Position {
	n := s.textAt(at)
	if n < 0 {
		return witness.Position{
			Place: witness.Outside, Program: witness.None, Off: witness.None, Addr: at,
		}
	}
	off := int(at - s.texts[n].at)
	p := witness.Position{Place: witness.InCode, Program: n, Off: off}
	if slot := s.texts[n].slots[off] - 1; slot >= 0 {
		p.Place, p.Site, p.Slot = witness.AtSlot, s.slots[slot].site, s.slots[slot].which
	}
	return p
}
