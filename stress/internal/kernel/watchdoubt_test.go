package kernel

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// TestHalfWritten: a tail behind int3 that is half written may be the way to a third program. Then
// it is not said to name that; where it cannot be half written, it is.
func TestHalfWritten(t *testing.T) {
	const half = fakeFirst&^0xff | fakeOther&0xff // all but the lowest byte of the first program's
	for _, tc := range []struct {
		name       string
		held, busy int
		op         protocol.OpKind
		given      int
		lies       uint64
		want       int
	}{
		{"update", 0, 0, protocol.Update, 1, half, protocol.AnyTail},
		{"back", 1, 0, protocol.Update, 0, half, protocol.AnyTail},
		{"of others", 0, 0, protocol.Update, 2, half, 3},
		{"the one that it held", 3, 0, protocol.Update, 1, half, 3},
		{"the one that it is given", 0, 0, protocol.Update, 3, half, 3},
		{"no operation", 0, -1, protocol.Update, 1, half, 3},
		{"another byte", 0, 0, protocol.Update, 1, half ^ 0x10, 3},
		{"remove", 0, 0, protocol.Remove, protocol.AnyProg, half, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, w, m := newFakeText(1)
			w.landings[tc.lies] = 3
			w.held[0], w.busy, w.op, w.given = tc.held, tc.busy, tc.op, tc.given
			target := &m.sites[0].slots[protocol.Target]
			jump := fakeJump(target.Addr, tc.lies)
			jump[0] = opTrap
			copy(f.mem[target.Off:], jump[:])
			if err := w.dump.twice(m); err != nil {
				t.Fatal(err)
			}
			w.interpret(m)
			if got := target.now.raw; got.Head != protocol.HeadTrap || got.Tail != tc.want {
				t.Errorf("read as %v, want tail %d", got, tc.want)
			}
		})
	}
}
