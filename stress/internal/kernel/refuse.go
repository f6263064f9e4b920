package kernel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
)

// lineMax bounds a reason, in bytes.
const lineMax = 160

// refused says in one line that the kernel does not take a part of the subject, and why.
func refused(what string, err error) error {
	return fmt.Errorf("%w: %s: %s", ErrUnsupported, what, strings.TrimPrefix(reasonOf(err), what+": "))
}

// reasonOf is what an error says, in one line: of one of the verifier its last word.
func reasonOf(err error) string {
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		if word := lastWord(ve.Log); word != "" {
			return "the verifier says: " + firstLine(word)
		}
	}
	return firstLine(err.Error())
}

// lastWord is the last line of the verifier's log that is not about the verifier itself.
func lastWord(log []string) string {
	for i := len(log) - 1; i >= 0; i-- {
		line := strings.TrimSpace(log[i])
		about := strings.HasPrefix(line, "processed ") || strings.HasPrefix(line, "verification time ") ||
			strings.HasPrefix(line, "stack depth ")
		if line != "" && !about {
			return line
		}
	}
	return ""
}

// firstLine is the first line of a text, cut short.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if len(line) > lineMax {
		line = strings.ToValidUTF8(line[:lineMax], "") + "..."
	}
	return strings.TrimSuffix(line, ":")
}
