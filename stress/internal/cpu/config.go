package cpu

import (
	"fmt"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/host"
	"tailpoke/patcher/protocol"
)

// Outcome is a value that an execution may return.
type Outcome struct {
	Value uint64
	Skip  bool // some path that gives it takes no tail call
	Tail  bool // some path that gives it takes one
}

// None is the empty key among programs: see [Oracle].
const None = -1

// Oracle knows what an execution may return.
type Oracle interface {
	// Outcomes lists what an execution may return whatever the keys hold; at most
	// exec.MaxOutcomes.
	Outcomes() []Outcome
	// Legal returns a bit for each outcome that an execution may return when key i holds
	// one of held[i] at each of its tail calls. Programs are indexes of Config.Programs.
	Legal(held [][]int) (uint64, error)
	// Written is the range of bytes of the context that an execution may write.
	Written() (lo, hi int)
}

// Config says what is run.
type Config struct {
	Subject  protocol.Subject // protocol, method, grace flavour, and number of threads
	Layout   *jit.Layout
	Entry    *jit.Program            // what the threads execute
	Programs []*jit.Program          // what the keys are given
	Maps     map[string]int          // number of keys of each prog array that the programs name
	Keys     []protocol.Key          // the keys that change
	Data     map[string]host.MapSpec // the other maps that the programs name
	Ctx      []byte
	Packet   []byte // what Ctx refers to, if it is a struct __sk_buff; nil: it is not
	Oracle   Oracle

	Seed uint64
	// Duration bounds the run; 0 runs the script alone.
	Duration time.Duration
	// Script is carried out once, before random operations begin.
	Script protocol.Script
	// StopAtFirst ends the run with the first finding.
	StopAtFirst bool
	// NoBoost runs as on a machine that grants no real-time priority.
	NoBoost bool
	// Trace, if set, is given what the patcher does, in order, while the run goes on. It does
	// not keep the slice.
	Trace func([]protocol.Item)
	// Progress, if set, is called about once a second.
	Progress func(Result)
}

func (c *Config) check() error {
	switch {
	case c.Entry == nil || len(c.Programs) == 0 || len(c.Keys) == 0:
		return fmt.Errorf("a run needs an entry, programs and keys")
	case c.Duration <= 0 && len(c.Script) == 0:
		return fmt.Errorf("a run needs a duration or a script")
	}
	for i, call := range c.Script {
		if call.Key >= len(c.Keys) || call.Prog >= len(c.Programs) {
			return fmt.Errorf("call %d of the script (%v): there are %d keys and %d programs", i+1, call, len(c.Keys), len(c.Programs))
		}
	}
	return nil
}
