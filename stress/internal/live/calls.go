package live

import (
	"slices"
	"sync"

	"tailpoke/patcher/protocol"
)

// keepCalls is how many calls before a finding are kept. The fault is in the last ones.
const keepCalls = 48

// calls are the last calls that the mutator made, and what the keys held before them.
type calls struct {
	mu     sync.Mutex
	before []int // by key: an index of a program, or None
	last   protocol.Script
}

// note adds a call.
func (c *calls) note(call protocol.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) == keepCalls {
		switch old := c.last[0]; old.Kind {
		case protocol.Put:
			c.before[old.Key] = old.Prog
		case protocol.Delete:
			c.before[old.Key] = None
		}
		c.last = slices.Delete(c.last, 0, 1)
	}
	c.last = append(c.last, call)
}

// script makes the same calls from empty keys on.
func (c *calls) script() protocol.Script {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out protocol.Script
	for key, holds := range c.before {
		if holds != None {
			out = append(out, protocol.Call{Kind: protocol.Put, Key: key, Prog: holds})
		}
	}
	return append(out, c.last...)
}
