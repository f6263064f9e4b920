package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tailpoke/internal/vm/guest"
	"tailpoke/stress/report"
)

// hasKVM reports whether this process may use the processor's virtualization. A kernel may offer the
// device without any, for guests of its own kind: these boot no other kernel.
func hasKVM() bool {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || !hardware.Match(text) {
		return false
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// hardware are the flags of processors that virtualize.
var hardware = regexp.MustCompile(`(?m)^flags\s*:.*\b(vmx|svm)\b`)

// machine is a running QEMU.
type machine struct {
	o       *Options
	guest   report.Guest
	process *os.Process
	said    bytes.Buffer  // QEMU itself, about what it cannot do
	ended   chan struct{} // closed when QEMU has
	failed  error         // how, if not well: to be read after that
	files   []string      // that the verb may write
	started time.Time     // of a machine that is steered
	// Our ends of what QEMU inherits.
	console, link, beacon, gdb, monitor *os.File
	screen                              *console
	ops                                 operations
}

// start starts QEMU with what is to run in it.
func start(ctx context.Context, path string, s settings, o *Options, g report.Guest) (*machine, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	job := &guest.Job{
		Args: o.Args, Dir: o.Dir, Files: filesOf(o.Dir, o.Args), How: guest.How{Guest: g, Before: o.Before}, Lines: o.steered,
	}
	files, err := initramfs(ctx, exe, job, o.Stdin)
	if err != nil {
		return nil, err
	}
	m := &machine{o: o, guest: g, files: job.Files, ended: make(chan struct{}), screen: &console{}}
	ends, err := m.inherited(files)
	defer func() {
		for _, f := range ends {
			f.Close()
		}
	}()
	if err != nil {
		m.close()
		return nil, err
	}
	cmd := exec.Command(path, o.arguments(s, guest.Port)...)
	cmd.ExtraFiles = ends
	cmd.Stdout, cmd.Stderr = &m.said, &m.said
	// The kernel ends QEMU when this process ends, whatever the way; and a terminal's interrupt is
	// not for QEMU.
	cmd.WaitDelay = 5 * time.Second // what is in QEMU's place may leave others behind
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := m.launch(cmd); err != nil {
		m.close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return m, nil
}

// launch starts QEMU on a thread that lives as long as it: what ends QEMU with its parent looks at
// the thread and not at the process.
func (m *machine) launch(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			m.process = cmd.Process
		}
		started <- err
		if err == nil {
			if err := cmd.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
				m.failed = err
			}
			close(m.ended)
		}
	}()
	return <-started
}

// inherited makes what QEMU inherits: a socket for each port, and the initramfs.
func (m *machine) inherited(files []byte) (ends []*os.File, err error) {
	sockets := func(ours ...**os.File) error {
		for _, our := range ours {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			if err := unix.SetNonblock(pair[0], true); err != nil {
				return err
			}
			*our = os.NewFile(uintptr(pair[0]), "guest")
			ends = append(ends, os.NewFile(uintptr(pair[1]), "qemu"))
		}
		return nil
	}
	if err := sockets(&m.console, &m.link, &m.beacon); err != nil {
		return ends, err
	}
	fd, err := unix.MemfdCreate("initramfs", unix.MFD_CLOEXEC)
	if err != nil {
		return ends, err
	}
	f := os.NewFile(uintptr(fd), "initramfs")
	ends = append(ends, f)
	if _, err = f.Write(files); err == nil && m.o.steered {
		err = sockets(&m.gdb, &m.monitor)
	}
	return ends, err
}

// kill ends QEMU and waits for that.
func (m *machine) kill() {
	_ = syscall.Kill(-m.process.Pid, syscall.SIGKILL) // the group is its own; or it has ended
	<-m.ended
}

// stop ends QEMU and gives back what is held.
func (m *machine) stop() {
	m.kill()
	m.close()
}

func (m *machine) close() {
	for _, f := range []*os.File{m.console, m.link, m.beacon, m.gdb, m.monitor} {
		if f != nil {
			f.Close()
		}
	}
}

// refused is what QEMU said of itself when it would not run the machine, or "".
func (m *machine) refused() string {
	line, _, _ := strings.Cut(strings.TrimSpace(m.said.String()), "\n")
	return plain(line)
}

// processor is how much processor time QEMU has had, in seconds.
func (m *machine) processor() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.process.Pid))
	if err != nil {
		return 0
	}
	// The name, in brackets, may have spaces; the times are the 14th and 15th field.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var user, system float64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	const ticks = 100 // a second, on every Linux of this architecture
	return (user + system) / ticks
}

// signal passes a signal on to the verb.
func (m *machine) signal(number int) error {
	_, err := m.link.Write([]byte{byte(number)})
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
