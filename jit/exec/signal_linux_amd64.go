package exec

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trapState is what trapHandler knows of the active poke; seq is odd while it changes.
type trapState struct {
	seq, at, resume uint64
	hits, late      uint64
}

var traps trapState

// What trapAnswer says.
const (
	trapAnswered = iota // the thread goes on
	trapNap             // it runs the byte again; only the patcher can change it
	trapNobodys         // no poke answers for the int3
)

const _ = trapAnswered + trapNap + trapNobodys // the assembly alone reads them

// textMutex is the kernel's text_mutex: one poke at a time in the whole process.
var textMutex sync.Mutex

// BeginPoke takes the text mutex and makes traps at address at resume at address
// resume, or run again the byte that is there then if resume is 0. It must be called
// before int3 is written.
func BeginPoke(at, resume uint64) {
	textMutex.Lock()
	setTrap(at, resume)
}

// EndPoke ends the poke. A trap whose handler runs later finds its byte replaced and
// executes it again.
func EndPoke() {
	setTrap(0, 0)
	textMutex.Unlock()
}

func setTrap(at, resume uint64) {
	atomic.AddUint64(&traps.seq, 1)
	atomic.StoreUint64(&traps.at, at)
	atomic.StoreUint64(&traps.resume, resume)
	atomic.AddUint64(&traps.seq, 1)
}

// Traps returns what the handler has counted.
func Traps() TrapCounts {
	return TrapCounts{atomic.LoadUint64(&traps.hits), atomic.LoadUint64(&traps.late)}
}

// ksigaction is the kernel's struct sigaction; x/sys has none.
type ksigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saSiginfo  = 0x4
	saOnstack  = 0x08000000
	saRestart  = 0x10000000
	saRestorer = 0x04000000
)

// lookSignal asks a thread where it stands. It is none of those that an image can raise: the kernel
// drops a trap of a thread for which a SIGTRAP waits already.
const lookSignal = unix.Signal(63)

// handled are the signals that an image can raise, and lookSignal.
var handled = [...]unix.Signal{unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, lookSignal}

var (
	oldHandlers [65]uintptr    // by signal: where the handlers pass on what is not theirs
	oldActions  [65]ksigaction // by signal: what restoreHandlers puts back
)

func handlers() (trap, fault, look, restorer uintptr)

func installHandlers() error {
	trap, fault, look, restorer := handlers()
	for _, sig := range handled {
		if err := sigaction(sig, nil, &oldActions[sig]); err != nil {
			return err
		}
		oldHandlers[sig] = oldActions[sig].handler
		sa := ksigaction{fault, saSiginfo | saOnstack | saRestorer, restorer, ^uint64(0)}
		switch sig {
		case unix.SIGTRAP:
			sa.handler = trap
		case lookSignal:
			sa.handler, sa.flags = look, sa.flags|saRestart
		}
		if err := sigaction(sig, &sa, nil); err != nil {
			return err
		}
	}
	return nil
}

func restoreHandlers() error {
	var errs []error
	for _, sig := range handled {
		errs = append(errs, sigaction(sig, &oldActions[sig], nil))
	}
	return errors.Join(errs...)
}

func sigaction(sig unix.Signal, act, old *ksigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if e != 0 {
		return fmt.Errorf("rt_sigaction %v: %w", sig, e)
	}
	return nil
}
