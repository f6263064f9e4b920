package vm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// QEMU's program, and the package that has it.
const (
	qemuName    = "qemu-system-x86_64"
	qemuPackage = "qemu-system-x86"
)

// ErrMissing says, wrapped with what is missing, that this machine cannot run guests.
var ErrMissing = errors.New("needs " + qemuName + ", of the package " + qemuPackage)

// The machine, where the caller does not say.
const (
	DefaultCPUs   = 2
	DefaultMemory = "2G"
)

// settings are those of the machine as they are in the end.
type settings struct {
	accel, cpu string
	extra      []string // of the caller's, that say neither
}

// chosen reads the caller's arguments for QEMU: its accelerator and processor take the place of ours,
// as QEMU would else have two of each.
func chosen(args []string, kvm bool) settings {
	s := settings{accel: "tcg,thread=single"}
	if kvm {
		s.accel = "kvm"
	}
	for i := 0; i < len(args); i++ {
		name := strings.TrimLeft(args[i], "-") // QEMU takes both -cpu and --cpu
		flag := name != args[i] && i+1 < len(args)
		switch {
		case flag && name == "accel":
			i++
			s.accel = args[i]
		case flag && name == "cpu":
			i++
			s.cpu = args[i]
		default:
			s.extra = append(s.extra, args[i])
		}
	}
	switch {
	case s.cpu != "":
	case strings.HasPrefix(s.accel, "tcg"):
		s.cpu = "max"
	default:
		s.cpu = "host"
	}
	return s
}

// What the kernel is told, beside what the caller adds. A kernel that dies begins anew at once, which
// QEMU turns into its own end. A stall under emulation is one only after long, and a timer that is late
// is none that does not work.
const commandLine = "console=ttyS0 rdinit=/init no_timer_check loglevel=5 panic=-1 oops=panic rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30"

// What it is told beside that of a machine that is steered. CPUs are held there, for as long as a busy host
// takes: what watches for CPUs that are stuck would accuse the kernel of it.
const steeredLine = " nowatchdog rcupdate.rcu_cpu_stall_suppress=1 workqueue.watchdog_thresh=0 sysctl.kernel.hung_task_timeout_secs=0"

// The files that QEMU inherits, by their numbers.
const (
	consoleFD = 3 + iota
	linkFD
	beaconFD
	initramfsFD
	gdbFD // of a machine that is steered alone, as is what follows
	monitorFD
)

// arguments are QEMU's.
func (o *Options) arguments(s settings, port int) []string {
	line := commandLine
	if o.steered {
		line += steeredLine
	}
	args := []string{
		"-M", "q35", "-accel", s.accel, "-cpu", s.cpu, "-smp", fmt.Sprint(o.CPUs), "-m", o.Memory,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", o.Kernel, "-initrd", fmt.Sprintf("/proc/self/fd/%d", initramfsFD),
		"-append", strings.TrimSpace(line + " " + o.Append),
		"-chardev", fmt.Sprintf("socket,id=console,fd=%d", consoleFD), "-serial", "chardev:console",
		"-chardev", fmt.Sprintf("socket,id=link,fd=%d", linkFD), "-serial", "chardev:link",
		"-chardev", fmt.Sprintf("socket,id=beacon,fd=%d", beaconFD),
		"-device", fmt.Sprintf("isa-debugcon,iobase=%#x,chardev=beacon", port),
	}
	if o.steered {
		args = append(args, "-S",
			"-chardev", fmt.Sprintf("socket,id=gdb,fd=%d", gdbFD), "-gdb", "chardev:gdb",
			"-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", monitorFD), "-mon", "chardev=monitor,mode=control")
		if o.saved != nil {
			args = append(args, "-incoming", "exec:cat <"+pathOf(o.saved))
		}
	}
	return append(args, s.extra...)
}

// findQEMU finds it and asks for its version.
func findQEMU(ctx context.Context) (path, version string, err error) {
	if runtime.GOARCH != "amd64" || runtime.GOOS != "linux" {
		return "", "", fmt.Errorf("virtual machines are of linux/amd64 alone: %w", errors.ErrUnsupported)
	}
	if path, err = exec.LookPath(qemuName); err != nil {
		return "", "", ErrMissing
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", "", fmt.Errorf("%s --version: %w", path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n") // QEMU emulator version 7.2.22 (Debian ...)
	if words := strings.Fields(line); len(words) > 3 {
		return path, "QEMU " + words[3], nil
	}
	return path, "QEMU", nil
}
