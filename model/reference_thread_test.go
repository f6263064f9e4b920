package model

import "tailpoke/patcher/protocol"

// What a thread of the reference does.

func (r *reference) thread(s refState) {
	t := &s.thread
	switch {
	case t.place == "":
		t.place = "bypass"
		for k := range r.Shape.Keys {
			mine := s.busy && s.key == k
			t.must[k] = s.ptr[k] != 0 && !(mine && s.op != protocol.Update)
			for _, p := range []refInstr{s.ptr[k], s.given, s.old} {
				if p != 0 && (mine || p == s.ptr[k]) {
					t.fresh[k][p-1] = true
				}
			}
		}
		r.next(s, "")
	case t.place == "after":
		s.thread = refThread{}
		r.next(s, "")
	case t.place == "inside":
		if s.status[t.prog-1] == "freed" {
			r.next(s, protocol.NoUseAfterFree)
			return
		}
		s.thread = refThread{}
		r.next(s, "")
	case t.trapped:
		r.handle(s)
	default:
		r.fetch(s)
	}
}

func (s refState) threadSlot() refSlot {
	if s.thread.place == "bypass" {
		return s.slot[s.thread.site][0]
	}
	return s.slot[s.thread.site][1]
}

func (r *reference) fetch(s refState) {
	trap, torn := false, false
	s.threadSlot().seen.each(func(b refBytes) {
		switch {
		case b.head == '3':
			trap = true
		case b.tail < 0 || b != refWhole(b.tail):
			torn = true
		default:
			r.execute(s, b.tail)
		}
	})
	if trap {
		n := s
		n.thread.trapped = true
		r.next(n, "")
	}
	if torn {
		r.next(s, protocol.NoTorn)
	}
}

func (r *reference) handle(s refState) {
	slot := s.threadSlot()
	s.thread.trapped = false
	if s.busy && s.micro > 0 {
		a := r.actions(s)[s.action]
		if r.site(s, a) == s.thread.site && a.Slot.String() == s.thread.place {
			switch r.Method.Trap {
			case protocol.TrapNew:
				r.execute(s, s.want(a))
			case protocol.TrapOld:
				r.execute(s, slot.expect)
			default:
				r.next(s, "")
			}
			return
		}
	}
	if slot.mem.head == '3' {
		r.next(s, protocol.NoTorn)
		return
	}
	r.next(s, "")
}

func (r *reference) execute(s refState, i refInstr) {
	key := s.thread.site % r.Shape.Keys
	s.thread.trapped = false
	var broken protocol.Property
	gone := refThread{wait: s.thread.wait, retire: s.thread.retire}
	switch {
	case s.thread.place == "bypass" && i == 0:
		s.thread.place = "target"
	case s.thread.place == "bypass":
		if s.thread.must[key] {
			broken = protocol.NoMiss
		}
		if s.thread.site++; s.thread.site == r.Shape.Sites {
			s.thread = gone
			s.thread.place = "after"
		}
	case i == 0:
		broken = protocol.NeverA
	default:
		if !s.thread.fresh[key][i-1] {
			broken = protocol.Fresh
		} else if s.status[i-1] == "freed" {
			broken = protocol.NoUseAfterFree
		}
		s.thread = gone
		s.thread.place, s.thread.prog = "inside", i
	}
	r.next(s, broken)
}
