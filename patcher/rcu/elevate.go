package rcu

import (
	"runtime"

	"tailpoke/jit/exec"
)

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
