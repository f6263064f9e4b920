package kernel

import (
	"context"
	"errors"
	"runtime"
	"time"

	"tailpoke/patcher/protocol"
)

// key is a key of a prog array as the mutator knows it.
type key struct {
	holds   int  // index of a program, or None
	fresh   bool // the key alone holds that copy of it
	updated bool // since the last install
}

// A burst is a run of updates of one key, as fast as the kernel goes.
const burstTime = 10 * time.Millisecond

// mutate carries the script out and then random operations, until ctx is done.
func (r *run) mutate(ctx context.Context) error {
	for _, c := range r.Script {
		if ctx.Err() != nil {
			return nil
		}
		if err := r.call(c); err != nil {
			return err
		}
	}
	for r.Duration > 0 && ctx.Err() == nil {
		c := r.randomCall()
		if err := r.call(c); err != nil {
			return err
		}
		if c.Kind == protocol.Put && r.sited[c.Key] && r.rng.IntN(4) != 0 {
			if err := r.burst(ctx, c.Key); err != nil {
				return err
			}
		}
		if r.rng.IntN(4) == 0 { // time for executions between operations
			time.Sleep(time.Duration(r.rng.IntN(int(time.Millisecond))))
		}
	}
	return nil
}

// burst updates a key that holds a program, for a short time, if there is another one to give it.
func (r *run) burst(ctx context.Context, k int) error {
	if len(r.pinned) < 2 {
		return nil
	}
	for end := time.Now().Add(burstTime); time.Now().Before(end) && ctx.Err() == nil; {
		if err := r.give(k, (r.keys[k].holds+1)%len(r.pinned), false); err != nil {
			return err
		}
	}
	return nil
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
	switch c.Kind {
	case protocol.Load:
		p, err := r.copyOf(r.checkable())
		if err == nil {
			r.copies = append(r.copies, p)
		}
		return err
	case protocol.Unload:
		n := len(r.copies) - 1
		if n < 0 {
			return nil
		}
		p := r.copies[n]
		r.copies = r.copies[:n]
		r.loads.Add(1)
		return p.Close()
	case protocol.Put:
		return r.give(c.Key, c.Prog, r.rng.IntN(4) == 0)
	}
	return r.give(c.Key, None, false)
}

// give gives a key a program, or takes what it holds if next is None, between the two phases that
// tell the checkers what they may see. A fresh copy is let go at once: only the key holds it then,
// and the kernel frees it when the key gets another.
func (r *run) give(k, next int, fresh bool) error {
	key := &r.keys[k]
	var kind protocol.OpKind
	switch {
	case key.holds == None && next == None:
		return nil
	case key.holds == None:
		kind = protocol.Install
	case next == None:
		kind = protocol.Remove
	default:
		kind = protocol.Update
	}
	var p program
	if next != None {
		p = r.pinned[next]
	}
	if fresh && next != None {
		var err error
		if p, err = r.program(next); err != nil {
			return err
		}
		defer p.Close()
	}
	if err := r.operate(k, kind, next, p); err != nil {
		return err
	}
	if key.fresh {
		r.frees.Add(1)
	}
	if kind == protocol.Remove && key.updated {
		r.cycles.Add(1)
	}
	key.holds, key.fresh, key.updated = next, fresh && next != None, kind == protocol.Update
	return nil
}

// operate does an operation. Both phases that it makes are prepared before: nothing but the call of
// bpf(2) stands between the beginnings of the two.
func (r *run) operate(k int, kind protocol.OpKind, next int, p program) error {
	during, err := r.legal(k, r.keys[k].holds, next)
	if err != nil {
		return err
	}
	after, err := r.legal(k, next)
	if err != nil {
		return err
	}
	if err := errors.Join(r.clock.prepare(1+int(kind), during), r.clock.prepare(kindNone, after)); err != nil {
		return err
	}
	number := protocol.AnyProg
	if kind.Gives() {
		number = r.watcher.landing(p.landing)
	}
	r.watcher.called(k, kind, number)
	defer r.watcher.returned(k, kind)
	begun := time.Now()
	if err := r.clock.next(); err != nil {
		return err
	}
	called := time.Now()
	if err := r.bpf(k, kind, p); err != nil {
		return err
	}
	returned := time.Now()
	if err := r.clock.next(); err != nil {
		return err
	}
	around := called.Sub(begun) + time.Since(returned)
	r.latencies.add(kind, returned.Sub(called))
	r.count(kind)
	return r.countOverlap(kind, around)
}

// bpf is the operation itself.
func (r *run) bpf(k int, kind protocol.OpKind, p program) error {
	at := r.Keys[k]
	m := r.arrays[at.Map]
	if kind == protocol.Remove {
		return m.Delete(uint32(at.Index))
	}
	return m.Put(uint32(at.Index), p.Program)
}

// shortest is less than any execution takes.
const shortest = 10 * time.Nanosecond

// countOverlap counts an operation as one beside which the entry was executed if more executions were
// counted in its phase than could have been before its call and behind it, for which the phase lasted
// too; or that had begun in the phase of an operation before.
func (r *run) countOverlap(kind protocol.OpKind, around time.Duration) error {
	now, err := rowsOverlaps(r.rows, 1+int(kind))
	fit := uint64(runtime.NumCPU())*uint64(around/shortest) + uint64(r.Config.Threads) + 1
	if now-r.counted[kind] > fit {
		r.overlapped[kind].Add(1)
	}
	r.counted[kind] = now
	return err
}

func (r *run) count(kind protocol.OpKind) {
	switch kind {
	case protocol.Install:
		r.installs.Add(1)
	case protocol.Update:
		r.updates.Add(1)
	default:
		r.removes.Add(1)
	}
}

// legal asks what may be returned while key k holds one of the given programs and each other key
// what it holds.
func (r *run) legal(k int, programs ...int) (uint64, error) {
	held := make([][]int, len(r.keys))
	for i := range r.keys {
		held[i] = []int{r.keys[i].holds}
	}
	if k != None {
		held[k] = programs
	}
	return r.ask(held)
}

// ask asks what is legal; the loader asks too.
func (r *run) ask(held [][]int) (uint64, error) {
	if r.Legal == nil {
		return 0, nil
	}
	r.oracle.Lock()
	defer r.oracle.Unlock()
	return r.Legal(held)
}

// empty takes every key's program at the end, in no phase: nobody executes any more.
func (r *run) empty() error {
	var errs []error
	for k, at := range r.Keys {
		if r.keys[k].holds != None {
			errs = append(errs, r.arrays[at.Map].Delete(uint32(at.Index)))
		}
	}
	return errors.Join(errs...)
}
