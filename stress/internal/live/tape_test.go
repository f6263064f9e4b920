package live

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"tailpoke/patcher/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func item(n int) protocol.Item { return protocol.Item{Count: n} }

// TestTape: the taker gets every item, in order, however far behind it is.
func TestTape(t *testing.T) {
	const n = 3 * tapeBuffers * TapeBuffer
	next := 0
	tape := NewTape(func(items []protocol.Item) {
		if next == 0 {
			time.Sleep(20 * time.Millisecond) // all buffers fill up meanwhile
		}
		for _, it := range items {
			if it.Count != next {
				t.Errorf("item %d came in the place of %d", it.Count, next)
			}
			next++
		}
	})
	for i := range n {
		if i%3 == 0 { // it does not wait
			tape.Add(item(i))
		} else {
			tape.Note(item(i))
		}
		if i%7 == 0 {
			tape.Hand(i % 5)
		}
	}
	tape.Close()
	if next != n {
		t.Errorf("%d of %d items were taken", next, n)
	}
}

// TestTapeFull: while nothing is taken, there is room for what the buffers hold; what observers leave
// in reserve is there for others.
func TestTapeFull(t *testing.T) {
	start := make(chan struct{})
	taken := 0
	tape := NewTape(func(items []protocol.Item) { <-start; taken += len(items) })
	const reserve = 8
	n := 0
	fill := func(reserve int) (added int) {
		for tape.Room(reserve) {
			tape.Add(item(n))
			n, added = n+1, added+1
		}
		return added
	}
	// Each buffer is handed over when it is half full. One is at the taker, one in use.
	if got, want := fill(reserve), (tapeBuffers-reserve)*tapeHand; got != want {
		t.Errorf("%d items with a reserve, want %d", got, want)
	}
	if tape.Hand(reserve) {
		t.Error("the reserve was used")
	}
	if got, want := fill(0), reserve*tapeHand; got != want {
		t.Errorf("%d items of the reserve, want %d", got, want)
	}
	close(start)
	tape.Close()
	if taken != n {
		t.Errorf("%d of %d items were taken", taken, n)
	}
}
