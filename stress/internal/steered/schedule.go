package steered

import (
	"context"
	"fmt"
	"strings"

	"tailpoke/internal/vm"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
)

// A schedule is one order of moves: the mutator to a point, each reader into the caller up to its place,
// the mutator to another point, and then the readers, one after the other, and the mutator to their
// ends. Points count the mutator's stores, and the end of each operation.
type schedule struct {
	from   int
	places []place
	to     int
}

// held names the places.
func (s schedule) held() string {
	var names []string
	for _, p := range s.places {
		names = append(names, p.name)
	}
	return strings.Join(names, " and ")
}

// String says it for people.
func (s schedule) String() string {
	return fmt.Sprintf("reader at %s, entered at %d, the mutator at %d", s.held(), s.from, s.to)
}

// A cell is what came of a schedule.
type cell struct {
	schedule
	letter  byte
	blocked string // in which function the mutator waits, where it does not come so far
	far     int    // blocked: how far it came
	alone   bool   // the model does not wait there
	differs string // what the kernel did, and the model does not
	broken  protocol.Property
	witness *witness.Witness
	died    *Died
	ruined  bool // the guest is not to go on
}

// The letters of a cell.
const (
	letterTail    = 't' // the reader ended in a program
	letterSkip    = 's' // it went on in its caller
	letterA       = 'A' // it went on in its caller with its frame unwound
	letterBlocked = 'w' // the schedule is impossible: the mutator waits
	letterSame    = '.' // its states are those of another schedule
	letterDiffers = '!' // the kernel did what the model does not
)

// A run carries one schedule out.
type run struct {
	*machine
	work
	cell
	beside  *beside
	breaker int    // the reader that broke something
	kind    string // of readers
	next    int    // operation
	point   int
}

// take carries a schedule out. An error is one of the harness; what the kernel does is in the cell.
func (m *machine) take(ctx context.Context, s protocol.Subject, w work, sched schedule) (*cell, error) {
	r := &run{machine: m, work: w, cell: cell{schedule: sched}, kind: kindOf(s, w.caller)}
	err := r.all(ctx, s)
	r.ruined = r.ruined || r.mutator.state != free // in the midst of an operation
	if d, ok := err.(*Died); ok {
		r.died, r.ruined, err = d, true, nil
		if r.letter == 0 {
			r.letter = letterDiffers
		}
	}
	if r.differs != "" {
		r.letter = letterDiffers
	}
	return &r.cell, err
}

// kindOf is the kind of readers that a caller is, in the words of a protocol.
func kindOf(s protocol.Subject, c *inside.Caller) string {
	for _, k := range s.Protocol.Readers {
		if c.Sleepable == (k.Name == "sleepable") {
			return k.Name
		}
	}
	return ""
}

func (r *run) all(ctx context.Context, s protocol.Subject) (err error) {
	if err := r.set(ctx, r.caller, r.holds); err != nil {
		return err
	}
	if r.beside, err = newBeside(s, max(1, len(r.places)), r.holds); err != nil {
		return err
	}
	if err := r.mutateTo(ctx, r.from); err != nil || r.differs != "" {
		return err
	}
	for i, p := range r.places {
		if err := r.enterTo(ctx, r.readers[i], p); err != nil {
			return err
		}
	}
	if err := r.mutateTo(ctx, r.to); err != nil {
		return err
	}
	for i := range r.places {
		if err := r.leaveSite(ctx, r.readers[i]); err != nil || r.ruined {
			return err
		}
	}
	return r.finish(ctx)
}

// mostPatience is how often a mutator may come to nothing, one time after the other, though no reader
// executes: a busy machine has a grace period take its time.
const mostPatience = 30

// finish lets the mutator go on to the end of its operations. All readers have left.
func (r *run) finish(ctx context.Context) error {
	for range mostPatience {
		if err := r.mutateTo(ctx, len(r.gives)*100); err != nil || r.mutator.state == free {
			return err
		}
	}
	where, err := r.stuck(ctx)
	if err != nil {
		return err
	}
	return &Died{vm.Fault{Kind: "hang", Line: "an operation does not end, though no reader executes: it waits in " + where}}
}

// mutateTo lets the mutator go on to a point.
func (r *run) mutateTo(ctx context.Context, point int) error {
	for r.point < point && (r.mutator.state != free || r.next < len(r.gives)) {
		if r.mutator.state == free {
			if err := r.operate(r.caller, r.gives[r.next]); err != nil {
				return err
			}
			if err := r.model(func() error { return r.beside.call(r.gives[r.next]) }); err != nil {
				return err
			}
			r.next++
		}
		at, where, err := r.mutate(ctx, stored)
		if err != nil {
			return err
		}
		if at == blocked {
			r.block(where)
			return nil
		}
		r.point++
		if err := r.model(func() error { return r.follows(at) }); err != nil {
			return err
		}
	}
	return nil
}

// block notes where a mutator waits.
func (r *run) block(where string) {
	if r.blocked != "" {
		return
	}
	r.blocked, r.far, r.letter = where, r.point, letterBlocked
	if r.beside.broken == "" && r.differs == "" {
		beside := &beside{walk: r.beside.walk.Clone()}
		at, err := beside.mutate()
		r.alone = err == nil && at != blocked
	}
}

// model has the model walk beside, as long as it says anything.
func (r *run) model(do func() error) error {
	if r.beside.broken != "" || r.differs != "" {
		return nil
	}
	return do()
}

// follows has the model come to where the kernel's mutator is.
func (r *run) follows(at milestone) error {
	want, err := r.beside.mutate()
	if err != nil {
		return err
	}
	if want != at {
		r.differ(fmt.Sprintf("the kernel's mutator %s; the model's %s", at, want))
		return nil
	}
	if at == returned {
		return nil
	}
	got, err := r.slots(&r.mutator.thread, r.caller)
	if err != nil {
		return err
	}
	r.differ(r.beside.holds(r.caller, got))
	return nil
}

func (r *run) differ(text string) {
	if r.differs == "" && text != "" {
		r.differs = text
	}
}

// enterTo begins an execution, and takes the reader to its place.
func (r *run) enterTo(ctx context.Context, t *reader, p place) error {
	at := r.caller.Slots[0].At
	if p.slot == 0 && p.at != 0 {
		at = p.at
	}
	if err := r.enter(ctx, t, r.caller, at); err != nil {
		return err
	}
	if err := r.model(func() error { return r.beside.enter(t.index, r.kind) }); err != nil {
		return err
	}
	got, err := r.slots(&t.thread, r.caller)
	if err != nil {
		return err
	}
	r.differ(r.beside.holds(r.caller, got))
	for !p.reached(t) {
		if t.out {
			r.differ(fmt.Sprintf("reader %d does not come to %s", t.index, p.name))
			return nil
		}
		if _, err := r.stepped(ctx, t, p.at); err != nil {
			return err
		}
	}
	return nil
}

// stepped takes a reader on, and the model beside it. What was seen is nil where it has come to an
// address first.
func (r *run) stepped(ctx context.Context, t *reader, to uint64) (*saw, error) {
	s, err := r.advance(ctx, t, to)
	if err != nil || s == nil {
		return nil, err
	}
	return s, r.model(func() error {
		r.differ(r.beside.sees(t.index, s))
		if r.beside.broken != "" {
			r.broken, r.witness, r.breaker = r.beside.broken, r.beside.witness, t.index
		}
		return nil
	})
}

// leaveSite takes a reader to the end of its execution, and says what that came to.
func (r *run) leaveSite(ctx context.Context, t *reader) error {
	for !t.out {
		if _, err := r.stepped(ctx, t, 0); err != nil {
			return err
		}
	}
	letter, want := byte(letterSkip), inside.Skipped
	switch p := programAt(r.caller, t.pc); {
	case t.isA:
		letter, want = letterA, inside.Lost
	case p != none:
		letter, want = letterTail, inside.Entered+p
	}
	if r.letter != letterBlocked && r.letter != letterA {
		r.letter = letter
	}
	// Once one reader has broken something the model says nothing of the other.
	if said := r.beside.broken == protocol.NeverA; t.isA && !said || !t.isA && said && r.breaker == t.index {
		r.differ(fmt.Sprintf("reader %d: state A in one of kernel and model alone", t.index))
	}
	if t.isA && r.caller.In == 0 { // an unwound main function gives the kernel wrong registers
		r.ruined = true
		return nil
	}
	got, err := r.leave(ctx, t)
	if err != nil {
		return err
	}
	if got != want {
		r.differ(fmt.Sprintf("reader %d returned %d, and was to return %d", t.index, got, want))
	}
	return r.model(func() error { r.beside.leave(t.index); return nil })
}
