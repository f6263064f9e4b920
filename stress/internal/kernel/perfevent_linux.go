package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Faults are page faults of the threads that execute, of which a perf event executes programs: each
// thread has an event of its own for each program, so that no other thread's faults count.
type faulting struct {
	mu       sync.Mutex
	threads  map[int][]byte // by thread: the page that faults
	programs map[*attachment]bool
}

// An attachment is a program with its events.
type attachment struct {
	of     *faulting
	prog   *ebpf.Program
	events []*os.File
}

func faultEvent() (*event, error) {
	f := &faulting{threads: map[int][]byte{}, programs: map[*attachment]bool{}}
	return &event{attach: f.attach, fire: f.fire, close: f.close}, nil
}

// attach attaches a program to the faults of the threads that there are.
func (f *faulting) attach(p *ebpf.Program) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := &attachment{of: f, prog: p}
	for tid := range f.threads {
		if err := a.join(tid); err != nil {
			return nil, errors.Join(err, a.let())
		}
	}
	f.programs[a] = true
	return a, nil
}

// join attaches the program to the faults of a thread.
func (a *attachment) join(tid int) error {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER1, Config: unix.PERF_COUNT_SW_PAGE_FAULTS, Sample: 1,
	}, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	switch {
	case errors.Is(err, unix.ESRCH): // it has ended
		return nil
	case err != nil:
		return perfRefused(err)
	}
	at, err := attachPerf(fd, a.prog)
	if err == nil {
		a.events = append(a.events, at)
	}
	return err
}

func (a *attachment) let() error {
	var errs []error
	for _, e := range a.events {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}

// Close detaches the program.
func (a *attachment) Close() error {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	delete(a.of.programs, a)
	return a.let()
}

// fire makes the calling thread fault.
func (f *faulting) fire() error {
	page, err := f.page(unix.Gettid())
	if err == nil {
		err = unix.Madvise(page, unix.MADV_DONTNEED)
	}
	if err == nil {
		page[0] = 1
	}
	return err
}

// page is the calling thread's. The first time the thread joins.
func (f *faulting) page(tid int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if page := f.threads[tid]; page != nil {
		return page, nil
	}
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	f.threads[tid] = page
	for a := range f.programs {
		if err := a.join(tid); err != nil {
			return nil, err
		}
	}
	return page, nil
}

func (f *faulting) close() error {
	var errs []error
	for _, page := range f.threads {
		errs = append(errs, unix.Munmap(page))
	}
	return errors.Join(errs...)
}

// perfRefused is an error of perf_event_open(2). From 3 on, a level that distributions have, CAP_PERFMON
// is not enough.
func perfRefused(err error) error {
	level := read("/proc/sys/kernel/perf_event_paranoid")
	if errors.Is(err, unix.EACCES) && level > "2" {
		return fmt.Errorf("kernel.perf_event_paranoid is %s", level)
	}
	return fmt.Errorf("perf_event_open: %w", err)
}

// attachPerf attaches a program to a perf event, which is closed if it does not take it.
func attachPerf(fd int, p *ebpf.Program) (*os.File, error) {
	at := os.NewFile(uintptr(fd), "perf event")
	for _, do := range []struct {
		what uint
		arg  int
	}{{unix.PERF_EVENT_IOC_SET_BPF, p.FD()}, {unix.PERF_EVENT_IOC_ENABLE, 0}} {
		if err := unix.IoctlSetInt(fd, do.what, do.arg); err != nil {
			return nil, errors.Join(fmt.Errorf("the event does not take it: %w", err), at.Close())
		}
	}
	return at, nil
}
