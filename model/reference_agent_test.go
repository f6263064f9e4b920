package model

import (
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// What a mutator of the reference does, its pokes left out.

func (r *reference) call(s refState) {
	for k := range r.Shape.Keys {
		for p := -1; p < r.Shape.Programs; p++ {
			n := s
			a := &n.agent[r.me]
			a.busy, a.key, a.old = true, k, s.ptr[k]
			switch {
			case r.locked(s, k), p < 0 && s.ptr[k] == 0:
				continue
			case p < 0:
				a.op = "remove"
				n.thread.must[k] = false
			case r.Shape.Same && s.ptr[k] == refInstr(1+p) && s.status[p] == "held":
				a.op, a.given = "update", refInstr(1+p)
				n.thread.fresh[k][p] = r.bound(s.thread)
			case s.pointed(p) || s.status[p] == "retiring" || s.status[p] == "held" || r.Shape.Deep && s.status[p] == "freed":
				continue
			default:
				a.op = "update"
				if s.ptr[k] == 0 {
					a.op = "install"
				}
				a.given, n.status[p] = refInstr(1+p), "held"
				n.thread.fresh[k][p] = r.bound(s.thread)
			}
			if r.apart() && !strings.Contains(" "+r.text(a.op), " publish") {
				n.ptr[k] = a.given
			}
			r.next(n, "")
		}
	}
}

// text is an operation's line of the protocol.
func (r *reference) text(op string) string {
	for _, line := range r.lines {
		if strings.HasPrefix(line, "  "+op) {
			return strings.ReplaceAll(line, ";", "")
		}
	}
	panic(op)
}

// apart: some operation never publishes, and somebody reads the pointer itself.
func (r *reference) apart() bool {
	all := true
	for _, op := range []string{"install", "update", "remove"} {
		all = all && strings.Contains(r.text(op), " publish")
	}
	return !all && (r.Shape.Indirect || r.Shape.Copies > 0 || r.Shape.Deep)
}

// inHand: another mutator's operation gives p, or, if either is said, replaces it.
func (r *reference) inHand(s refState, p refInstr, either bool) bool {
	for i, a := range s.agent[:refLoader] {
		if i != r.me && a.busy && (a.given == p || either && a.old == p) {
			return true
		}
	}
	return false
}

// names is what the map's pointer names.
func (r *reference) names(s refState, key int) refInstr {
	if r.apart() {
		return s.stale[key]
	}
	return s.ptr[key]
}

// lets: the action lets go of what the operation replaces.
func lets(act protocol.Action) bool {
	return act.Kind == protocol.Retire || act.Kind == protocol.Free
}

func (r *reference) back(s refState) {
	a := &s.agent[r.me]
	var broken protocol.Property
	if r.me != refLoader && a.old != 0 && !slices.ContainsFunc(r.actions(*a), lets) &&
		(a.old == a.given || r.names(s, a.key) != a.old) {
		broken = protocol.NoLeak
	}
	if r.me == refLoader && a.op == "unload" && s.placed {
		broken = protocol.NoLeak
	}
	for _, p := range []int{int(a.given) - 1, int(a.old) - 1} {
		if p >= 0 && s.status[p] == "held" && !s.pointed(p) && !r.inHand(s, refInstr(1+p), true) {
			s.status[p] = ""
		}
	}
	*a = refAgent{last: a.last} // 0, for nothing asks after the last action
	if r.me == refLoader {
		s.read = [refMax]refInstr{}
	}
	r.next(s, broken)
}

// advance goes on to a later action. It forgets which poke was the last when no later
// wait asks for changes.
func (r *reference) advance(s refState, to int) refState {
	a := &s.agent[r.me]
	acts := r.actions(*a)
	ask := false
	for _, b := range acts[to:] {
		ask = ask || b.IfChanged
	}
	if !ask {
		a.last = 0
	}
	a.action = to
	a.holds = to < len(acts) && acts[to].Desc != protocol.NoDesc && !acts[to].First
	return s
}

func (r *reference) act(s refState, act protocol.Action) {
	a := s.agent[r.me]
	on := r.advance(s, a.action+1)
	if act.First && a.micro == 0 && a.look == 0 && !a.waiting && r.passedBy(s, r.sites(a)[act.Desc]) {
		to := a.action + 1
		for acts := r.actions(a); to < len(acts) && acts[to].Desc == act.Desc && !acts[to].First; {
			to++
		}
		r.next(r.advance(s, to), "")
		return
	}
	switch act.Kind {
	case protocol.Publish:
		r.publish(s)
	case protocol.Free, protocol.Retire:
		acts := r.actions(a)
		if a.old != 0 && slices.ContainsFunc(acts[:a.action], lets) {
			r.next(on, protocol.NoDoubleFree)
			return
		}
		if a.old == 0 || a.old == a.given || r.inHand(s, a.old, false) {
			r.next(on, "") // nothing to free: another reference is left
			return
		}
		switch status := s.status[a.old-1]; {
		case status == "retiring" || status == "freed":
			r.next(on, protocol.NoDoubleFree)
		case r.names(s, a.key) == a.old:
			r.next(on, protocol.NoEarlyFree)
		case act.Kind == protocol.Free:
			r.giveBack(&on, int(a.old)-1)
			r.next(on, "")
		default:
			on.status[a.old-1] = "retiring"
			r.mark(on, act.Grace, func(t *refThread) *bool { return &t.retire[a.old-1] })
		}
	case protocol.Wait:
		r.wait(s, act)
	case protocol.Poke:
		r.poke(s, act)
	}
}

func (r *reference) wait(s refState, act protocol.Action) {
	a := &s.agent[r.me]
	switch {
	case a.waiting && s.thread.wait[r.me]:
	case a.waiting:
		a.waiting = false
		r.next(r.advance(s, a.action+1), "")
	case act.IfChanged && a.last-1 < act.Since:
		r.next(r.advance(s, a.action+1), "")
	default:
		a.waiting = true
		a.holds = act.Desc != protocol.NoDesc
		r.mark(s, act.Grace, func(t *refThread) *bool { return &t.wait[r.me] })
	}
}

// mark begins a grace period, by the rule of its flavour. One that the text names has none.
func (r *reference) mark(s refState, period protocol.Period, bit func(*refThread) *bool) {
	named := period.String() != ""
	if s.thread.place == "" || !r.meets(s.thread.kind, period.String()) ||
		!named && r.Grace.Kind == protocol.GraceSleep {
		r.next(s, "")
		return
	}
	if !named && r.Grace.Kind == protocol.GraceForget {
		r.next(s, "")
	}
	*bit(&s.thread) = true
	r.next(s, "")
}

// meets reports whether the text says that a grace period waits for readers of a kind.
func (r *reference) meets(kind int, period string) bool {
	if period == "" {
		period = "epoch"
	}
	if len(r.Protocol.Readers) == 0 {
		return period == "epoch"
	}
	for _, g := range r.Protocol.Readers[kind].Graces {
		if g.String() == period {
			return true
		}
	}
	return false
}
