package kernel

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"tailpoke/internal/source"
	"tailpoke/stress/internal/live"
)

// ErrUnsupported says, wrapped with the reason, that this subject cannot be run in a kernel.
var ErrUnsupported = errors.New("the kernel cannot run this subject")

// Bounds of a run.
const (
	// MaxOutcomes is how many different values an execution may return.
	MaxOutcomes = 63 // a bit each; all bits together say that nothing is known
	// MaxCallers is how many copies of the entry are executed at most.
	MaxCallers = 64
	// DefaultCallers is one that checks itself and one as it stands.
	DefaultCallers = 2
)

// Config says what is run. Its oracle has at most MaxOutcomes, and may be nil: then nothing is
// known, and what executions return is not looked at.
type Config struct {
	live.Config
	Threads  int // that execute the entry
	Spec     *ebpf.CollectionSpec
	Entry    string   // the program of Spec that the threads execute
	Programs []string // what the keys are given
	Input    Input    // of every execution
	// Found is what executions find in their context, as [Input.Seen] says. Those that write into it
	// leave that to the next of the same call of bpf(2), unless it is put back.
	Found []byte
	// Lines are the source lines of the entry's direct sites, by key, in the order of its code. They may
	// be missing.
	Lines [][]source.Line

	// Callers is how many copies of the entry are loaded and executed: each has poke descriptors of
	// its own. Every other one checks itself (see checker.go). 0: DefaultCallers.
	Callers int
	// AcrossPages says that an emulator executes the kernel, which stops threads in windows across a
	// page alone: callers with some are looked for. See pages.go.
	AcrossPages bool

	faults faults
}

// outcomes are the oracle's, and written is its range.
func (c *Config) outcomes() []live.Outcome {
	if c.Oracle == nil {
		return nil
	}
	return c.Oracle.Outcomes()
}

func (c *Config) written() (lo, hi int) {
	if c.Oracle == nil {
		return 0, 0
	}
	return c.Oracle.Written()
}

func (c Config) withDefaults() Config {
	if c.Callers == 0 {
		c.Callers = DefaultCallers
	}
	c.Threads = max(c.Threads, 1)
	return c
}

func (c *Config) check() error {
	if err := c.Check(len(c.Programs)); err != nil {
		return err
	}
	if c.Callers < 1 || c.Callers > MaxCallers {
		return fmt.Errorf("kernel: %d callers: want 1 to %d", c.Callers, MaxCallers)
	}
	if n := len(c.outcomes()); c.Oracle != nil && (n == 0 || n > MaxOutcomes) {
		return fmt.Errorf("%w: it may return %d different values, and 1 to %d can be told apart",
			ErrUnsupported, n, MaxOutcomes)
	}
	for _, name := range append(slices.Clone(c.Programs), c.Entry) {
		if c.Spec.Programs[name] == nil {
			return fmt.Errorf("kernel: no program %q", name)
		}
	}
	for _, k := range c.Keys {
		m := c.Spec.Maps[k.Map]
		if m == nil || m.Type != ebpf.ProgramArray || k.Index < 0 || k.Index >= int(m.MaxEntries) {
			return fmt.Errorf("kernel: no key %d in a prog array %q", k.Index, k.Map)
		}
	}
	if lo, hi := c.written(); lo < 0 || hi > len(c.Found) {
		return fmt.Errorf("kernel: bytes %d to %d are written of a context of %d", lo, hi, len(c.Found))
	}
	return nil
}

// lineMax bounds a reason, in bytes.
const lineMax = 160

// refused says in one line that the kernel does not take a part of the subject, and why. Where the
// process has run out of something, the error is that and not ErrUnsupported.
func refused(what string, err error) error {
	is := ErrUnsupported
	if lack := live.Lack(err); lack != nil {
		is = lack
	}
	return fmt.Errorf("%w: %s: %s", is, what, strings.TrimPrefix(reasonOf(err), what+": "))
}

// reasonOf is what an error says, in one line: of one of the verifier its last word.
func reasonOf(err error) string {
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		if word, above := lastWord(ve.Log); word != "" {
			return "the verifier says: " + firstLine(word) + sourceOf(above)
		}
	}
	return strings.TrimSuffix(firstLine(err.Error()), " (MEMLOCK may be too low, consider rlimit.RemoveMemlock)") // a guess: it was lifted
}

// lastWord is the last line of the verifier's log that is not about the verifier itself, and what
// stands above it.
func lastWord(log []string) (word string, above []string) {
	for i := len(log) - 1; i >= 0; i-- {
		line := strings.TrimSpace(log[i])
		about := strings.HasPrefix(line, "processed ") || strings.HasPrefix(line, "verification time ") ||
			strings.HasPrefix(line, "stack depth ")
		if line != "" && !about {
			return line, log[:i]
		}
	}
	return "", nil
}

// textAt is a source line, and where it stands.
var textAt = regexp.MustCompile(`^(.*) @ (\S+:[0-9]+)$`)

// sourceOf is, in parentheses, the source line that the verifier's log names last: "; TEXT @ FILE:LINE",
// or the text alone from older kernels.
func sourceOf(log []string) string {
	for _, line := range slices.Backward(log) {
		text, is := strings.CutPrefix(strings.TrimSpace(line), "; ")
		if !is {
			continue
		}
		if m := textAt.FindStringSubmatch(text); m != nil {
			text = m[2] + ": " + m[1]
		}
		return " (" + firstLine(text) + ")"
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
