package guest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mounts are what a verb needs, in order. Device files come first: without them nothing can be
// started. Those that a kernel may lack are not required.
var mounts = []struct {
	kind, at string
	required bool
}{
	{"devtmpfs", "/dev", true},
	{"proc", "/proc", true},
	{"sysfs", "/sys", true},
	{"bpf", "/sys/fs/bpf", false},
	{"cgroup2", "/sys/fs/cgroup", false},
	{"tracefs", "/sys/kernel/tracing", false},
	{"debugfs", "/sys/kernel/debug", false},
}

func mount() error {
	if err := os.MkdirAll("/tmp", 0o777); err != nil { // the verb's files may be below it
		return err
	}
	for _, m := range mounts {
		if err := os.MkdirAll(m.at, 0o755); err != nil && m.required {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil && m.required && err != unix.EBUSY {
			return fmt.Errorf("mount %s: %w", m.kind, err)
		}
	}
	return nil
}

// sysctls are what a verb finds set: programs are compiled, addresses are shown, and a task that
// hangs is named soon. A kernel lacks what it lacks.
var sysctls = map[string]string{
	"net/core/bpf_jit_enable":       "1",
	"net/core/bpf_jit_harden":       "0",
	"kernel/kptr_restrict":          "0",
	"kernel/hung_task_timeout_secs": "60",
	"kernel/hung_task_warnings":     "4",
	"kernel/perf_event_paranoid":    "2", // Debian's 3 keeps perf events from CAP_PERFMON
}

func settings() {
	// Kernels before 5.11 count programs and maps as locked memory, and give it back late.
	most := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &most)
	for name, value := range sysctls {
		_ = os.WriteFile("/proc/sys/"+name, []byte(value), 0o644)
	}
}

// linkPath is the second serial port; the first is the kernel's console.
const linkPath = "/dev/ttyS1"

// openLink opens the line to the host, and has it carry bytes as they are.
func openLink() (*os.File, error) {
	f, err := os.OpenFile(linkPath, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", linkPath, err)
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB|unix.CBAUD) | unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t); err != nil {
		return nil, fmt.Errorf("%s: %w", linkPath, err)
	}
	return f, nil
}

// release is the kernel's.
func release() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
