package exec

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	poisonSize = 8192
	// poisonWord fills the page that the canaries point into: a program that was left
	// with the caller's registers (state A) reads it in place of its context.
	poisonWord = 0xdead0000dead
	sharedSize = (int(unsafe.Sizeof(control{}))+4095)&^4095 + poisonSize + MaxCtx
	maxFaults  = 64 // kept by a pool
	// Stop waits so many looks for threads that are still in their images: many rounds
	// of the scheduler. They are counted, so that a process that was stopped meanwhile
	// accuses no thread.
	evictLook  = 50 * time.Millisecond
	evictLooks = 80
)

// Pool is a number of threads that execute entry points over and over. One goroutine
// at a time may call SetPhase, and one SetEntries; the other methods are safe for
// concurrent use.
type Pool struct {
	cfg     PoolConfig
	slot    int
	shared  []byte // control block, poison, template of the context
	ctl     *control
	threads []*thread
	wg      sync.WaitGroup

	mu     sync.Mutex
	faults []Anomaly // the first maxFaults
	nFault atomic.Uint64
	fence  atomic.Uint32 // see Idle
}

// NewPool maps the memory of a pool; no thread runs before Start.
func NewPool(cfg PoolConfig) (*Pool, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	shared, err := unix.Mmap(-1, 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("map the control block: %w", err)
	}
	slot, stacks, err := stackSlots.acquire()
	if err != nil {
		return nil, errors.Join(err, unix.Munmap(shared))
	}
	p := &Pool{cfg: cfg, slot: slot, shared: shared, ctl: (*control)(unsafe.Pointer(&shared[0]))}
	if err := p.layOut(stacks); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pool) layOut(stacks unsafe.Pointer) error {
	p.ctl.epoch = 1
	for i := range p.ctl.ring {
		p.ctl.ring[i].mask = ^uint64(0)
	}
	poison := p.poison()
	for i := 0; i < poisonSize; i += 8 {
		*(*uint64)(unsafe.Pointer(&poison[i])) = poisonWord
	}
	copy(p.template(), p.cfg.Ctx)
	mul, err := perfectHash(p.cfg.Outcomes)
	if err != nil {
		return err
	}
	n := uintptr(p.cfg.Threads) * stackSize
	if _, err := unix.MmapPtr(-1, 0, stacks, n, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE|unix.MAP_FIXED); err != nil {
		return fmt.Errorf("map %d stacks: %w", p.cfg.Threads, err)
	}
	for i := range p.cfg.Threads {
		block := unsafe.Slice((*byte)(unsafe.Add(stacks, i*stackSize)), stackSize)
		if err := blank(unsafe.Pointer(&block[0]), guardSize); err != nil {
			return fmt.Errorf("guard a stack: %w", err)
		}
		p.threads = append(p.threads, p.newThread(i, block, mul))
	}
	return nil
}

func (p *Pool) poison() []byte {
	return p.shared[sharedSize-MaxCtx-poisonSize : sharedSize-MaxCtx]
}
func (p *Pool) template() []byte { return p.shared[sharedSize-MaxCtx:] }

// Close stops the threads, waits for them and unmaps their memory.
func (p *Pool) Close() error {
	p.Stop()
	return errors.Join(unix.Munmap(p.shared), stackSlots.release(p.slot))
}

// Start starts the threads and returns when each is about to execute. There must be
// entry points.
func (p *Pool) Start() error {
	switch {
	case p.ctl.entries[0] == 0:
		return errNoEntry
	case p.cfg.outcomes() == 0:
		return errors.New("a pool without outcomes")
	}
	var ready sync.WaitGroup
	ready.Add(len(p.threads))
	for _, t := range p.threads {
		p.wg.Go(func() { t.run(ready.Done) })
	}
	ready.Wait()
	return p.open()
}

var errNoEntry = errors.New("a pool without an entry point")

// futexWakePrivate is FUTEX_WAKE|FUTEX_PRIVATE_FLAG; x/sys has neither.
const futexWakePrivate = 129

// open lets the threads go.
func (p *Pool) open() error {
	atomic.StoreUint32(&p.ctl.gate, 1)
	_, _, e := unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.ctl.gate)), futexWakePrivate,
		math.MaxInt32)
	if e != 0 {
		return fmt.Errorf("wake the threads: %w", e)
	}
	return nil
}

// Stop ends the threads after their current call and waits for them. What they
// counted remains. A thread that stays in its image is thrown out of it, which counts
// as a fault with the signal [Evicted].
func (p *Pool) Stop() {
	left := make(chan struct{})
	go func() {
		p.wg.Wait()
		close(left)
	}()
	atomic.StoreUint64(&p.ctl.stop, 1)
	p.expel(left, evictLooks)
}

// expel throws threads out of their images after so many looks, until left is closed.
func (p *Pool) expel(left <-chan struct{}, patience int) {
	for looks := 1; ; looks++ {
		select {
		case <-left:
			return
		case <-time.After(evictLook):
			if looks >= patience {
				atomic.StoreUint64(&p.ctl.stop, 1)
				p.evict()
			}
		}
	}
}

// evict sends a signal to every thread that still runs.
func (p *Pool) evict() {
	for _, t := range p.threads {
		t.evicted.Store(true)
		t.release(stepLeave) // if it is parked, where no signal reaches it
		if tid := t.tid.Load(); tid != 0 {
			unix.Tgkill(unix.Getpid(), int(tid), unix.SIGTRAP)
		}
	}
}

// Idle says that no thread runs. Text that was written before is seen by the threads that start
// later, without a SyncCore.
func (p *Pool) Idle() bool {
	p.fence.Add(1) // the stores of the text come before the loads of what threads have stored
	for _, t := range p.threads {
		if t.tid.Load() != 0 {
			return false
		}
	}
	return true
}

// SetEntries makes the threads call these addresses in turn, the first MaxEntries of them, from
// their next call on. A thread may still be about to enter an address given before, until a grace
// period has passed.
func (p *Pool) SetEntries(addrs []uint64) {
	for i := range p.ctl.entries {
		atomic.StoreUint64(&p.ctl.entries[i], addrs[i%len(addrs)])
	}
}

// SetPhase begins the next phase: an operation of the given kind, from 1 up to
// SeveralPhases-1, or with kind 0 its end. mask has bit i set if Outcomes[i] may be
// returned by an execution that sees no operation but this one. An execution that
// begins and ends between two operations is judged by the mask of that phase, one that
// sees one operation by the operation's, and one that sees more by none.
func (p *Pool) SetPhase(kind int, mask uint64) {
	n := p.ctl.phase + 1
	if (kind != 0) != (n%2 == 1) {
		panic("exec: SetPhase: operations must begin and end in turn")
	}
	ph := &p.ctl.ring[n%ringSize]
	atomic.StoreUint64(&ph.mask, mask)
	atomic.StoreUint64(&ph.kind, uint64(kind))
	atomic.StoreUint64(&p.ctl.phase, n)
}

// Bad returns how many anomalies there were so far.
func (p *Pool) Bad() uint64 {
	n := p.nFault.Load()
	for _, t := range p.threads {
		n += atomic.LoadUint64(&t.frame.bad)
	}
	return n
}

// Counters sums up what the threads have counted so far.
func (p *Pool) Counters() Counters {
	c := Counters{Outcomes: make([]uint64, p.cfg.outcomes()), Anomalies: p.Bad(),
		Executions: p.nFault.Load()}
	for _, t := range p.threads {
		for i := range c.Overlaps {
			n := atomic.LoadUint64(&t.frame.over[i])
			c.Overlaps[i] += n
			c.Executions += n
		}
		if p.cfg.Others {
			c.Outcomes[len(p.cfg.Outcomes)] += atomic.LoadUint64(&t.frame.others)
		}
		for i := range t.frame.table {
			if o := &t.frame.table[i]; o.bit != 0 {
				c.Outcomes[bitIndex(o.bit)] += atomic.LoadUint64(&o.count)
			}
		}
	}
	return c
}

// Anomalies returns the first anomalies of each thread and the first faults.
func (p *Pool) Anomalies() []Anomaly {
	p.mu.Lock()
	out := append([]Anomaly(nil), p.faults...)
	p.mu.Unlock()
	for _, t := range p.threads {
		out = append(out, t.anomalies()...)
	}
	return out
}

// NextEpoch begins an epoch and returns it: a reader with an older epoch, other
// than 0, may have been inside its section before.
func (p *Pool) NextEpoch() uint64 { return atomic.AddUint64(&p.ctl.epoch, 1) }

// InGuard says whether an address lies in the page below a thread's stack. A thread that touches it
// has used up its stack.
func (p *Pool) InGuard(addr uint64) bool {
	for _, t := range p.threads {
		if t.call.stack.addr-addr-1 < guardSize {
			return true
		}
	}
	return false
}
