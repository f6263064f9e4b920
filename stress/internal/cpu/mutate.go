package cpu

import (
	"context"
	"math/rand/v2"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
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

// key is a key of a prog array as the mutator knows it.
type key struct {
	array   *patcher.ProgArray
	index   int
	holds   int  // index of a program, or None
	updated bool // since the last install
}

// mutate carries the script out and then random operations, until ctx is done.
func (r *run) mutate(ctx context.Context) error {
	for _, c := range r.Script {
		if r.over(ctx) {
			return nil
		}
		r.setPace()
		if err := r.call(c); err != nil {
			return err
		}
	}
	for r.Duration > 0 && !r.over(ctx) {
		c := r.randomCall()
		r.setPace()
		if err := r.call(c); err != nil {
			return err
		}
		if c.Kind == protocol.Put && r.oneIn(4) {
			if err := r.burst(&r.keys[c.Key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) setPace() {
	p := dwells
	if r.oneIn(2) {
		p = brisk
	}
	r.pace.Store(uint32(p))
}

// oneIn decides for haste by chance; always under a method that may tear instructions,
// which shows in the windows of bursts and not in those of dwells.
func (r *run) oneIn(n int) bool {
	return r.rng.IntN(n) == 0 || MayTear(r.Subject.Method)
}

// burst updates a key that holds a program, for a short time; it ends at once where no
// site follows the key, so that there is nothing to poke.
func (r *run) burst(k *key) error {
	if r.rng.IntN(8) == 0 {
		if err := r.pin(); err != nil {
			return err
		}
	}
	r.pace.Store(uint32(bursts))
	defer r.pace.Store(uint32(brisk))
	end := time.Now().Add(burstTime)
	for i := 0; i < burstUpdates && time.Now().Before(end); i++ {
		if r.StopAtFirst && r.noteFirst() {
			return nil
		}
		next := (k.holds + 1) % len(r.pinned)
		before := r.pokes.Load()
		if err := r.give(k, next, r.pinned[next]); err != nil || r.pokes.Load() == before {
			return err
		}
	}
	return nil
}

func (r *run) over(ctx context.Context) bool {
	return ctx.Err() != nil || r.noteFirst() && r.StopAtFirst
}

// noteFirst notes when the first finding came in and reports whether there is one.
func (r *run) noteFirst() bool {
	if r.Pool.Bad() == 0 {
		return false
	}
	r.first.CompareAndSwap(0, max(1, int64(time.Since(r.start))))
	return true
}

// randomCall walks a random key through install, at least one update, and remove.
func (r *run) randomCall() protocol.Call {
	k := r.rng.IntN(len(r.keys))
	c := protocol.Call{Kind: protocol.Put, Key: k, Prog: r.rng.IntN(len(r.Programs))}
	if key := &r.keys[k]; key.holds != None {
		if key.updated && r.rng.IntN(4) != 0 {
			return protocol.Call{Kind: protocol.Delete, Key: k}
		}
		if n := len(r.Programs); n > 1 {
			c.Prog = (key.holds + 1 + r.rng.IntN(n-1)) % n
		}
	}
	return c
}

func (r *run) call(c protocol.Call) error {
	r.Patcher.Reap()
	switch c.Kind {
	case protocol.Load:
		p, err := r.loadEntry()
		if err != nil {
			return err
		}
		r.copies = append(r.copies, p)
		r.setCopies()
		return nil
	case protocol.Unload:
		return r.unloadCopy()
	case protocol.Put:
		p, err := r.fresh(c.Prog)
		if err != nil {
			return err
		}
		return r.give(&r.keys[c.Key], c.Prog, p)
	default:
		return r.give(&r.keys[c.Key], None, nil)
	}
}

// give gives a key a copy of program next, or takes what it holds if next is None,
// between the two phases that tell the threads what they may see.
func (r *run) give(k *key, next int, prog *patcher.Program) error {
	kind := protocol.Update
	switch {
	case k.holds == None && next == None:
		return nil
	case k.holds == None:
		kind = protocol.Install
	case next == None:
		kind = protocol.Remove
	}
	during, err := r.legal(k, k.holds, next)
	if err != nil {
		return err
	}
	after, err := r.legal(k, next)
	if err != nil {
		return err
	}
	r.Pool.SetPhase(1+int(kind), during)
	r.trace.begins(k, prog)
	if err := r.carryOut(k, prog); err != nil {
		return err
	}
	r.Pool.SetPhase(0, after)
	if kind == protocol.Remove && k.updated {
		r.cycles.Add(1)
	}
	k.holds, k.updated = next, kind == protocol.Update
	return nil
}

func (r *run) carryOut(k *key, prog *patcher.Program) error {
	if prog == nil {
		_, err := k.array.Delete(k.index)
		return err
	}
	return k.array.Update(k.index, prog)
}

// legal asks the oracle what may be returned while key k holds one of the given
// programs and each other key what it holds.
func (r *run) legal(k *key, programs ...int) (uint64, error) {
	for i := range r.keys {
		r.contents[i] = append(r.contents[i][:0], r.keys[i].holds)
		if &r.keys[i] == k {
			r.contents[i] = append(r.contents[i][:0], programs...)
		}
	}
	return r.Oracle.Legal(r.contents)
}

// fresh returns a copy of a program that a key can hold: a key that lets a program go
// has it freed, and it must be loaded anew.
func (r *run) fresh(i int) (*patcher.Program, error) {
	if p := r.current[i]; p != nil && !p.Gone() {
		return p, nil
	}
	p, err := r.Patcher.Load(r.Programs[i].Name, r.images[i], patcher.PlaceAny)
	if err == nil {
		r.current[i] = p
		r.remember(p)
	}
	return p, err
}

// observe is called behind every step of an operation.
func (r *run) observe(ev protocol.Event) {
	r.event(ev)
	r.trace.event(ev)
	if pace(r.pace.Load()) == bursts {
		return
	}
	r.noteFirst()
	if pace(r.pace.Load()) == dwells && ev.Kind != protocol.Called {
		exec.Sleep(dwell)
	}
}

// betweenMicro is called between the steps of every poke, by mutator and loader.
func (r *run) betweenMicro() {
	if pace(r.pace.Load()) == dwells && rand.NewPCG(r.Seed, r.micro.Add(1)).Uint64()%8 == 0 {
		exec.Sleep(microDwell)
	}
}
