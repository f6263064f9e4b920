package sim

import (
	"context"
	"errors"
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

var errTooMany = errors.New("machine: more states than can be named")

// Result is what exploring a subject gives.
type Result struct {
	// Verdict is Safe within Bound, Violated, Bounded or Vacuous; Unsupported with Reason.
	Verdict  protocol.Verdict
	Property protocol.Property // Violated
	Witness  *witness.Witness  // Violated
	Bound    string            // within which all was explored
	Reason   string            // Unsupported, Vacuous, Bounded

	States int // different ones
	Depth  int // steps of the longest of all shortest executions that were explored
	Locals int // different states of a thread by itself
	Counts
}

// Counts are what the steps did, over all transitions.
type Counts struct {
	Transitions int
	Skips       int // a jump over the site was executed
	Tails       int // a jump of a slot into a program was executed
	Traps       int // int3 was fetched
	Answers     int // a handler found its poke going on
	Late        int // a handler found it over, or answers retry
	Loads       int // a pointer of a prog array was loaded
	Overlaps    int // steps of threads during an operation
	Ends        int // the script, or the last operation, was over
}

func (c *Counts) take(s *system, m move, y state) {
	c.Transitions++
	mut := mutatorOf(y[mutatorWord])
	if m.actor == byMutator {
		if mut.op == none && mut.call >= s.calls() {
			c.Ends++
		}
		return
	}
	if mut.op != none {
		c.Overlaps++
	}
	switch m.in.kind() {
	case traps:
		c.Traps++
	case retries:
		c.Late++
	case loads:
		c.Loads++
	case emulate:
		c.Answers++
		c.lead(s, m)
	case fetches:
		c.lead(s, m)
	}
}

// lead counts where an instruction of a slot leads.
func (c *Counts) lead(s *system, m move) {
	switch s.slots[m.slot].wholes[m.in.value()].leads {
	case protocol.ToOut:
		c.Skips++
	case protocol.ToProgram:
		c.Tails++
	}
}

func (c *Counts) add(o *Counts) {
	c.Transitions += o.Transitions
	c.Skips += o.Skips
	c.Tails += o.Tails
	c.Traps += o.Traps
	c.Answers += o.Answers
	c.Late += o.Late
	c.Loads += o.Loads
	c.Overlaps += o.Overlaps
	c.Ends += o.Ends
}

// Check explores every execution of a subject, until one breaks a property. When ctx ends, it
// stops and answers Bounded, or Violated if it saw that by then.
func Check(ctx context.Context, c Config) (*Result, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	s, err := newSystem(&c)
	if no, ok := errors.AsType[*UnsupportedError](err); ok {
		return &Result{Verdict: protocol.Unsupported, Reason: no.Reason}, nil
	}
	if err != nil {
		return nil, err
	}
	e := newExplorer(s, c.Workers, c.MaxStates)
	found, bounded, err := e.run(ctx)
	endless, loops := errors.AsType[*EndlessError](err)
	if err != nil && !loops {
		return nil, err
	}
	r := &Result{
		Verdict: protocol.Safe, Bound: s.bound(),
		States: e.stored(), Depth: e.levels - 1, Locals: len(s.locals),
	}
	for _, w := range e.workers {
		r.Counts.add(&w.counts)
	}
	switch {
	case found.fault != nil:
		r.Verdict, r.Property = protocol.Violated, found.fault.property
		if r.Witness, err = e.witness(found); err != nil {
			return nil, err
		}
	case loops:
		r.Verdict, r.Reason = protocol.Bounded, endless.Error()
	case bounded:
		r.Verdict, r.Reason = protocol.Bounded, fmt.Sprintf("stopped after %d states", r.States)
		if ctx.Err() != nil {
			r.Reason += ": " + context.Cause(ctx).Error()
		}
	case r.Ends == 0 && s.calls() > 0:
		r.Verdict, r.Reason = protocol.Vacuous, "the operations never come to their end"
	case r.Overlaps == 0 && s.calls() > 0:
		r.Verdict, r.Reason = protocol.Vacuous, "no thread executed during an operation"
	case r.Tails+r.Loads == 0:
		r.Verdict, r.Reason = protocol.Vacuous, "no thread took a tail call"
	}
	return r, nil
}

// calls is how many calls there are to make.
func (s *system) calls() int {
	if s.Script == nil {
		return s.MaxOps
	}
	return len(s.Script)
}

// bound says what was explored.
func (s *system) bound() string {
	threads := s.threadsText()
	if s.Script == nil {
		return fmt.Sprintf("%s, any %s", threads, counted(s.MaxOps, "operation"))
	}
	return fmt.Sprintf("%s, a script of %s", threads, counted(len(s.Script), "call"))
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
