package exec

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2); x/sys has none.
const (
	mbQuery                    = 0
	mbPrivateExpedited         = 8
	mbRegisterPrivateExpedited = 16
	mbSyncCore                 = 32
	mbRegisterSyncCore         = 64
)

func membarrier(cmd int) error {
	if _, _, e := unix.RawSyscall(unix.SYS_MEMBARRIER, uintptr(cmd), 0, 0); e != 0 {
		return e
	}
	return nil
}

// Supported reports what this machine lacks to execute and patch images, or nil.
var Supported = sync.OnceValue(func() error {
	commands, _, e := unix.RawSyscall(unix.SYS_MEMBARRIER, mbQuery, 0, 0)
	return lacks(commands, e)
})

// lacks says what a machine lacks, by its kernel's answer to the query for membarrier's commands.
func lacks(commands uintptr, e unix.Errno) error {
	switch {
	case e != 0:
		return fmt.Errorf("needs membarrier: %w", e)
	case commands&mbPrivateExpedited == 0:
		return errors.New("needs membarrier(PRIVATE_EXPEDITED), Linux 4.14")
	case commands&mbSyncCore == 0:
		return errors.New("needs membarrier(PRIVATE_EXPEDITED_SYNC_CORE), Linux 4.16")
	}
	return nil
}

// A command has to be registered before its first use. That takes the kernel a grace period of
// its own, some 10 ms, which a process that only executes is spared.
var (
	registerBarrier  = sync.OnceFunc(func() { must(membarrier(mbRegisterPrivateExpedited)) })
	registerSyncCore = sync.OnceFunc(func() { must(membarrier(mbRegisterSyncCore)) })
)

// Barrier makes every running thread of the process execute a full memory barrier.
func Barrier() {
	registerBarrier()
	must(membarrier(mbPrivateExpedited))
}

// SyncCore makes every running thread of the process, the caller's too, execute a
// serialising instruction: no CPU executes text fetched before. A thread that does not
// run serialises before it does.
func SyncCore() {
	registerSyncCore()
	must(membarrier(mbSyncCore))
}

// must: a command that the kernel has cannot fail (membarrier(2)), and a patcher
// that went on without one would report nonsense.
func must(err error) {
	if err != nil {
		panic("exec: membarrier: " + err.Error())
	}
}
