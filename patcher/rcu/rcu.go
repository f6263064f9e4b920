package rcu

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

const (
	// SleepTime is what the flavour GraceSleep waits.
	SleepTime = 50 * time.Microsecond
	// StallTime bounds a wait: a reader that stays longer executes an endless loop.
	StallTime = 10 * time.Second

	spins = 200 // looks at a reader before it is boosted
	// lookMax is the most that one look at a reader adds to the time waited: a process
	// that was stopped for a minute has not waited for a minute.
	lookMax    = 10 * time.Millisecond
	napMin     = 5 * time.Microsecond
	napMax     = 200 * time.Microsecond
	readerFIFO = 1 // priority lent to a reader; must be below the waiter's
)

// StallError says that a reader did not leave its section.
type StallError struct{ Reader int }

// Error names the reader.
func (e *StallError) Error() string {
	return fmt.Sprintf("grace period: thread %d has not left the image for %v", e.Reader, StallTime)
}

// A Domain is a set of readers, and the flavour of its grace periods. Several goroutines may
// use it; if it boosts, all of them must be elevated.
type Domain struct {
	pool    *exec.Pool
	readers []exec.Reader
	threads []int // of each reader its index in the pool
	kind    protocol.GraceKind
	boost   bool
	stall   time.Duration // StallTime, or less in tests
	boosts  atomic.Uint64
}

// New returns the domain of a pool's threads. boost says that the waiter has been
// elevated, see [Elevate], and may lend priority.
func New(p *exec.Pool, g protocol.Grace, boost bool) *Domain {
	return NewOf(p, g, boost, func(int) bool { return true })
}

// NewOf returns the domain of those of a pool's threads that are its readers. Threads may be readers
// of several domains: they store one epoch, which all domains of a pool have in common.
func NewOf(p *exec.Pool, g protocol.Grace, boost bool, reads func(thread int) bool) *Domain {
	d := &Domain{pool: p, kind: g.Kind, boost: boost, stall: StallTime}
	for i, r := range p.Readers() {
		if reads(i) {
			d.readers, d.threads = append(d.readers, r), append(d.threads, i)
		}
	}
	if d.kind == protocol.GraceForget && len(d.readers) > 0 {
		d.readers, d.threads = d.readers[1:], d.threads[1:]
	}
	return d
}

// Boosts returns how often a reader was lent a priority.
func (d *Domain) Boosts() uint64 { return d.boosts.Load() }

// Idle reports whether no reader runs at all, not even one that the flavour forgets.
func (d *Domain) Idle() bool { return d.pool.Idle() }

// Synchronize waits for a grace period.
func (d *Domain) Synchronize() error {
	if d.kind == protocol.GraceSleep {
		exec.Sleep(SleepTime)
		return nil
	}
	c := d.Begin()
	for i := range d.readers {
		if err := d.waitFor(i, c.epoch); err != nil {
			return err
		}
	}
	return nil
}

// A Cookie is the beginning of a grace period.
type Cookie struct {
	epoch uint64
	at    time.Time
}

// Begin begins a grace period without waiting for its end.
func (d *Domain) Begin() Cookie {
	c := Cookie{d.pool.NextEpoch(), time.Now()}
	exec.Barrier()
	return c
}

// Done reports whether the grace period has ended.
func (d *Domain) Done(c Cookie) bool {
	if d.kind == protocol.GraceSleep {
		return time.Since(c.at) >= SleepTime
	}
	for _, r := range d.readers {
		if inside(r, c.epoch) {
			return false
		}
	}
	return true
}

// inside reports whether the reader may have been in its section since before epoch.
func inside(r exec.Reader, epoch uint64) bool {
	e := r.Epoch()
	return e != 0 && e < epoch
}

func (d *Domain) waitFor(i int, epoch uint64) error {
	r := d.readers[i]
	for range spins {
		if !inside(r, epoch) {
			return nil
		}
	}
	if d.boost {
		d.boosts.Add(1)
		defer lend(r, exec.PolicyOther, 0)
	}
	last, waited := time.Now(), time.Duration(0)
	for nap := napMin; inside(r, epoch); nap = min(2*nap, napMax) {
		if waited > d.stall {
			return &StallError{d.threads[i]}
		}
		d.pause(r, nap)
		now := time.Now()
		waited += min(now.Sub(last), lookMax)
		last = now
	}
	return nil
}

// pause lets the reader run.
func (d *Domain) pause(r exec.Reader, nap time.Duration) {
	if !d.boost {
		exec.Yield()
		return
	}
	// At every look, for another waiter may have taken the priority back.
	lend(r, exec.PolicyFIFO, readerFIFO)
	exec.Sleep(nap)
}

// lend gives the reader's thread a scheduling policy. The thread may have ended, so that an
// error says nothing.
func lend(r exec.Reader, policy exec.Policy, priority int) {
	if tid := r.ThreadID(); tid != 0 {
		_ = exec.SetScheduler(tid, policy, priority)
	}
}

// waiterFIFO is the waiter's real-time priority. It is higher than the one lent to readers:
// a waiter below its readers would be ten times slower than without boosting.
const waiterFIFO = 50

// Elevate locks the calling goroutine to its thread and gives it a real-time priority.
// The same goroutine must call restore, and soon: a real-time thread that does not sleep
// starves its CPU. restore gives the thread the default policy and unlocks it. The error says
// that the machine does not grant the priority (it needs CAP_SYS_NICE); the goroutine is then
// left as it was.
func Elevate() (restore func(), err error) {
	runtime.LockOSThread()
	if err := exec.SetScheduler(0, exec.PolicyFIFO, waiterFIFO); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return func() {
		exec.SetScheduler(0, exec.PolicyOther, 0)
		runtime.UnlockOSThread()
	}, nil
}
