package exec

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// Run executes the entry points in turn on the caller's thread, so many calls in all, and returns
// what the last one returned. The pool must not be started. Once limit has passed, it returns
// [ErrLimit], having thrown out an image that did not end by itself. What was counted before is
// forgotten: [Pool.Counters] and [Pool.Anomalies] tell about this run alone, and a value that is
// no outcome is an anomaly.
func (p *Pool) Run(calls int, limit time.Duration) (rax uint64, err error) {
	if p.ctl.entries[0] == 0 {
		return 0, errNoEntry
	}
	t := p.threads[0]
	t.forget()
	atomic.StoreUint64(&p.ctl.stop, 0)
	atomic.StoreUint32(&p.ctl.gate, 1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer t.enlist()()
	left, expelled := make(chan struct{}), make(chan struct{})
	go func() {
		p.expel(left, int(limit/evictLook)+1)
		close(expelled)
	}()
	for n := uint64(calls); n > 0 && atomic.LoadUint64(&p.ctl.stop) == 0; {
		faulted := t.execute(n)
		if n = t.frame.budget; faulted {
			n-- // that call was one as well
		}
	}
	close(left)
	<-expelled
	if atomic.LoadUint64(&p.ctl.stop) != 0 {
		return 0, ErrLimit
	}
	return t.frame.rax, nil
}

// SetContext gives the threads of a pool that is not started another context. It must have the
// size of the first.
func (p *Pool) SetContext(ctx []byte) {
	copy(p.template()[:len(p.cfg.Ctx)], ctx)
	for _, t := range p.threads {
		copy(t.context(), ctx)
	}
}

// Context returns a copy of what a thread's context holds.
func (p *Pool) Context(thread int) []byte { return slices.Clone(p.threads[thread].context()) }

func (t *thread) context() []byte { return t.call.Bytes(t.frame.ctx, len(t.pool.cfg.Ctx)) }

// forget clears what was counted.
func (t *thread) forget() {
	p, f := t.pool, t.frame
	p.mu.Lock()
	p.faults = nil
	p.mu.Unlock()
	p.nFault.Store(0)
	f.others, f.bad, f.rax, f.over = 0, 0, 0, [PhaseKinds]uint64{}
	clear(f.kept[:])
	for i := range f.table {
		f.table[i].count = 0
	}
}
