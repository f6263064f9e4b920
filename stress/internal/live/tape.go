package live

import "tailpoke/patcher/protocol"

const (
	tapeBuffers = 32 // between the recorder and the taker
	// TapeBuffer is how many items a buffer has room for: more than most operations have.
	TapeBuffer = 512
	tapeHand   = TapeBuffer / 2
)

// A Tape hands a trace over to its taker, which has a goroutine of its own. One goroutine at a time
// records, and allocates nothing.
type Tape struct {
	Items []protocol.Item // that were not handed over yet

	full, free chan []protocol.Item
	done       chan struct{}
}

// NewTape makes a tape. take is given the items in order, and does not keep the slice.
func NewTape(take func([]protocol.Item)) *Tape {
	t := &Tape{
		full: make(chan []protocol.Item, tapeBuffers), free: make(chan []protocol.Item, tapeBuffers),
		done: make(chan struct{}),
	}
	for range tapeBuffers {
		t.free <- make([]protocol.Item, 0, TapeBuffer)
	}
	t.Items = <-t.free
	go func() {
		defer close(t.done)
		for items := range t.full {
			take(items)
			t.free <- items[:0]
		}
	}()
	return t
}

// Add appends an item. It never waits, and grows the buffer where that is full.
func (t *Tape) Add(it protocol.Item) { t.Items = append(t.Items, it) }

// Note appends an item that must not be lost: if the taker is late, it waits.
func (t *Tape) Note(it protocol.Item) {
	if len(t.Items) == cap(t.Items) {
		t.swap()
	}
	t.Add(it)
	t.Room(0)
}

// Room reports whether there is room for more: less than half a buffer is in use, or is after Hand.
func (t *Tape) Room(reserve int) bool { return len(t.Items) < tapeHand || t.Hand(reserve) }

// Hand hands over what there is, if more than so many buffers are free, and reports whether it did.
func (t *Tape) Hand(reserve int) bool {
	ok := len(t.free) > reserve // the recorder alone takes any
	if ok {
		t.swap()
	}
	return ok
}

func (t *Tape) swap() {
	t.full <- t.Items
	t.Items = <-t.free
}

// Close hands over what is left and waits until it was taken.
func (t *Tape) Close() {
	t.full <- t.Items
	close(t.full)
	<-t.done
}
