package vm

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tailpoke/internal/vm/guest"
)

// shownFlags are those of a CPU that was in the kernel, as an oops shows them.
var shownFlags = regexp.MustCompile(`\bRSP: 0018:[0-9a-f]{16} EFLAGS: ([0-9a-f]{8})\b`)

// Bits of EFLAGS that are always 0, and the one that is always 1: Intel's manual, volume 1, 3.4.3.
const flagsClear, flagsSet = 0xffc0_8028, 0x2

// emulators says why a fault is the emulator's and not the kernel's, or "". QEMU 7.2 rarely loses which
// of its values the flags are to be computed from; what the CPU pushes next are no flags at all, and a
// kernel does not outlive that.
func emulators(accel string, log []string) string {
	impossible := func(line string) bool {
		m := shownFlags.FindStringSubmatch(line)
		if m == nil {
			return false
		}
		flags, err := strconv.ParseUint(m[1], 16, 32)
		return err == nil && (flags&flagsClear != 0 || flags&flagsSet == 0)
	}
	switch {
	case guest.Stale(accel):
		return guest.Doubt(accel)
	case strings.HasPrefix(accel, "tcg") && slices.ContainsFunc(log, impossible):
		return "emulator: the kernel shows flags that no processor has"
	}
	return ""
}
