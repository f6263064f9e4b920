package live

import (
	"errors"
	"fmt"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// None is the empty key among programs, and no thread among threads.
const None = -1

// Outcome is a value that an execution may return.
type Outcome struct {
	Value uint64
	Skip  bool // some path that gives it takes no tail call
	Tail  bool // some path that gives it takes one
}

// Oracle knows what an execution may return. Several goroutines may ask it.
type Oracle interface {
	// Outcomes lists what an execution may return whatever the keys hold.
	Outcomes() []Outcome
	// Legal returns a bit for each outcome that an execution may return when key i holds
	// one of held[i] at each of its tail calls. Programs are counted from 0.
	Legal(held [][]int) (uint64, error)
	// Written is the range of bytes of the context that an execution may write.
	Written() (lo, hi int)
}

// Config is what every engine is told.
type Config struct {
	Keys        []protocol.Key // the keys that change
	Oracle      Oracle
	Seed        uint64
	Duration    time.Duration   // bounds the run; 0 runs the script alone
	Script      protocol.Script // carried out once, before random operations begin
	StopAtFirst bool            // ends the run with the first finding

	// Trace, if set, is given what happened, in order, while the run goes on. It does not keep
	// the slice.
	Trace func([]protocol.Item)
	// Progress, if set, is called about once a second.
	Progress func(report.Progress)
}

// Check refuses what no engine can run on so many programs.
func (c *Config) Check(programs int) error {
	switch {
	case programs == 0 || len(c.Keys) == 0:
		return errors.New("a run needs programs and keys")
	case c.Duration <= 0 && len(c.Script) == 0:
		return errors.New("a run needs a duration or a script")
	}
	for i, call := range c.Script {
		if call.Key >= len(c.Keys) || call.Prog >= programs {
			return fmt.Errorf("call %d of the script (%v): there are %d keys and %d programs",
				i+1, call, len(c.Keys), programs)
		}
	}
	return nil
}
