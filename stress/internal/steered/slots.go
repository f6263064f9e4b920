package steered

import (
	"bytes"
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/steered/inside"
)

// slotSize is that of a tail call's slots, in bytes.
const slotSize = 5

// bytesOf are the bytes of a slot that holds this text, or nil for a text that no slot of the kernel's
// can be told to hold.
func bytesOf(c *inside.Caller, slot protocol.Slot, t protocol.SlotText) []byte {
	site := protocol.TailCall()
	if c.Nop != nil {
		site = site.WithNop(c.Nop)
	}
	content, to := protocol.Jump, uint64(0)
	at := &c.Slots[slot]
	switch {
	case t.Tail == protocol.NopTail:
		content = protocol.Nop
	case t.Tail == protocol.OutTail && at.Out != 0:
		to = at.Out
	case t.Tail >= 0 && t.Tail < len(c.Programs) && at.Out == 0:
		to = c.Programs[t.Tail].Landing
	default:
		return nil
	}
	b := site.Slots[slot].May[content].At(nil, at.At, to)
	if t.Head == protocol.HeadTrap {
		b[0] = protocol.Trap
	}
	return b
}

// words are what a slot's bytes say, in the words of witnesses.
func words(c *inside.Caller, slot protocol.Slot, b []byte) string {
	tails := []int{protocol.NopTail, protocol.OutTail}
	for p := range c.Programs {
		tails = append(tails, p)
	}
	for _, tail := range tails {
		heads := []protocol.Head{protocol.HeadJump, protocol.HeadTrap}
		if tail == protocol.NopTail {
			heads[0] = protocol.HeadNop
		}
		for _, h := range heads {
			t := protocol.SlotText{Head: h, Tail: tail}
			if want := bytesOf(c, slot, t); want != nil && bytes.Equal(b, want) {
				return t.String()
			}
		}
	}
	return fmt.Sprintf("% x", b)
}
