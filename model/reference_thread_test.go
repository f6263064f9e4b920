package model

import "tailpoke/patcher/protocol"

// What a thread of the reference does.

func (r *reference) thread(s refState) {
	t := &s.thread
	if t.place != "" && t.place != "inside" && r.gone(s, t.site) {
		r.next(s, protocol.NoUseAfterFree)
		return
	}
	switch {
	case t.place == "":
		t.place = "bypass"
		for k := range r.Shape.Keys {
			t.must[k] = s.ptr[k] != 0
			allow := func(p refInstr) {
				if p != 0 {
					t.fresh[k][p-1] = true
				}
			}
			allow(s.ptr[k])
			for _, a := range s.agent[:refLoader] {
				if a.busy && a.key == k {
					t.must[k] = t.must[k] && a.op == "update"
					allow(a.given)
					allow(a.old)
				}
			}
		}
		for t.kind = range max(1, len(r.Protocol.Readers)) {
			t.site = 0
			r.next(s, "")
			if t.site = r.Shape.Sites; s.entered {
				r.next(s, "")
			}
		}
	case t.place == "after":
		s.thread = refThread{}
		r.next(s, "")
	case t.place == "inside":
		if s.status[t.prog-1] == "freed" {
			r.next(s, protocol.NoUseAfterFree)
			return
		}
		for i := 0; r.Shape.Nested && i < r.Shape.Sites; i++ {
			n := s
			n.thread.place, n.thread.prog, n.thread.site, n.thread.home = "bypass", 0, t.home+i, 0
			r.next(n, "")
		}
		for i := r.deepSites(); i < r.allSites(); i++ {
			if r.programAt(i) == int(t.prog)-1 {
				n := s
				n.thread.place, n.thread.prog, n.thread.site = "bypass", 0, i
				r.fetch(n)
			}
		}
		s.thread = refThread{}
		r.next(s, "")
	case t.trapped:
		r.handle(s)
	default:
		r.fetch(s)
		if r.Shape.Indirect && t.place == "bypass" && t.site == 0 {
			r.read(s)
		}
	}
}

// read is an indirect site of any key.
func (r *reference) read(s refState) {
	for k := range r.Shape.Keys {
		p := s.ptr[k]
		if r.apart() {
			p = s.stale[k]
		}
		n := s
		n.thread = refThread{wait: s.thread.wait, retire: s.thread.retire, kind: s.thread.kind, place: "after"}
		var broken protocol.Property
		if p == 0 {
			if s.thread.must[k] {
				broken = protocol.NoMiss
			}
			r.next(n, broken)
			continue
		}
		if r.bound(refThread{place: "inside"}) {
			n.thread = s.thread
			n.thread.site = 0
		}
		n.thread.place, n.thread.prog = "inside", p
		if !s.thread.fresh[k][p-1] {
			broken = protocol.Fresh
		} else if s.status[p-1] == "freed" {
			broken = protocol.NoUseAfterFree
		}
		r.next(n, broken)
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
	for i, a := range s.agent {
		if a.micro == 0 {
			continue
		}
		act := r.actions(a)[a.action]
		if r.sites(a)[act.Desc] == s.thread.site && act.Slot.String() == s.thread.place {
			switch r.Method.Trap {
			case protocol.TrapNew:
				r.execute(s, r.want(s, i, act))
			case protocol.TrapOld:
				r.execute(s, slot.expect)
			default:
				r.again(s)
			}
			return
		}
	}
	if slot.mem.head == '3' {
		r.next(s, protocol.NoTorn)
		return
	}
	r.again(s)
}

func (r *reference) execute(s refState, i refInstr) {
	at := s.thread.site
	key := r.keyOf(at)
	s.thread.trapped = false
	var broken protocol.Property
	gone := refThread{wait: s.thread.wait, retire: s.thread.retire, kind: s.thread.kind}
	switch {
	case s.thread.place == "bypass" && i == 0:
		s.thread.place = "target"
	case s.thread.place == "bypass":
		if s.thread.must[key] {
			broken = protocol.NoMiss
		}
		if r.inProgram(&s) {
			break
		}
		if s.thread.site++; s.thread.site%r.Shape.Sites == 0 {
			gone.site = s.thread.site - r.Shape.Sites // in which image
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
		if r.bound(refThread{place: "inside"}) {
			gone.must, gone.fresh, gone.home = s.thread.must, s.thread.fresh, s.thread.home
			if r.Shape.Nested && at < r.deepSites() {
				gone.home = at / r.Shape.Sites * r.Shape.Sites
			}
		}
		s.thread = gone
		s.thread.place, s.thread.prog = "inside", i
	}
	r.next(s, broken)
}
