package kernel

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// capabilities are what a run may need, with what for.
var capabilities = []struct {
	bit      uint
	name     string
	why      string
	required bool
}{
	{unix.CAP_BPF, "CAP_BPF", "loads programs and reads their images", true},
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "runs programs on packets", true},
	{unix.CAP_PERFMON, "CAP_PERFMON", "loads programs without guards against speculation: with them no tail call is direct", true},
	{unix.CAP_SYSLOG, "CAP_SYSLOG", "is shown machine code, where kernel.kptr_restrict or kernel.perf_event_paranoid hides it", false},
	{unix.CAP_SYS_NICE, "CAP_SYS_NICE", "puts mutator and watcher before the threads", false},
}

// held are the capabilities that the calling thread may use.
func held() (uint64, error) {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return 0, fmt.Errorf("capget: %w", err)
	}
	return uint64(d[0].Effective) | uint64(d[1].Effective)<<32, nil
}

// Needs lists the capabilities that a run keeps, and what for.
func Needs() []string {
	var out []string
	for _, c := range capabilities {
		need := "may use"
		if c.required {
			need = "has"
		}
		out = append(out, fmt.Sprintf("%s %s: %s", need, c.name, c.why))
	}
	return out
}

// confined runs f on a thread of its own that has no privileges but those of the list, and ends
// with it. On a kernel without CAP_BPF, or where the process has CAP_SYS_ADMIN alone, that one is
// kept.
func confined(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends such a thread
		if unix.Gettid() == unix.Getpid() {
			// It does not end the first one. While that is kept busy, another one is chosen.
			defer runtime.UnlockOSThread()
			done <- confined(f)
			return
		}
		if err := confine(); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func confine() error {
	have, err := held()
	if err != nil {
		return err
	}
	keep := uint64(0)
	for _, c := range capabilities {
		keep |= 1 << c.bit
		if c.required && have>>c.bit&1 == 0 {
			keep |= 1 << unix.CAP_SYS_ADMIN
		}
	}
	keep &= have
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	lo, hi := uint32(keep), uint32(keep>>32)
	d := [2]unix.CapUserData{{Effective: lo, Permitted: lo}, {Effective: hi, Permitted: hi}}
	if err := unix.Capset(&h, &d[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}

// pinTo keeps the calling thread on one of the CPUs that it may run on: the i-th, and round again.
func pinTo(i int) {
	var may, one unix.CPUSet
	if unix.SchedGetaffinity(0, &may) != nil || may.Count() == 0 {
		return // a run is as good without
	}
	cpu := 0
	for left := i % may.Count(); left > 0 || !may.IsSet(cpu); cpu++ {
		if may.IsSet(cpu) {
			left--
		}
	}
	one.Set(cpu)
	_ = unix.SchedSetaffinity(0, &one)
}

// takeTurns makes the calling thread's turns short, where the scheduler lets one choose (6.12): a
// thread that is descheduled in an execution holds up every grace period until its next turn, and
// short turns stop executions at more places. It stays as nice as it is: with less, it would come
// before the threads of the Go runtime.
func takeTurns() {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		return
	}
	attr.Runtime = uint64(turn.Nanoseconds())
	_ = unix.SchedSetAttr(0, attr, 0) // a run is slower without
}

const turn = 200 * time.Microsecond

// prefer puts the calling thread before others of this process, if that is allowed.
func prefer() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -15) // operations are fewer without
}

// gracePeriod waits for a grace period of the kernel: membarrier's oldest command is one.
func gracePeriod() bool {
	const membarrierGlobal = 1
	_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0)
	return errno == 0
}
