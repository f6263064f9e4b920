package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// probed is the function that programs are attached to. Its first instruction is an ordinary one.
//
//go:noinline
func probed(n int) int { return n + 1 }

// probedEvent executes programs at a function of this process, in this process alone. By a perf event,
// which kernels before 6.6 have alone, that takes more than the capabilities of a run.
func probedEvent(multi bool) (*event, error) {
	at, err := offsetOf(uint64(reflect.ValueOf(probed).Pointer()))
	if err != nil {
		return nil, err
	}
	self, err := link.OpenExecutable("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	return &event{
		attach: func(p *ebpf.Program) (io.Closer, error) {
			if multi {
				return self.UprobeMulti(nil, p, &link.UprobeMultiOptions{Addresses: []uint64{at}, PID: uint32(os.Getpid())})
			}
			return self.Uprobe("", p, &link.UprobeOptions{Address: at, PID: os.Getpid()})
		},
		fire: func() error {
			runtime.KeepAlive(probed(0)) // the call is all that matters
			return nil
		},
	}, nil
}

// offsetOf is where in the file of this process an address of its text lies.
func offsetOf(addr uint64) (uint64, error) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to, off uint64
		var may string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s %x", &from, &to, &may, &off); err == nil && from <= addr && addr < to {
			return addr - from + off, nil
		}
	}
	return 0, fmt.Errorf("no file holds the address %#x", addr)
}

// tracepoints are those that programs are attached to, in the order in which they are tried: at the
// second the context is larger.
type tracepoints struct{ ids []int }

var tracepointNames = []string{"bpf_test_run/bpf_test_finish", "syscalls/sys_enter_move_pages"}

func newTracepoints() (*tracepoints, error) {
	ids, err := tracepointIDs()
	return &tracepoints{ids}, err
}

// tracepointIDs reads the kernel's numbers, with the privileges of the process: where tracefs is not
// mounted, it is, and nowhere in the tree of files.
var tracepointIDs = sync.OnceValues(func() (ids []int, err error) {
	done := make(chan struct{})
	go func() { // no thread of a run has the privileges
		defer close(done)
		for _, name := range tracepointNames {
			id, no := tracepointID(name)
			if no != nil {
				err = no
				continue
			}
			ids = append(ids, id)
		}
	}()
	<-done
	if len(ids) > 0 {
		return ids, nil
	}
	return nil, err
})

func tracepointID(name string) (int, error) {
	name = filepath.Join("events", name, "id")
	raw, err := os.ReadFile(filepath.Join("/sys/kernel/tracing", name))
	if err != nil {
		raw, err = unmounted(name)
	}
	if err != nil {
		return 0, fmt.Errorf("the number of a tracepoint cannot be read: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(raw)))
}

// unmounted reads a file of tracefs that is mounted nowhere.
func unmounted(name string) ([]byte, error) {
	fs, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, err
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat(root, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return io.ReadAll(f)
}

// attach attaches a program to the first of the tracepoints that takes it.
func (t *tracepoints) attach(p *ebpf.Program) (io.Closer, error) {
	var errs []error
	for _, id := range t.ids {
		at, err := attachTracepoint(p, id)
		if err == nil {
			return at, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// call makes the system call, with flags that it refuses before it does anything.
func (t *tracepoints) call() {
	_, _, _ = unix.RawSyscall6(unix.SYS_MOVE_PAGES, 0, 0, 0, 0, 0, ^uintptr(0))
}

// moveNothing names this process as the one whose pages are moved, and none of them. A program that
// forbids that was executed as well.
func moveNothing() error {
	const mpolMove = 2
	_, _, _ = unix.RawSyscall6(unix.SYS_MOVE_PAGES, uintptr(os.Getpid()), 0, 0, 0, 0, mpolMove)
	return nil
}

func attachTracepoint(p *ebpf.Program, id int) (io.Closer, error) {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: unix.PERF_ATTR_SIZE_VER1, Config: uint64(id), Sample: 1, Wakeup: 1,
	}, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, perfRefused(err)
	}
	return attachPerf(fd, p)
}
