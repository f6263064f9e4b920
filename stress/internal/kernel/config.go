package kernel

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
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

// None is the empty key among programs.
const None = -1

// Outcome is a value that an execution may return.
type Outcome struct {
	Value uint64 // a kernel shows the low 32 bits
	Skip  bool   // some path that gives it takes no tail call
	Tail  bool   // some path that gives it takes one
}

// Config says what is run.
type Config struct {
	Threads  int // that execute the entry
	Spec     *ebpf.CollectionSpec
	Entry    string         // the program of Spec that the threads execute
	Programs []string       // what the keys are given
	Keys     []protocol.Key // the keys that change
	Input    Input          // of every execution
	// Found is what executions find in their context, as [Input.Seen] says. Those that write into
	// its bytes from WrittenLo up to WrittenHi leave that to the next of the same call of bpf(2),
	// unless it is put back.
	Found                []byte
	WrittenLo, WrittenHi int

	Outcomes []Outcome // what an execution may return, whatever the keys hold
	// Legal returns a bit for each outcome that an execution may return while key i holds one of
	// held[i] at each of its tail calls. Programs are indexes of Programs. Nil: nothing is known of
	// that, and what executions return is not looked at.
	Legal func(held [][]int) (uint64, error)

	// Callers is how many copies of the entry are loaded and executed: each has poke descriptors of
	// its own. Every other one checks itself (see checker.go). 0: DefaultCallers.
	Callers int
	Seed    uint64
	// Duration bounds the run; 0 runs the script alone.
	Duration time.Duration
	// Script is carried out once, before random operations begin.
	Script protocol.Script
	// StopAtFirst ends the run with the first finding.
	StopAtFirst bool
	// Trace, if set, is given what the mutator did and what the watcher saw, in order, while the run
	// goes on. It does not keep the slice.
	Trace func([]protocol.Item)
	// Progress, if set, is called about once a second.
	Progress func(Result)

	faults faults
}

func (c Config) withDefaults() Config {
	if c.Callers == 0 {
		c.Callers = DefaultCallers
	}
	c.Threads = max(c.Threads, 1)
	return c
}

func (c *Config) check() error {
	if len(c.Programs) == 0 || len(c.Keys) == 0 {
		return errors.New("kernel: a run needs programs and keys")
	}
	if c.Duration <= 0 && len(c.Script) == 0 {
		return errors.New("kernel: a run needs a duration or a script")
	}
	if c.Callers < 1 || c.Callers > MaxCallers {
		return fmt.Errorf("kernel: %d callers: want 1 to %d", c.Callers, MaxCallers)
	}
	if n := len(c.Outcomes); c.Legal != nil && (n == 0 || n > MaxOutcomes) {
		return fmt.Errorf("%w: it may return %d different values, and 1 to %d can be told apart", ErrUnsupported, n, MaxOutcomes)
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
	if c.WrittenLo < 0 || c.WrittenHi > len(c.Found) {
		return fmt.Errorf("kernel: bytes %d to %d are written of a context of %d", c.WrittenLo, c.WrittenHi, len(c.Found))
	}
	for i, call := range c.Script {
		if call.Key >= len(c.Keys) || call.Prog >= len(c.Programs) {
			return fmt.Errorf("kernel: call %d of the script (%v): there are %d keys and %d programs", i+1, call, len(c.Keys), len(c.Programs))
		}
	}
	return nil
}
