package kernel

import (
	"context"
	"errors"
	"runtime"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

// A burst is a run of updates of one key, as fast as the kernel goes.
const burstTime = 10 * time.Millisecond

// Before, of the driver's calls: a kernel needs nothing.
func (r *run) Before() {}

// Bad is for the reporter to find out, which ends the run.
func (r *run) Bad() bool { return false }

// After bursts, where a site follows the key and there is another program to give it, and leaves
// time for executions between operations, now and then.
func (r *run) After(ctx context.Context, c protocol.Call) error {
	rng := r.driver.Rand
	if c.Kind == protocol.Put && r.sited[c.Key] && rng.IntN(4) != 0 && len(r.pinned) > 1 {
		r.bursts = true
		err := r.driver.Burst(ctx, c.Key, burstTime, func() bool { return true })
		r.bursts = false
		if err != nil {
			return err
		}
	}
	if rng.IntN(4) == 0 {
		time.Sleep(time.Duration(rng.IntN(int(time.Millisecond))))
	}
	return nil
}

// Load loads a copy of the entry for a script.
func (r *run) Load() error {
	p, err := r.copyOf(r.checkable())
	if err == nil {
		r.copies = append(r.copies, p)
	}
	return err
}

// Unload lets the last one go.
func (r *run) Unload() error {
	n := len(r.copies) - 1
	p := r.copies[n]
	r.copies = r.copies[:n]
	return p.Close()
}

// Operate carries an operation out, between the two phases that tell the checkers what they may
// see. A fresh copy of a program is let go at once: only the key holds it then, and the kernel
// frees it when the key gets another.
func (r *run) Operate(op live.Op) error {
	var p program
	fresh := op.Kind.Gives() && !r.bursts && r.driver.Rand.IntN(4) == 0 && !r.slow
	switch {
	case fresh:
		var err error
		if p, err = r.program(op.Prog); err != nil {
			return err
		}
		defer p.Close()
	case op.Kind.Gives():
		p = r.pinned[op.Prog]
	}
	if err := r.operate(op, p); err != nil {
		return err
	}
	if r.fresh[op.Key] {
		r.frees.Add(1)
	}
	r.fresh[op.Key] = fresh
	return nil
}

// operate prepares both phases before: nothing but the call of bpf(2) stands between the beginnings
// of the two.
func (r *run) operate(op live.Op, p program) error {
	err := errors.Join(r.clock.prepare(1+int(op.Kind), op.During), r.clock.prepare(kindNone, op.After))
	if err != nil {
		return err
	}
	number := protocol.AnyProg
	if op.Kind.Gives() {
		number = r.watcher.landing(p.landing)
	}
	r.watcher.called(op.Key, op.Kind, number)
	defer r.watcher.returned(op.Key, op.Kind)
	begun := time.Now()
	if err := r.clock.next(); err != nil {
		return err
	}
	called := time.Now()
	if err := r.bpf(op, p); err != nil {
		return err
	}
	returned := time.Now()
	if err := r.clock.next(); err != nil {
		return err
	}
	around := called.Sub(begun) + time.Since(returned)
	r.latencies.add(op.Kind, returned.Sub(called))
	r.driver.Took.Note(int(op.Kind), returned.Sub(called))
	return r.countOverlap(op.Kind, around)
}

// bpf is the operation itself.
func (r *run) bpf(op live.Op, p program) error {
	at := r.Keys[op.Key]
	m := r.arrays[at.Map]
	if op.Kind == protocol.Remove {
		return m.Delete(uint32(at.Index))
	}
	return m.Put(uint32(at.Index), p.Program)
}

// shortest is less than any execution takes.
const shortest = 10 * time.Nanosecond

// countOverlap counts an operation as one beside which the entry was executed if more executions
// were counted in its phase than could have been before its call and after it, for which the phase
// lasted too; or that had begun in the phase of an operation before.
func (r *run) countOverlap(kind protocol.OpKind, around time.Duration) error {
	now, err := rowsOverlaps(r.rows, 1+int(kind))
	fit := uint64(runtime.NumCPU())*uint64(around/shortest) + uint64(r.Config.Threads) + 1
	if now-r.counted[kind] > fit {
		r.overlapped[kind].Add(1)
	}
	r.counted[kind] = now
	return err
}

// empty takes every key's program at the end, in no phase: no thread executes any more.
func (r *run) empty() error {
	var errs []error
	for k, at := range r.Keys {
		if r.driver.Holds(k) != live.None {
			errs = append(errs, r.arrays[at.Map].Delete(uint32(at.Index)))
		}
	}
	return errors.Join(errs...)
}
