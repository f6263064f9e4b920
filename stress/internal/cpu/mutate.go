package cpu

import (
	"context"
	"math/rand/v2"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

// dwell is how long the mutator sleeps between two steps of an operation, now and
// then. Its CPU then runs a thread; waking up, the mutator, which has a higher
// priority, stops that thread at an arbitrary instruction and leaves it there: a
// thread between the two slots, for longer than any number of pokes.
const (
	dwell      = 200 * time.Microsecond
	microDwell = 50 * time.Microsecond
)

// A burst is a run of updates as fast as the poke method allows, between programs that
// stay loaded: what a dwell is for windows of descheduled threads, a burst is for
// windows of nanoseconds, in which a CPU fetches while another writes.
const (
	burstTime    = 2 * time.Millisecond
	burstUpdates = 4096
)

// pace is how an operation spends time between its steps.
type pace uint8

const (
	brisk  pace = iota
	dwells      // it sleeps between its steps
	bursts      // nothing delays it
)

// place is where a key is.
type place struct {
	array *patcher.ProgArray
	index int
}

// manyUpdates is how many operations may leave programs behind before their grace period is waited for:
// where nothing is poked, nothing else waits.
const manyUpdates = 256

// Before frees what may be freed, and sets the pace.
func (r *run) Before() {
	if r.since++; len(r.entry.Slots()) == 0 && r.since%manyUpdates == 0 {
		_ = r.Patcher.Synchronize() // a reader that does not come back is seen by what waits for it next
	}
	r.Patcher.Reap()
	p := dwells
	if r.oneIn(2) {
		p = brisk
	}
	r.setPace(p)
}

func (r *run) setPace(p pace) { r.pace.Store(uint32(p)) }

func (r *run) paceIs(p pace) bool { return pace(r.pace.Load()) == p }

// oneIn decides for haste by chance; always under a method that may tear instructions,
// which shows in the windows of bursts and not in those of dwells.
func (r *run) oneIn(n int) bool {
	return r.driver.Rand.IntN(n) == 0 || MayTear(r.Subject.Method)
}

// After has a burst follow, now and then, where the key holds a program.
func (r *run) After(ctx context.Context, c protocol.Call) error {
	if c.Kind != protocol.Put || !r.oneIn(4) {
		return nil
	}
	return r.burst(ctx, c.Key)
}

// burst ends at once where no site follows the key, so that there is nothing to poke.
func (r *run) burst(ctx context.Context, key int) error {
	if r.driver.Rand.IntN(8) == 0 {
		if err := r.pin(); err != nil {
			return err
		}
	}
	r.setPace(bursts)
	defer r.setPace(brisk)
	var b bursting
	return r.driver.Burst(ctx, key, burstTime, func() bool { return b.more(r.pokes.Load()) })
}

// bursting counts the updates of a burst.
type bursting struct {
	updates int
	last    uint64 // how many pokes there were when it was asked last
}

// more reports whether one more update is to come, after so many pokes in all.
func (b *bursting) more(pokes uint64) bool {
	more := b.updates == 0 || pokes != b.last && b.updates < burstUpdates
	b.updates++
	b.last = pokes
	return more
}

// Bad reports whether the threads have met with anything, and notes when they first had.
func (r *run) Bad() bool {
	bad := r.Pool.Bad() != 0
	if bad {
		r.driver.NoteFinding()
	}
	return bad
}

// Operate gives a key a copy of a program, or takes what it holds, between the two phases
// that tell the threads what they may see.
func (r *run) Operate(op live.Op) error {
	prog, number, err := r.program(op.Prog)
	if err != nil {
		return err
	}
	r.operates = r.keys[op.Key]
	r.Pool.SetPhase(1+int(op.Kind), op.During)
	r.trace.Begin(op.Key, number, r.paceIs(bursts))
	began := time.Now()
	r.stepped = began
	if prog == nil {
		_, err = r.operates.array.Delete(r.operates.index)
	} else {
		err = r.operates.array.Update(r.operates.index, prog)
	}
	if err != nil {
		return err
	}
	if !r.paceIs(dwells) { // what is counted is no time that it slept
		r.driver.Took.Note(int(op.Kind), time.Since(began))
	}
	r.Pool.SetPhase(0, op.After)
	return nil
}

// program returns a copy of a program that a key can hold, and its number in the trace: in
// a burst one that stays, else one that the key alone holds. A key that lets that go has it
// freed, and it must be loaded anew.
func (r *run) program(i int) (p *patcher.Program, number int, err error) {
	switch {
	case i == live.None:
		return nil, protocol.NoProg, nil
	case r.paceIs(bursts):
		p = r.pinned[i]
	case r.current[i] != nil && !r.current[i].Gone():
		p = r.current[i]
	default:
		if p, err = r.Patcher.Load(r.Programs[i].Name, r.images[i], patcher.PlaceAny); err != nil {
			return nil, 0, err
		}
		r.current[i] = p
		r.remember(p)
	}
	off, _ := r.Arena.OffOf(r.Patcher.Addr(p))
	return p, int(off), nil
}

// observe is called after every step of an operation.
func (r *run) observe(ev protocol.Event) {
	switch {
	case ev.Kind == protocol.Poked && ev.Changed:
		r.pokes.Add(1)
	case ev.Kind == protocol.Waited:
		r.waits.Add(1)
	}
	if r.trace != nil {
		ev.Key = r.keyOf(place{r.operates.array, ev.Key})
		r.trace.Event(ev)
	}
	if r.paceIs(bursts) {
		return
	}
	if ev.Kind == protocol.Waited {
		r.driver.Took.Note(live.GracePeriod, time.Since(r.stepped))
	}
	r.Bad()
	if r.paceIs(dwells) && ev.Kind != protocol.Called {
		exec.Sleep(dwell)
	}
	if ev.Kind == protocol.Called || ev.Kind == protocol.Waited { // a poke comes next
		r.near.look(r)
	}
	r.stepped = time.Now()
}

// betweenMicro is called between the steps of every poke, by mutator and loader.
func (r *run) betweenMicro() {
	if r.paceIs(dwells) && rand.NewPCG(r.Seed, r.micro.Add(1)).Uint64()%8 == 0 {
		exec.Sleep(microDwell)
	}
}
