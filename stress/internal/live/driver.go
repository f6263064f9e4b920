package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// None is the empty key among programs, and no thread among threads.
const None = -1

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
	// MinCycles is how many cycles a run needs that finds nothing: with fewer it is vacuous. A
	// script alone needs none. Patience is how much longer than Duration the run may go on for them.
	MinCycles uint64
	Patience  time.Duration
	// Enough, if set, says whether a run has seen enough beside its cycles.
	Enough func() bool

	// Trace, if set, is given what happened, in order, while the run goes on. It does not keep
	// the slice.
	Trace func([]protocol.Item)
	// Began and Ended, if set, are called around each operation of the mutator.
	Began func(protocol.OpKind)
	Ended func()
	// Progress, if set, is called about once a second. So is Sofar, with the verdict on what was seen
	// until then.
	Progress func(report.Progress)
	Sofar    func(report.Verdict)
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

// Engine carries out what a [Driver] decides.
type Engine interface {
	// Before comes before every call.
	Before()
	// Operate carries an operation out. It says what is legal while it does, and then what is
	// legal after it.
	Operate(Op) error
	// Load loads one more copy of the entry, and Unload takes the last one out.
	Load() error
	Unload() error
	// After comes after every random call: the time for bursts and for rests.
	After(context.Context, protocol.Call) error
	// Bad reports whether there has been a finding, as far as a look tells.
	Bad() bool
}

// An Op is an operation on a key.
type Op struct {
	Kind          protocol.OpKind
	Key           int
	Prog          int    // that the key is given, or None
	During, After uint64 // a bit for each outcome that is legal then
}

// Driver drives an engine. One goroutine, the mutator, drives; counters may be read by all.
type Driver struct {
	Rand *rand.Rand // the mutator's
	Took Durations

	c        *Config
	engine   Engine
	programs int
	keys     []key
	calls    calls   // until there is a finding
	contents [][]int // of the keys, for the oracle
	copies   int     // of the entry

	start      time.Time
	first      atomic.Int64 // nanoseconds after start
	operations [protocol.OpKinds]atomic.Uint64
	cycles     atomic.Uint64
	loads      atomic.Uint64
}

// key is a key as the mutator knows it.
type key struct {
	holds   int  // index of a program, or None
	updated bool // since the last install
}

// NewDriver makes a driver of an engine with so many programs. All keys are empty. The stream tells
// the random numbers of one engine from those of another.
func NewDriver(c *Config, programs int, stream uint64, e Engine) *Driver {
	d := &Driver{
		Rand: rand.New(rand.NewPCG(c.Seed, stream)), c: c, engine: e, programs: programs,
		keys: make([]key, len(c.Keys)), contents: make([][]int, len(c.Keys)),
	}
	for i := range d.keys {
		d.keys[i].holds = None
		d.calls.before = append(d.calls.before, None)
	}
	return d
}

// Start begins to count the time.
func (d *Driver) Start() { d.start = time.Now() }

// Run carries the script out and then random calls, until the time is over or ctx is done.
func (d *Driver) Run(ctx context.Context) error {
	for _, c := range d.c.Script {
		if d.over(ctx) {
			return nil
		}
		if err := d.call(c); err != nil {
			return err
		}
	}
	for d.c.Duration > 0 && !d.over(ctx) {
		c := d.randomCall()
		if err := d.call(c); err != nil {
			return err
		}
		if err := d.engine.After(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Limit bounds the run: the context that it returns ends when the last of its time is over.
func (d *Driver) Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.c.Duration <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d.c.Duration+d.c.Patience)
}

func (d *Driver) over(ctx context.Context) bool {
	return ctx.Err() != nil || d.engine.Bad() && d.c.StopAtFirst ||
		d.c.Duration > 0 && d.c.Patience > 0 && time.Since(d.start) >= d.c.Duration && (d.enough() || d.engine.Bad())
}

func (d *Driver) enough() bool {
	return d.cycles.Load() >= d.c.MinCycles && (d.c.Enough == nil || d.c.Enough())
}

// randomCall walks a random key through install, at least one update, and remove.
func (d *Driver) randomCall() protocol.Call {
	k := d.Rand.IntN(len(d.keys))
	c := protocol.Call{Kind: protocol.Put, Key: k, Prog: d.Rand.IntN(d.programs)}
	if key := &d.keys[k]; key.holds != None {
		if key.updated && d.Rand.IntN(4) != 0 {
			return protocol.Call{Kind: protocol.Delete, Key: k}
		}
		if d.programs > 1 {
			c.Prog = (key.holds + 1 + d.Rand.IntN(d.programs-1)) % d.programs
		}
	}
	return c
}

func (d *Driver) call(c protocol.Call) error {
	if d.first.Load() == 0 {
		d.calls.note(c)
	}
	d.engine.Before()
	switch c.Kind {
	case protocol.Load:
		d.copies++
		return d.engine.Load()
	case protocol.Unload:
		if d.copies == 0 {
			return nil
		}
		d.copies--
		d.Loaded()
		return d.engine.Unload()
	case protocol.Put:
		return d.give(c.Key, c.Prog)
	}
	return d.give(c.Key, None)
}

// Burst updates a key that holds a program, as long as more allows it, for at most so long.
func (d *Driver) Burst(ctx context.Context, k int, long time.Duration, more func() bool) error {
	for end := time.Now().Add(long); time.Now().Before(end) && ctx.Err() == nil && more(); {
		if d.c.StopAtFirst && d.engine.Bad() { // it takes a look at every thread
			return nil
		}
		if err := d.give(k, (d.keys[k].holds+1)%d.programs); err != nil {
			return err
		}
	}
	return nil
}

// give gives a key a program, or takes what it holds if next is None.
func (d *Driver) give(k, next int) error {
	key := &d.keys[k]
	op := Op{Kind: protocol.Update, Key: k, Prog: next}
	switch {
	case key.holds == None && next == None:
		return nil
	case key.holds == None:
		op.Kind = protocol.Install
	case next == None:
		op.Kind = protocol.Remove
	}
	var err error
	if op.During, err = d.legal(k, key.holds, next); err != nil {
		return err
	}
	if op.After, err = d.legal(k, next); err != nil {
		return err
	}
	if d.c.Began != nil {
		d.c.Began(op.Kind)
		defer d.c.Ended()
	}
	if err := d.engine.Operate(op); err != nil {
		return err
	}
	d.operations[op.Kind].Add(1)
	if op.Kind == protocol.Remove && key.updated {
		d.cycles.Add(1)
	}
	key.holds, key.updated = next, op.Kind == protocol.Update
	return nil
}

// Idle is what is legal while no operation is in progress.
func (d *Driver) Idle() (uint64, error) { return d.legal(None) }

// legal asks the oracle what may be returned while key k holds one of the given programs and each
// other key what it holds. Without an oracle nothing is known.
func (d *Driver) legal(k int, programs ...int) (uint64, error) {
	if d.c.Oracle == nil {
		return 0, nil
	}
	for i := range d.keys {
		d.contents[i] = append(d.contents[i][:0], d.keys[i].holds)
		if i == k {
			d.contents[i] = append(d.contents[i][:0], programs...)
		}
	}
	return d.c.Oracle.Legal(d.contents)
}

// Holds is the program that a key holds, or None.
func (d *Driver) Holds(k int) int { return d.keys[k].holds }

// Loaded counts a copy of the entry that came and went.
func (d *Driver) Loaded() { d.loads.Add(1) }

// NoteFinding notes when the first finding came in.
func (d *Driver) NoteFinding() { d.first.CompareAndSwap(0, max(1, int64(time.Since(d.start)))) }
