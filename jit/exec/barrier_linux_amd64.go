package exec

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2); x/sys has none.
const (
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
	if err := membarrier(mbRegisterPrivateExpedited); err != nil {
		return fmt.Errorf("needs membarrier(PRIVATE_EXPEDITED), Linux 4.14: %w", err)
	}
	if err := membarrier(mbRegisterSyncCore); err != nil {
		return fmt.Errorf("needs membarrier(PRIVATE_EXPEDITED_SYNC_CORE), Linux 4.16: %w", err)
	}
	return nil
})

// Barrier makes every running thread of the process execute a full memory barrier.
func Barrier() { must(membarrier(mbPrivateExpedited)) }

// SyncCore makes every running thread of the process, the caller's too, execute a
// serialising instruction: no CPU executes text fetched before. A thread that does not
// run serialises before it does.
func SyncCore() { must(membarrier(mbSyncCore)) }

// must: a registered membarrier command cannot fail (membarrier(2)), and a patcher
// that went on without one would report nonsense.
func must(err error) {
	if err != nil {
		panic("exec: membarrier: " + err.Error())
	}
}
