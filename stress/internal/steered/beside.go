package steered

import (
	"bytes"
	"fmt"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
)

// A beside is the model, which walks beside the kernel: each move that a thread of the guest has made is
// one that it must allow, and leads where it says. What the kernel may do stands nowhere else here.
type beside struct {
	walk    *model.Walk
	broken  protocol.Property // by the last move; then the walk is over
	witness *witness.Witness
}

// newBeside begins with an empty key, or with one that holds a program.
func newBeside(s protocol.Subject, readers, holds int) (*beside, error) {
	w, err := model.NewWalk(s, readers)
	if err != nil {
		return nil, err
	}
	b := &beside{walk: w}
	if holds == none {
		return b, nil
	}
	if err := b.call(holds); err != nil {
		return nil, err
	}
	for {
		at, err := b.mutate()
		if err != nil {
			return nil, err
		}
		if at == returned {
			return b, nil
		}
	}
}

// take takes a move.
func (b *beside) take(m *model.Move) {
	b.walk.Take(m)
	if m.Breaks != "" {
		b.broken, b.witness = m.Breaks, b.walk.Witness(m)
	}
}

// find looks for a move that can be taken.
func (b *beside) find(want func(*model.Move) bool) *model.Move {
	moves := b.walk.Moves()
	for i := range moves {
		if want(&moves[i]) {
			return &moves[i]
		}
	}
	return nil
}

// call begins an operation that gives the key a program, or takes the one that it holds.
func (b *beside) call(prog int) error {
	m := b.find(func(m *model.Move) bool { return m.Action.Do == witness.Call && m.Action.Prog == prog })
	if m == nil {
		return fmt.Errorf("the model knows no operation that gives the key program %d", prog)
	}
	b.take(m)
	return nil
}

// ofMutator reports whether a move is one of the operation in progress: programs come and go in moves of
// their own.
func ofMutator(m *model.Move) bool {
	switch m.Action.Do {
	case witness.Call, witness.Reclaim, witness.Arrive, witness.Forget:
		return false
	}
	return m.Actor.Kind == witness.Mutator
}

// mutate goes on with the operation up to its next store, its end, or to where it has to wait.
func (b *beside) mutate() (milestone, error) {
	for b.broken == "" {
		m := b.find(ofMutator)
		if m == nil {
			return blocked, nil
		}
		b.take(m)
		switch {
		case m.Action.Do == witness.Return:
			return returned, nil
		case m.Action.Do == witness.Mismatch || m.Action.Do == witness.PokeGone:
			return 0, fmt.Errorf("the model's mutator finds what it does not expect")
		case m.Action.Do == witness.Store && !m.Action.Step.Sync:
			return stored, nil
		}
	}
	return 0, fmt.Errorf("the model's mutator breaks %s", b.broken)
}

// enter begins an execution of a reader.
func (b *beside) enter(reader int, kind string) error {
	m := b.find(func(m *model.Move) bool {
		return m.Actor == threadOf(reader) && m.Action.Do == witness.Enter && m.Action.Reader == kind
	})
	if m == nil {
		return fmt.Errorf("the model has no reader of the kind %q", kind)
	}
	b.take(m)
	return nil
}

func threadOf(reader int) witness.Actor { return witness.Actor{Kind: witness.Thread, Index: reader} }

// position is where a reader stands.
func (b *beside) position(reader int) witness.Position { return b.walk.View().Threads[reader] }

// coherent is the move of a reader that executes what memory holds. Others are of CPUs that fetch what
// was there before.
func (b *beside) coherent(reader int) *model.Move {
	at := b.position(reader)
	var holds protocol.SlotText
	if at.Place == witness.AtSlot {
		holds = b.walk.View().Sites[0].Slots[at.Slot].SlotText
	}
	return b.find(func(m *model.Move) bool {
		if m.Actor != threadOf(reader) {
			return false
		}
		switch a := &m.Action; {
		case at.Place != witness.AtSlot || at.Trapped:
			return true
		case holds.Head == protocol.HeadTrap:
			return a.Do == witness.Trap
		default:
			return a.Do == witness.Fetch && a.Text == holds
		}
	})
}

// sees holds what a reader of the kernel was seen to do against the model, which says what differs, or "".
func (b *beside) sees(reader int, s *saw) string {
	m := b.coherent(reader)
	if m == nil {
		return fmt.Sprintf("reader %d: %v; the model has no move", reader, s)
	}
	want := saw{m.Action.Do, m.Action.Slot, m.Action.Text}
	if want.do == witness.Retry {
		want.do = witness.Late // both run the byte again
	}
	if want != *s {
		return fmt.Sprintf("reader %d: %v; the model says %v", reader, s, want)
	}
	b.take(m)
	return ""
}

// leave ends an execution that has left its site.
func (b *beside) leave(reader int) {
	for b.broken == "" && b.position(reader).Place != witness.Idle {
		m := b.coherent(reader)
		if m == nil {
			return
		}
		b.take(m)
	}
}

// holds says in which slot the kernel's bytes are not what the model says, or "".
func (b *beside) holds(c *inside.Caller, got [][]byte) string {
	if b.broken != "" {
		return ""
	}
	for i, s := range b.walk.View().Sites[0].Slots {
		slot := protocol.Slot(i)
		if want := bytesOf(c, slot, s.SlotText); !bytes.Equal(want, got[i]) {
			return fmt.Sprintf("%v holds %s; the model says %v", slot, words(c, slot, got[i]), s.SlotText)
		}
	}
	return ""
}
