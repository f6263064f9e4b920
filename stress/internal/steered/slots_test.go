package steered

import (
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// TestSlotBytes: every text of a slot has bytes of its own, and they say it.
func TestSlotBytes(t *testing.T) {
	for _, nop := range [][]byte{nil, {0x66, 0x66, 0x66, 0x66, 0x90}} {
		c := callerAt(false)
		c.Nop = nop
		seen := map[string]string{}
		for slot := range c.Slots {
			tails := []int{protocol.NopTail, protocol.OutTail}
			if slot == 1 {
				tails = []int{protocol.NopTail, 0, 1, 2, 3}
			}
			for _, tail := range tails {
				for _, head := range []protocol.Head{protocol.HeadNop, protocol.HeadJump, protocol.HeadTrap} {
					if (head == protocol.HeadNop) != (tail == protocol.NopTail) && head != protocol.HeadTrap {
						continue
					}
					text := protocol.SlotText{Head: head, Tail: tail}
					b := bytesOf(c, protocol.Slot(slot), text)
					if len(b) != slotSize || words(c, protocol.Slot(slot), b) != text.String() {
						t.Errorf("%v: % x says %s", text, b, words(c, protocol.Slot(slot), b))
					}
					if head == protocol.HeadTrap != (b[0] == protocol.Trap) {
						t.Errorf("%v: % x", text, b)
					}
					key := string(rune('0'+slot)) + string(b)
					if seen[key] != "" {
						t.Errorf("%v and %s are both % x", text, seen[key], b)
					}
					seen[key] = text.String()
				}
			}
		}
		if b := bytesOf(c, 0, protocol.SlotText{Head: protocol.HeadJump, Tail: 0}); b != nil {
			t.Errorf("a first slot that leads to a program: % x", b)
		}
		if got := words(c, 0, []byte{0x90, 0, 0, 0, 0}); got != "90 00 00 00 00" {
			t.Errorf("bytes that say nothing: %s", got)
		}
	}
}

// TestSaw: what a reader did at a slot is told by where it is then.
func TestSaw(t *testing.T) {
	const handler = 0xffffffff81001240
	c := callerAt(false)
	nop, out, p2 := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}, protocol.SlotText{Head: protocol.HeadJump, Tail: protocol.OutTail}, protocol.SlotText{Head: protocol.HeadJump, Tail: 2}
	first, second := c.Slots[0].At, c.Slots[1].At
	r := &reader{caller: c}
	step := func(from, to uint64) *saw { r.pc = to; return r.did(from) }
	for i, x := range []struct {
		from, to uint64
		want     *saw
	}{
		{first - 3, first, nil},
		{first, handler, &saw{do: witness.Trap}},
		{handler, handler + 4, nil},
		{handler + 4, first, &saw{do: witness.Late}}, // the poke was over
		{first, first + 5, &saw{witness.Fetch, 0, nop}},
		{first + 5, first + 7, nil},
		{second, handler, &saw{do: witness.Trap, slot: 1}},
		{handler, c.Programs[2].Landing, &saw{witness.Handle, 1, p2}},
	} {
		got := step(x.from, x.to)
		if (got == nil) != (x.want == nil) || got != nil && *got != *x.want {
			t.Errorf("step %d: %v, want %v", i, got, x.want)
		}
	}
	if !r.out || r.isA || programAt(c, r.pc) != 2 {
		t.Errorf("%+v", r)
	}
	r = &reader{caller: c}
	if got := step(first, c.Slots[0].Out); *got != (saw{witness.Fetch, 0, out}) || !r.out || r.isA {
		t.Errorf("a jump over the site: %v, %+v", got, r)
	}
	r = &reader{caller: c}
	step(first, first+5)
	if got := step(second, second+5); *got != (saw{witness.Fetch, 1, nop}) || !r.out || !r.isA {
		t.Errorf("state A: %v, %+v", got, r)
	}
}
