package catalogue

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"tailpoke/jit/exec"
	"tailpoke/patcher/rcu"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

// Doctor tries what this machine can do.
func Doctor() *report.Doctor {
	m := Machine()
	checks := []report.Check{{Name: "machine", OK: true, For: "nothing", Detail: m.Platform + ", " + m.CPU}}
	add := func(name, detail, without string, err error) {
		c := report.Check{Name: name, OK: err == nil, Detail: detail, For: without}
		if err != nil {
			c.Detail = err.Error()
		}
		checks = append(checks, c)
	}
	add("membarrier", "PRIVATE_EXPEDITED and SYNC_CORE", "the cpu engine", exec.Supported())
	add("code memory", "two mappings, written and executed apart", "the cpu engine", tryArena())
	add("real-time priority", "grace periods can be boosted", "speed: grace periods take a round of the scheduler", tryElevate())
	var cpus error
	if n := runtime.NumCPU(); n < 2 {
		cpus = fmt.Errorf("%d CPU: nothing executes while text is poked", n)
	}
	add("CPUs", fmt.Sprintf("%d", runtime.NumCPU()), "overlap: the cpu engine may find its runs vacuous", cpus)
	add("kernel programs", strings.Join(kernel.Needs(), "; "), "the kernel engine", kernel.Supported())
	layout, standIns, err := images()
	add(report.KernelImages, "layout "+layout+", read back through bpf(2)", "the kernel engine's watcher, stress identity, and --layout running", err)
	if err == nil {
		add("stand-ins", standIns, "nothing", nil)
	}
	return &report.Doctor{Checks: checks}
}

// Machine says what this machine is.
func Machine() report.Machine {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // there is none on other systems
	return report.Machine{
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuModel(), CPUs: runtime.NumCPU(),
		Kernel: strings.TrimSpace(string(release)),
	}
}

// images names the layout of the running kernel, and what --layout running has in the place of the
// rest of its code.
func images() (layout, standIns string, err error) {
	k, err := identity.DetectCompiler()
	if err != nil {
		return "", "", err
	}
	standIns = "none: images have all bytes of the kernel's but its addresses"
	if all := k.StandIns(); len(all) > 0 {
		standIns = strings.Join(all, "; ")
	}
	return k.String(), standIns, nil
}

func tryArena() error {
	a, err := exec.NewArena(os.Getpagesize())
	if err != nil {
		return err
	}
	return a.Close()
}

func tryElevate() error {
	restore, err := rcu.Elevate()
	if err == nil {
		restore()
	}
	return err
}

// cpuModel names the processor, as far as the system tells.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	field := func(name string) string {
		for line := range strings.Lines(string(info)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
				return strings.TrimSpace(v)
			}
		}
		return "?"
	}
	return fmt.Sprintf("%s (family %s model %s stepping %s microcode %s)",
		field("model name"), field("cpu family"), field("model"), field("stepping"), field("microcode"))
}
