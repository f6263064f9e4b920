package exec

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const threadSlots = areaSlots * MaxThreads

// threadEntry lets the fault handler find the frame of a thread whose rsp is wild.
type threadEntry struct {
	tid   uint64 // 0: free
	frame *frame
}

var threadTable [threadSlots]threadEntry

type thread struct {
	pool  *Pool
	index int
	frame *frame
	entry *threadEntry
	tid   atomic.Int64
	call  HelperCall
	// evicted: the thread is to leave its image. A signal throws it out; one that arrives while
	// the image waits for a helper does not, and there execute looks here.
	evicted atomic.Bool
}

// newThread lays out a thread's block of memory, from the top: frame, outcome table,
// context, stack, guard page.
func (p *Pool) newThread(i int, block []byte, mul uint64) *thread {
	f := (*frame)(unsafe.Pointer(&block[stackSize-frameSize]))
	table := (*[tableSlots]outcome)(unsafe.Pointer(&block[stackSize-frameSize-tableSize]))
	ctx := block[stackSize-frameSize-tableSize-MaxCtx:][:MaxCtx]
	copy(ctx, p.cfg.Ctx)
	f.ctl = p.ctl
	f.ctx, f.ctxLen = address(&ctx[0]), uint64(len(p.cfg.Ctx))
	f.sp = f.ctx - zeroTop
	f.mul = mul
	f.table = table
	for i, v := range p.cfg.Outcomes {
		table[hash(v, mul)] = outcome{value: v, bit: 1 << i}
	}
	if p.cfg.Others {
		f.otherBit = 1 << len(p.cfg.Outcomes)
	}
	for r := range f.canary {
		f.canary[r] = address(&p.poison()[poisonSize/2]) + uint64(64*r)
	}
	lo, hi := p.cfg.RestoreLo&^7, (p.cfg.RestoreHi+7)&^7
	f.restoreN = uint64(hi-lo) / 8
	f.restoreFrom = address(&p.template()[0]) + uint64(lo)
	f.restoreTo = f.ctx + uint64(lo)
	own := block[guardSize : stackSize-frameSize-tableSize]
	return &thread{
		pool: p, index: i, frame: f, entry: &threadTable[p.slot*MaxThreads+i],
		call: HelperCall{Thread: i, Ctx: f.ctx, stack: memory{own, address(&own[0])}},
	}
}

func address(p *byte) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// threadNice is the threads' least nice value: they use all CPU time that they are given, and
// the threads of the Go runtime, of its garbage collector above all, come first.
const threadNice = 10

// beNice makes the calling thread so nice, which needs no right. One that is nicer stays so: under
// nice 19 it would come before the runtime's threads.
func beNice() {
	if inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil && 20-inverse < threadNice {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, threadNice)
	}
}

// run executes until the pool stops. The goroutine ends with its thread locked, so the
// runtime ends the thread with it.
func (t *thread) run(ready func()) {
	runtime.LockOSThread()
	beNice()
	defer t.enlist()()
	ready()
	budget := uint64(1) << 62
	if n := t.pool.cfg.YieldEvery; n > 0 {
		budget = uint64(n)
	}
	for atomic.LoadUint64(&t.pool.ctl.stop) == 0 {
		t.execute(budget)
		if t.pool.cfg.YieldEvery > 0 {
			Yield()
		}
	}
}

// enlist makes the calling thread known to the signal handlers and to evict, until the function
// that it returns is called.
func (t *thread) enlist() (leave func()) {
	t.tid.Store(int64(ThreadID()))
	t.entry.frame = t.frame
	atomic.StoreUint64(&t.entry.tid, uint64(t.tid.Load()))
	serialize() // text may have been written while no thread ran: see Pool.Idle
	return func() {
		t.tid.Store(0)
		atomic.StoreUint64(&t.entry.tid, 0)
	}
}

// execute makes so many calls of the image, or fewer if the pool stops or the image faults.
func (t *thread) execute(budget uint64) (faulted bool) {
	t.frame.budget = budget
	t.evicted.Store(false)
	runDetached(t.frame)
	for t.frame.call.fn != 0 {
		if !t.answer() {
			break
		}
		if t.evicted.Load() {
			t.abandon(Evicted, 0)
			break
		}
		runDetached(t.frame)
	}
	if t.frame.fault.sig == 0 {
		return false
	}
	t.keepFault()
	return true
}

// answer carries out the call that the image waits for. If it must not be carried out, the image
// has faulted where it made the call.
func (t *thread) answer() (ok bool) {
	r, c := &t.frame.call, &t.call
	c.Fn, c.Args, c.Bad = uint32(r.fn), r.args, 0
	if h := t.pool.cfg.Host; h != nil {
		if r.rax, ok = h.Call(c); ok {
			return true
		}
	}
	t.abandon(uint64(unix.SIGSEGV), c.Bad)
	return false
}

// abandon ends the image's call where it waits for a helper, as a fault.
func (t *thread) abandon(sig, addr uint64) {
	r, f := &t.frame.call, &t.frame.fault
	f.sig, f.addr, f.rsp = sig, addr, r.sp
	if at := t.call.Bytes(r.sp, 8); at != nil {
		f.rip = binary.LittleEndian.Uint64(at) // where the helper would have returned to
	}
	r.fn = 0
	atomic.StoreUint64(&t.frame.slot, 0) // the image is left: its read-side section ends
}

func (t *thread) keepFault() {
	a := t.takeFault()
	p := t.pool
	p.mu.Lock()
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, a)
	}
	p.mu.Unlock()
	p.nFault.Add(1)
}

func (t *thread) takeFault() Anomaly {
	r := t.frame.fault
	t.frame.fault = faultRecord{}
	return Anomaly{
		Thread: t.index, Kind: Fault, Signal: int(r.sig), RIP: r.rip, Addr: r.addr, RSP: r.rsp,
		Canary: t.frame.canary, From: t.frame.phase0, To: atomic.LoadUint64(&t.pool.ctl.phase),
	}
}

// anomalies returns the complete records that the loop has kept: kind is written last.
func (t *thread) anomalies() []Anomaly {
	var out []Anomaly
	for i := range t.frame.kept {
		k := &t.frame.kept[i]
		kind := AnomalyKind(atomic.LoadUint64(&k.kind))
		if kind == 0 {
			break
		}
		a := Anomaly{
			Thread: t.index, Kind: kind, RAX: k.rax, Canary: t.frame.canary,
			RSPOff: int64(k.rspOff), From: k.phase0, To: k.phase1,
		}
		for r := range a.Regs {
			a.Regs[r] = k.regs[r] ^ a.Canary[r]
		}
		out = append(out, a)
	}
	return out
}

// Readers returns the threads as readers.
func (p *Pool) Readers() []Reader {
	out := make([]Reader, len(p.threads))
	for i, t := range p.threads {
		out[i] = Reader{t}
	}
	return out
}

// Reader is a thread as the grace periods see it.
type Reader struct{ t *thread }

// Epoch returns the epoch in which the reader entered its section, 0 outside.
func (r Reader) Epoch() uint64 { return atomic.LoadUint64(&r.t.frame.slot) }

// ThreadID returns the kernel's number of the reader's thread, 0 if it does not run.
func (r Reader) ThreadID() int { return int(r.t.tid.Load()) }
