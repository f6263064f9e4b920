package sim

import (
	"fmt"
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
)

// hand takes chosen steps.
type hand struct {
	t *testing.T
	s *system
	g walker
	x state
}

func newHand(t *testing.T, c Config) *hand {
	t.Helper()
	c = c.withDefaults()
	s, err := newSystem(&c)
	if err != nil {
		t.Fatal(err)
	}
	h := &hand{t: t, s: s, g: newWalker(s)}
	if h.x, err = s.initial(); err != nil {
		t.Fatal(err)
	}
	return h
}

// can takes a step of the actor with the given fetch, "" for any, if there is one.
func (h *hand) can(actor int, fetch string) bool {
	y, err := h.g.step(h.x, func(m move, _ state, f *fault) bool {
		return m.actor == actor && f == nil && (fetch == "" || h.name(m) == fetch)
	})
	if err == nil {
		h.x = y
	}
	return err == nil
}

func (h *hand) must(actor int, fetches ...string) {
	h.t.Helper()
	for _, f := range fetches {
		if !h.can(actor, f) {
			h.t.Fatalf("actor %d has no step %q in %+v", actor, f, h.s.view(h.x))
		}
	}
}

// name is what a thread fetches.
func (h *hand) name(m move) string {
	switch m.in.kind() {
	case fetches:
		return h.s.slots[m.slot].wholes[m.in.value()].text.Words(func(n int) string { return h.s.texts[n].name })
	case tears:
		at := h.s.slotState(h.x[firstSlotWord+m.slot])
		return fmt.Sprintf("%x", at.seen[m.in.value()][:at.size])
	case traps:
		return "int3"
	}
	return "-"
}

// sees lists what a thread may fetch now.
func (h *hand) sees(thread int, want ...string) {
	h.t.Helper()
	var got []string
	h.g.found = func(m move, _ state, _ *fault) {
		if m.actor == thread {
			got = append(got, h.name(m))
		}
	}
	h.g.expand(h.x)
	if slices.Sort(got); !slices.Equal(got, want) {
		h.t.Errorf("thread %d sees %q, want %q", thread, got, want)
	}
}

// TestForwardFetches goes executions by hand.
func TestForwardFetches(t *testing.T) {
	for _, forward := range []bool{false, true} {
		c := direct(t, 2, 1, 2)
		c.Forward, c.Held, c.Script = forward, []int{0}, script(t, "put 0 1\nput 0 0\n")
		var err error
		if c.Subject.Method, err = protocol.ParseMethod("method m\n all"); err != nil {
			t.Fatal(err)
		}
		h := newHand(t, c)
		h.must(byMutator, "", "", "") // p1 is in memory, no CPU has serialised
		h.must(0, "", "nop")
		h.must(1, "", "nop")
		h.sees(0, "jump-p0", "jump-p1")
		h.must(0, "jump-p1", "", "", "nop") // runs p1, and comes again
		if forward {
			h.sees(0, "jump-p1")
		} else {
			h.sees(0, "jump-p0", "jump-p1")
		}
		h.sees(1, "jump-p0", "jump-p1") // another CPU
		h.must(byMutator, "", "")       // the next program
		h.sees(0, "jump-p0", "jump-p0.2", "jump-p1")

		// Behind a trap.
		c.Subject.Method = protocol.DefaultSubject().Method
		h = newHand(t, c)
		h.must(byMutator, "", "") // head=int3
		h.must(0, "", "nop", "int3", "", "", "", "nop")
		if forward {
			h.sees(0, "int3")
		} else {
			h.sees(0, "int3", "jump-p0")
		}
		h.must(byMutator, "", "", "", "")
		h.sees(0, "int3", "jump-p1")
		h.must(0, "jump-p1")
		h.must(byMutator, "") // sync
		if forward && (h.x[h.s.wordOf(0)+1] != 0 || h.x[h.s.wordOf(1)+1] != 0) {
			t.Errorf("bits are left after a sync: %x", h.x)
		}
	}
}

// TestIretIsForward has a trap that is over when its handler looks.
func TestIretIsForward(t *testing.T) {
	for _, forward := range []bool{false, true} {
		c := direct(t, 1, 1, 1)
		c.Forward, c.Script = forward, script(t, "put 0 0\n")
		h := newHand(t, c)
		h.must(byMutator, "", "")                 // head=int3 at the target
		h.must(byMutator, "", "", "", "", "", "") // the bypass has int3 now
		h.must(0, "", "int3")
		h.must(byMutator, "", "", "", "") // its new head, not serialised
		h.must(0, "-")                    // the handler acts as the new instruction
		h.must(0, "jump-p0", "", "")      // runs p0, and comes again
		if forward {
			h.sees(0, "nop")
		} else {
			h.sees(0, "int3", "nop")
		}
	}
}

// TestReportedViolationIsOne has an order in which any two violations differ.
func TestReportedViolationIsOne(t *testing.T) {
	a, b := &fault{property: protocol.NeverA}, &fault{property: protocol.NoTorn}
	ordered := []violation{
		{fault: a, from: parent{hash: 1}, order: 1}, {fault: a, from: parent{hash: 1}, order: 2},
		{fault: a, from: parent{hash: 2}, order: 1}, {fault: b, from: parent{hash: 1}, order: 1}, {},
	}
	for i := range ordered[:4] {
		for j := range ordered {
			if got := ordered[i].nearer(&ordered[j]); i != j && got != (i < j) {
				t.Errorf("%d is nearer than %d: %t", i, j, got)
			}
		}
	}
}

// TestFetchesOfAHalfWrittenSlot has one of all contents that never were an instruction, and
// every one that was.
func TestFetchesOfAHalfWrittenSlot(t *testing.T) {
	c := direct(t, 1, 1, 1)
	c.Script = script(t, "put 0 0\n")
	var err error
	if c.Subject.Method, err = protocol.ParseMethod("method m\n bytes; sync"); err != nil {
		t.Fatal(err)
	}
	h := newHand(t, c)
	h.must(byMutator, "", "", "", "") // the bypass
	h.must(0, "")
	h.sees(0, "0f10000000", "jump-out", "nop")
}
