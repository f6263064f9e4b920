package model

import (
	"fmt"
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
)

// pairText writes a pair. Parts that do not belong together have a plus between them: "int3+p0".
func pairText(p pair, s protocol.Slot) string {
	tails := func(t tail) string {
		switch {
		case t == tailNop:
			return "nop"
		case t == tailMixed:
			return "mixed"
		case s == protocol.Bypass:
			return "out"
		}
		return fmt.Sprintf("p%d", t-1)
	}
	switch {
	case p.isWhole() && p.tail() == tailNop:
		return "nop"
	case p.isWhole():
		return "jmp " + tails(p.tail())
	}
	return [...]string{headNop: "nop", headJump: "jmp", headInt3: "int3"}[p.head()] + "+" + tails(p.tail())
}

// seenText lists what a fetch of a target may return, in the order of the pairs.
func seenText(s slot) []string {
	var out []string
	for p := pair(0); p < memShift; p++ {
		if s.seen()>>p&1 != 0 {
			out = append(out, pairText(p, protocol.Target))
		}
	}
	return out
}

// TestWeakFetch follows what a fetch may return through the steps of pokes.
func TestWeakFetch(t *testing.T) {
	const p0, p1 = tail(1), tail(2)
	for _, c := range []struct {
		name string
		got  slot
		mem  string
		want []string
	}{
		{"settled",
			settled(p0), "jmp p0", []string{"jmp p0"}},
		{"int3 over a jump",
			settled(p0).writeHead(headInt3), "int3+p0", []string{"jmp p0", "int3+p0"}},
		{"serialised, no CPU sees the jump",
			settled(p0).writeHead(headInt3).sync(), "int3+p0", []string{"int3+p0"}},
		{"the tail after int3 is harmless",
			settled(p0).writeHead(headInt3).sync().writeTail(tailNop), "int3+nop",
			[]string{"int3+nop", "int3+p0", "int3+mixed"}},
		{"the tail after a stale jump is not",
			settled(p0).writeHead(headInt3).writeTail(tailNop), "int3+nop",
			[]string{"jmp+nop", "jmp p0", "jmp+mixed", "int3+nop", "int3+p0", "int3+mixed"}},
		{"jump to jump, byte by byte: both are whole, the way between is not",
			settled(p0).writeHead(headJump).writeTail(p1), "jmp p1", []string{"jmp p0", "jmp p1", "jmp+mixed"}},
		{"one store is never seen in parts",
			settled(tailNop).writeAll(p1), "jmp p1", []string{"nop", "jmp p1"}},
		{"a new head with the old tail",
			settled(tailNop).writeHead(headJump), "jmp+nop", []string{"nop", "jmp+nop"}},
		{"the same tail again changes no byte",
			settled(p0).writeTail(p0), "jmp p0", []string{"jmp p0"}},
		{"but a CPU may see it that has not seen them before",
			settled(tailNop).writeAll(p1).writeTail(p1), "jmp p1",
			[]string{"nop", "nop+p1", "nop+mixed", "jmp p1"}},
	} {
		if mem := pairText(c.got.mem(), protocol.Target); mem != c.mem || !slices.Equal(seenText(c.got), c.want) {
			t.Errorf("%s: memory %s, fetches %q; want %s, %q", c.name, mem, seenText(c.got), c.mem, c.want)
		}
	}
}

// TestSiteHalves: the slots of a site do not touch each other.
func TestSiteHalves(t *testing.T) {
	w := siteOf(settled(tailOut), settled(tailNop))
	w = withSlot(w, protocol.Target, settled(3).writeHead(headInt3).expecting(5))
	w = withSlot(w, protocol.Bypass, settled(tailNop))
	if b := slotOf(w, protocol.Bypass); b != settled(tailNop) {
		t.Errorf("bypass %#x", b)
	}
	target := slotOf(w, protocol.Target)
	if target.expects() != 5 || target.mem() != pairOf(headInt3, 3) {
		t.Errorf("target %#x", target)
	}
	if got := slotOf(syncSite(w), protocol.Target); got != target.sync() || got.expects() != 5 {
		t.Errorf("synced target %#x", got)
	}
}

// TestSlotTexts has every pair that memory can hold: an instruction, a trap over one, or neither.
func TestSlotTexts(t *testing.T) {
	for h := headNop; h <= headInt3; h++ {
		for n := tailNop; n <= tailMixed; n++ {
			tails := map[protocol.Slot]string{protocol.Bypass: "out", protocol.Target: fmt.Sprintf("p%d", n-1)}
			for s, to := range tails {
				if s == protocol.Bypass && n > tailOut && n < tailMixed {
					continue // it has no other destination
				}
				want := "torn"
				switch {
				case h == headInt3 && n == tailNop:
					want = "int3-nop"
				case h == headInt3 && n == tailMixed:
					want = "int3-mixed"
				case h == headInt3:
					want = "int3-" + to
				case h == headNop && n == tailNop:
					want = "nop"
				case h == headJump && n != tailNop && n != tailMixed:
					want = "jump-" + to
				}
				if got := textOf(pairOf(h, n), s).String(); got != want {
					t.Errorf("%v: head %d and tail %d are %s, want %s", s, h, n, got, want)
				}
			}
		}
	}
}
