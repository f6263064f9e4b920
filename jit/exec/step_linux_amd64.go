package exec

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// States of a stepped thread.
const (
	stepRuns   = iota // it executes, or handles what it executed
	stepParked        // it waits for an order
	stepDone          // its execution is over
)

// Orders to a parked thread.
const (
	stepOne   = iota // execute one instruction, or let the handler look
	stepFree         // execute the rest
	stepLeave        // be thrown out of the image
)

// stepRegs is how many words of a ucontext are kept: r8-r15 rdi rsi rbp rbx rdx rax rcx rsp rip
// rflags. Of some the places are named.
const (
	stepRegs  = 18
	stepR12   = 4
	stepRBP   = 10
	stepRBX   = 11
	stepRAX   = 13
	stepRSP   = 15
	stepRIP   = 16
	stepFlags = 17
)

// encoded lists the places of the registers in the order of their numbers.
var encoded = [16]int{
	stepRAX, 14, 12, stepRBX, stepRSP, stepRBP, 9, 8, 0, 1, 2, 3, stepR12, 5, 6, 7,
}

// Stepper executes on one thread of a pool, an instruction at a time, by the CPU's trap flag.
// Between two instructions the thread is parked inside of a signal handler, for at most a
// minute: then it is thrown out of its image. One goroutine at a time may use it.
type Stepper struct {
	t     *thread
	limit time.Duration
	left  chan struct{} // closed when the execution is over; nil: there is none
}

// Stepper returns the stepper of a thread. The pool must not be started, and no thread must have
// two steppers. limit bounds how long Begin and Step
// wait for the thread.
func (p *Pool) Stepper(thread int, limit time.Duration) (*Stepper, error) {
	if thread < 0 || thread >= len(p.threads) {
		return nil, fmt.Errorf("no thread %d: the pool has %d", thread, len(p.threads))
	}
	return &Stepper{t: p.threads[thread], limit: limit}, nil
}

var (
	errStepping    = errors.New("the thread executes already")
	errNotStepping = errors.New("the thread does not execute")
)

// Begin begins an execution of the entry point at an address. The thread stands in front of its
// first instruction then, inside its read-side section.
func (s *Stepper) Begin(entry uint64) (Stop, error) {
	if s.left != nil {
		return Stop{}, errStepping
	}
	t, f := s.t, s.t.frame
	copy(t.context(), t.pool.template())
	f.phase0 = atomic.LoadUint64(&t.pool.ctl.phase)
	f.step.entry = entry
	f.step.regs = [stepRegs]uint64{}
	atomic.StoreUint32(&f.step.state, stepRuns)
	atomic.StoreUint64(&f.slot, atomic.LoadUint64(&t.pool.ctl.epoch))
	left := make(chan struct{})
	s.left = left
	t.pool.wg.Go(func() {
		defer close(left)
		t.step()
	})
	return s.await(s.limit)
}

// step is one execution, on the thread that is stepped.
func (t *thread) step() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer t.enlist()()
	runStepDetached(t.frame)
	atomic.StoreUint32(&t.frame.step.state, stepDone)
	futexWake(&t.frame.step.state)
}

// Step lets the thread execute one instruction. If that is an int3 of an arena, the thread is
// [Trapped] then, and the next Step lets its handler look and answer.
func (s *Stepper) Step() (Stop, error) { return s.next(stepOne, s.limit) }

// Free lets the thread execute the rest without stops, up to a limit of time. After [ErrLimit] it
// still runs, and only Close ends that.
func (s *Stepper) Free(limit time.Duration) (Stop, error) { return s.next(stepFree, limit) }

func (s *Stepper) next(order uint32, limit time.Duration) (Stop, error) {
	if s.left == nil {
		return Stop{}, errNotStepping
	}
	if !s.t.release(order) {
		return Stop{}, fmt.Errorf("thread %d is not parked", s.t.index)
	}
	return s.await(limit)
}

// Close throws the thread out of its image, if it is in one, and waits until it is.
func (s *Stepper) Close() {
	if s.left == nil {
		return
	}
	for tid := s.t.tid.Load(); ; tid = s.t.tid.Load() {
		if !s.t.release(stepLeave) && tid != 0 {
			unix.Tgkill(unix.Getpid(), int(tid), unix.SIGTRAP)
		}
		select {
		case <-s.left:
			s.t.takeFault()
			s.left = nil
			return
		case <-time.After(evictLook):
		}
	}
}

// Word returns the 8 bytes at an address of the thread's stack or context.
func (s *Stepper) Word(addr uint64) (uint64, bool) {
	b := s.t.call.Bytes(addr, 8)
	if b == nil {
		return 0, false
	}
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&b[0]))), true
}

// release gives the thread an order if it is parked, and reports whether it was.
func (t *thread) release(order uint32) bool {
	r := &t.frame.step
	if atomic.LoadUint32(&r.state) != stepParked {
		return false
	}
	atomic.StoreUint32(&r.order, order)
	if !atomic.CompareAndSwapUint32(&r.state, stepParked, stepRuns) {
		return false // it has waited too long
	}
	futexWake(&r.state)
	return true
}

func (s *Stepper) await(limit time.Duration) (Stop, error) {
	r := &s.t.frame.step
	for deadline := time.Now().Add(limit); ; {
		switch atomic.LoadUint32(&r.state) {
		case stepParked:
			return s.stop(StopKind(r.why)), nil
		case stepDone:
			<-s.left
			s.left = nil
			return s.end(), nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return Stop{}, fmt.Errorf("thread %d: %w", s.t.index, ErrLimit)
		}
		futexWait(&r.state, stepRuns, left)
	}
}

func (s *Stepper) stop(kind StopKind) Stop {
	r := &s.t.frame.step
	st := Stop{Kind: kind, RIP: r.regs[stepRIP], Flags: r.regs[stepFlags] &^ trapFlag}
	for n, place := range encoded {
		st.Regs[n] = r.regs[place]
	}
	return st
}

// trapFlag is what stepping sets of rflags.
const trapFlag = 0x100

// calleeSaved are the numbers of the registers that hold canaries, in the order of these.
var calleeSaved = [6]int{3, 5, 12, 13, 14, 15}

func (s *Stepper) end() Stop {
	f := s.t.frame
	if f.fault.sig != 0 {
		a := s.t.takeFault()
		return Stop{Kind: Faulted, RIP: a.RIP, Anomaly: a}
	}
	st := s.stop(Returned)
	a := Anomaly{Thread: s.t.index, RAX: st.Regs[0], Canary: f.canary,
		RSPOff: int64(st.Regs[4] - f.sp)}
	for i, n := range calleeSaved {
		a.Regs[i] = st.Regs[n]
	}
	if a.Regs != a.Canary || a.RSPOff != 0 {
		a.Kind = BadRegisters
	}
	st.RIP, st.Anomaly = 0, a
	return st
}

const futexWaitPrivate = 128 // FUTEX_WAIT|FUTEX_PRIVATE_FLAG

// futexWait waits until the word is not v any more, some time has passed, or for no reason.
func futexWait(word *uint32, v uint32, limit time.Duration) {
	ts := unix.NsecToTimespec(int64(limit))
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitPrivate, uintptr(v),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
}

func futexWake(word *uint32) {
	unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakePrivate, 1)
}

// runStep executes once under the trap flag.
//
//go:noescape
func runStep(f *frame)
