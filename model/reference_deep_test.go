package model

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// What the reference knows of programs that have sites.

// deepSites is the first site of a program.
func (r *reference) deepSites() int { return r.Shape.Sites * (1 + r.Shape.Copies) }

// programAt returns the program of a site of one.
func (r *reference) programAt(site int) int { return (site - r.deepSites()) / r.ownSites() }

// ownSites is how many sites a program has.
func (r *reference) ownSites() int {
	if r.Shape.Sites < r.Shape.Keys {
		return r.Shape.Sites
	}
	return r.Shape.Keys
}

// gone: the site's image was freed.
func (r *reference) gone(s refState, site int) bool {
	if site >= r.deepSites() {
		return s.status[r.programAt(site)] == "freed"
	}
	return site >= r.Shape.Sites && !s.placed
}

// unlisting says when the list forgets a program: before it is freed, later, or never.
func (r *reference) unlisting() string {
	text := ""
	for _, step := range r.Protocol.UnloadSteps() {
		text += step.String() + " "
	}
	switch free, untrack := strings.Index(text, "free"), strings.Index(text, "untrack"); {
	case !r.Shape.Deep:
		return ""
	case untrack < 0:
		return "never"
	case untrack < free:
		return "first"
	}
	return "later"
}

// idle: no agent has a mutex.
func (r *reference) idle(s refState) bool {
	for i, a := range s.agent {
		if a.busy && i != refLoader || a.holds {
			return false
		}
	}
	return true
}

func (r *reference) giveBack(s *refState, p int) {
	s.status[p] = "freed"
	if !r.Shape.Deep {
		return
	}
	for i := r.deepSites(); i < r.allSites(); i++ {
		if r.programAt(i) == p {
			s.slot[i] = refErasedSite()
		}
	}
	if r.unlisting() == "first" {
		s.listed[p] = false
	}
}

// loadProgram loads a program that was freed, or lets the list forget it.
func (r *reference) loadProgram(s refState, p int) {
	if !r.Shape.Deep || s.status[p] != "freed" || !r.idle(s) {
		return
	}
	if r.unlisting() == "later" && s.listed[p] {
		n := s
		n.listed[p] = false
		r.next(n, "")
	}
	if s.pointed(p) {
		return
	}
	s.status[p], s.listed[p] = "", true
	for i := r.deepSites(); i < r.allSites(); i++ {
		if r.programAt(i) != p {
			continue
		}
		s.slot[i] = refEmptySite()
		q := s.ptr[r.keyOf(i)]
		if r.apart() {
			q = s.stale[r.keyOf(i)]
		}
		if q != 0 {
			for j, instr := range []refInstr{0, q} {
				s.slot[i][j] = refSlot{mem: refWhole(instr), expect: instr}
				*s.slot[i][j].seen.bit(refWhole(instr)) = true
			}
		}
	}
	r.next(s, "")
}

// inProgram takes a thread that has passed a site of a program back into that.
func (r *reference) inProgram(s *refState) bool {
	if s.thread.site < r.deepSites() {
		return false
	}
	s.thread.place, s.thread.prog, s.thread.site = "inside", refInstr(1+r.programAt(s.thread.site)), 0
	return true
}

// again is where a thread executes the bytes again at which it has trapped.
func (r *reference) again(s refState) {
	if s.thread.place == "bypass" {
		r.inProgram(&s)
	}
	r.next(s, "")
}

// unloadOrders are the orders in which the list and memory let go of a program.
var unloadOrders = []string{"wait; untrack; free", "wait; free; untrack", "wait; free"}

// TestReferenceDeep holds programs with sites against the reference.
func TestReferenceDeep(t *testing.T) {
	for _, c := range few(1, []struct {
		shape protocol.Shape
		zoo   []protocol.Mutant
	}{
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Deep: true}, protocol.Zoo()},
		{protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Deep: true, Nested: true, Indirect: true}, protocol.Zoo()[:5]},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 2, Deep: true, Indirect: true}, protocol.Zoo()[5:10]},
		{protocol.Shape{Sites: 1, Programs: 3, Keys: 1, Deep: true, Same: true}, protocol.Zoo()[:3]},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Deep: true, Mutators: 2}, protocol.Zoo()},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Deep: true, Nested: true, Copies: 1}, protocol.Zoo()[:6]},
	}) {
		for _, m := range append(c.zoo, protocol.Mutant{Name: "kernel"}) {
			for i, unload := range unloadOrders {
				if i > 0 && m.Name != "kernel" && m.Name != "lazy-remove" {
					break
				}
				s, err := m.Apply(protocol.DefaultSubject())
				if err != nil {
					t.Fatal(err)
				}
				e := protocol.Edit{Of: protocol.OfUnload, Do: protocol.Rewrite, With: unload}
				if s, err = e.Apply(s); err != nil {
					t.Fatal(err)
				}
				s.Shape, s.Method = c.shape, shortened(s.Method)
				sameAsReference(t, s)
			}
		}
	}
}

func TestReferenceOfAnyDeep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawAny(t)
		s.Shape.Deep = true
		e := protocol.Edit{Of: protocol.OfUnload, Do: protocol.Rewrite, With: rapid.SampledFrom(unloadOrders).Draw(t, "unload")}
		var err error
		if s, err = e.Apply(s); err != nil {
			t.Fatal(err)
		}
		sameAsReference(t, s)
	})
}
