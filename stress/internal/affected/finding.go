package affected

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// A finding is what an experiment came to.
type finding struct {
	answer report.Answer
	seen   string // what the kernel did
	trials uint64 // of a race
}

func found(a report.Answer, format string, args ...any) finding {
	return finding{answer: a, seen: fmt.Sprintf(format, args...)}
}

func has(format string, args ...any) finding  { return found(report.HasFault, format, args...) }
func free(format string, args ...any) finding { return found(report.HasNot, format, args...) }
func inapplicable(format string, args ...any) finding {
	return found(report.NotApplicable, format, args...)
}
func unclear(format string, args ...any) finding {
	return found(report.CannotTell, format, args...)
}

// ofError is the finding where an experiment could not be set up: this process may not, or the
// kernel does not know what it takes.
func ofError(err error) finding {
	switch {
	case live.Lack(err) != nil:
		return unclear("%v", live.Lack(err))
	case refused(err):
		return inapplicable("it refuses the experiment's programs: %s", reason(err))
	case errors.Is(err, fs.ErrPermission):
		return unclear("this process may not load or attach what it takes: %s", errno(err))
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, syscall.EINVAL),
		errors.Is(err, enotsupp):
		return inapplicable("it does not know what the experiment takes: %s", reason(err))
	}
	return unclear("%s", reason(err))
}

// enotsupp is the kernel's own number for what it does not support. Package syscall has no name
// for it.
const enotsupp = syscall.Errno(524)

// refused reports whether the verifier looked at a program and refused it. It does so by EACCES
// too, which is no matter of rights then.
func refused(err error) bool {
	ve, ok := errors.AsType[*ebpf.VerifierError](err)
	return ok && len(ve.Log) > 0
}

// reason is what the verifier says last of a program, or the error, in a line.
func reason(err error) string {
	if ve, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		for _, line := range slices.Backward(ve.Log) {
			line = strings.TrimSpace(line)
			counts := func(s string) bool { return strings.HasPrefix(line, s) }
			if line != "" && !slices.ContainsFunc(statistics, counts) {
				return line
			}
		}
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// statistics are what the verifier's last lines begin with, whatever it found.
var statistics = []string{"processed ", "verification time", "stack depth"}

// errno is the last word of an error: what the kernel answered.
func errno(err error) string {
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		return no.Error()
	}
	return reason(err)
}
