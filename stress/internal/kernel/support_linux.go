package kernel

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// Supported says in one line why no run is possible here: a capability that is missing, or what the
// kernel makes of a program of two instructions. That program is loaded once in a process, with the
// privileges that a run has.
func Supported() error {
	if runtime.GOARCH != "amd64" {
		return errors.New("needs a kernel on x86-64")
	}
	have, err := held()
	if err != nil {
		return err
	}
	if missing := missingOf(have); missing != "" {
		return errors.New("needs " + missing)
	}
	return loadable()
}

// missingOf names the required capabilities that are not held.
func missingOf(have uint64) string {
	// Before 5.8 there was no CAP_BPF, and CAP_SYS_ADMIN stands for it still.
	if have>>unix.CAP_SYS_ADMIN&1 != 0 {
		return ""
	}
	var missing []string
	for _, c := range capabilities {
		if c.required && have>>c.bit&1 == 0 {
			missing = append(missing, c.name)
		}
	}
	return strings.Join(missing, " and ")
}

var loadable = definite(func() error {
	release := read("/proc/sys/kernel/osrelease")
	if countsLocked(release) {
		// Where this is not allowed, the limit may do.
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	}
	return confined(func() error {
		jited, translated, err := loadProbe()
		if err != nil {
			var errno unix.Errno
			if errors.As(err, &errno) {
				err = errno // the library adds a guess
			}
			return fmt.Errorf("the kernel does not load a program of two instructions%s: %s", hint(release), reasonOf(err))
		}
		return judgeProbe(jited, translated)
	})
})

// countsLocked says whether programs and maps count as locked memory, which RLIMIT_MEMLOCK bounds:
// from 5.11 on they count as memory of their cgroup.
func countsLocked(release string) bool {
	var major, minor int
	_, err := fmt.Sscanf(release, "%d.%d", &major, &minor)
	return err == nil && (major < 5 || major == 5 && minor < 11)
}

// probeSize is the size of the probe in bytes.
const probeSize = 16

// loadProbe gives the size of the probe's machine code and of its instructions, in bytes; 0 where
// the kernel does not say.
func loadProbe() (jited, translated int, err error) {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "tailpoke_probe", Type: ebpf.SchedCLS, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}, // no 0: that is not blinded
	})
	if err != nil {
		return 0, 0, err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return 0, 0, err
	}
	// They fail where a size is 0.
	n, _ := info.JitedSize()
	translated, _ = info.TranslatedSize()
	return int(n), translated, nil
}

// judgeProbe says why no site would be poked in programs that the kernel treats as it does the
// probe.
func judgeProbe(jited, translated int) error {
	switch {
	case jited == 0:
		return errors.New("the kernel interprets programs: net.core.bpf_jit_enable is 0")
	case translated > probeSize:
		return errors.New("the kernel blinds constants, and then makes no direct tail call: net.core.bpf_jit_harden is not 0")
	}
	return nil
}

// hint says what may forbid it to load programs in spite of its capabilities; "" if nothing is
// known.
func hint(release string) string {
	const first = "user:[4026531837]" // the kernel's own number of it
	ns, err := os.Readlink("/proc/self/ns/user")
	switch {
	case err == nil && ns != first:
		return " (its capabilities are those of a user namespace)"
	case strings.Contains(read("/proc/self/status"), "\nSeccomp:\t2\n"):
		return " (there is a seccomp filter)"
	case countsLocked(release):
		return " (RLIMIT_MEMLOCK may be too low)"
	}
	return ""
}
