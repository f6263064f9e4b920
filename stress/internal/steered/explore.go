package steered

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tailpoke/internal/vm"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
	"tailpoke/stress/report"
)

// Options says what is explored.
type Options struct {
	Machine   vm.Options
	Subject   protocol.Subject // the kernel's
	Sleepable bool             // callers are, in the place of those that are not
	Callers   []string         // by where the site lies: [inside.Sub] and [inside.Entry]; nil: both
	Readers   int              // at once at most: 1 or 2
	// Ops are the operations, each by itself; nil: all, and any two of them one after the other.
	Ops []protocol.OpKind
	// Whole leaves no schedule out that another one stands for, and holds readers at every instruction.
	Whole    bool
	Progress func(taken int) // after each schedule
}

// Bounds of what is explored.
const (
	// MaxReaders is how many readers there are at once.
	MaxReaders = 2
	// programs is how many a key may be given, in the model's shape.
	programs = 4
)

// Result is what was seen.
type Result struct {
	report.SteeredCounts
	Guest  report.Guest
	Broken []*Broken
	Bound  string // within which the kernel was taken through everything
	// Ended says why not all was taken; "" if it was.
	Ended string
}

// Broken is a schedule in which a property was broken.
type Broken struct {
	Property protocol.Property
	Caller   string
	Ops      string
	Schedule string
	Text     string
	Log      []string
	Count    int // schedules that end like this
	Witness  *witness.Witness
}

// explorer goes through everything.
type explorer struct {
	Options
	machine *machine
	res     *Result
}

// Run takes a kernel through its schedules. The error says that nothing can be said of it; if ctx ends,
// the result is what was seen until then.
func Run(ctx context.Context, o Options) (*Result, error) {
	o.Subject.Shape = protocol.Shape{Threads: 1, Sites: 1, Programs: programs, Keys: 1}
	m, err := open(ctx, o.Machine)
	if err != nil {
		return nil, err
	}
	o.Readers = min(o.Readers, MaxReaders, len(m.readers))
	x := &explorer{Options: o, machine: m, res: &Result{Guest: *m.vm.Guest()}}
	defer func() { _ = x.machine.close() }()
	x.res.Release, x.res.Refused, x.res.Waits = m.facts.Release, map[string]string{}, map[string]int{}
	for name, why := range m.facts.Refused {
		if strings.HasPrefix(name, inside.Sleeps) == o.Sleepable {
			x.res.Refused[name] = why
		}
	}
	x.res.Guest.Release = m.facts.Release
	x.res.Bound = x.bound()
	err = x.all(ctx)
	x.res.Moves += x.machine.moves
	if err != nil && ctx.Err() != nil {
		x.res.Ended, err = context.Cause(ctx).Error(), nil
	}
	if errors.Is(err, errEmulator) {
		x.res.Ended, err = err.Error(), nil
	}
	return x.res, err
}

func (x *explorer) all(ctx context.Context) error {
	for readers := 1; readers <= x.Readers; readers++ {
		for i := range x.machine.facts.Callers {
			c := &x.machine.facts.Callers[i]
			if c.Sleepable != x.Sleepable || x.Callers != nil && !slices.Contains(x.Callers, whereOf(c)) {
				continue
			}
			for _, w := range works(c, x.Ops) {
				if readers > 1 && len(w.gives) > 1 {
					continue
				}
				if err := x.work(ctx, w, readers); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// whereOf says where a caller's site lies.
func whereOf(c *inside.Caller) string { return strings.TrimPrefix(c.Name, inside.Sleeps) }

// works are the operations that are explored on a caller's key.
func works(c *inside.Caller, ops []protocol.OpKind) (out []work) {
	for _, w := range []work{
		{c, none, []int{0}}, {c, 0, []int{1}}, {c, 0, []int{none}},
		{c, none, []int{0, 1}}, {c, none, []int{0, none}}, {c, 0, []int{1, 2}}, {c, 0, []int{1, none}}, {c, 0, []int{none, 1}},
	} {
		if ops == nil || len(w.gives) == 1 && slices.ContainsFunc(ops, func(k protocol.OpKind) bool { return k.String() == w.String() }) {
			out = append(out, w)
		}
	}
	return out
}

// work takes all schedules of some operations.
func (x *explorer) work(ctx context.Context, w work, readers int) error {
	places := placesOf(w.caller)
	if x.Whole && readers == 1 {
		var err error
		if places, err = x.machine.everywhere(ctx, w.caller); err != nil {
			return err
		}
	}
	p, err := newPlan(x.Subject, w, readers, places)
	if err != nil {
		return err
	}
	p.whole = x.Whole
	start := time.Now()
	t := &table{report.SteeredCase{Caller: w.caller.Name, Ops: w.String(), Readers: readers}}
	err = p.each(func(s schedule) (*cell, error) {
		c, err := x.schedule(ctx, w, s)
		if err != nil {
			return nil, fmt.Errorf("%s, %v, %v: %w", w.caller.Name, w, s, err)
		}
		t.set(s, c.letter)
		return c, nil
	}, func(s schedule, stuck *cell) {
		if stuck == nil {
			x.res.Left++
			t.set(s, letterSame)
			return
		}
		x.impossible(stuck)
		t.set(s, letterBlocked)
	})
	t.Rows = slices.DeleteFunc(t.Rows, func(r report.SteeredRow) bool { return strings.Trim(r.Cells, string(rune(letterSame))) == "" })
	t.Seconds = time.Since(start).Seconds()
	x.res.Cases = append(x.res.Cases, t.SteeredCase)
	return err
}

// schedule takes one schedule, and counts what came of it.
func (x *explorer) schedule(ctx context.Context, w work, s schedule) (*cell, error) {
	c, once, faults, err := certain(
		func() (*cell, error) { return x.machine.take(ctx, x.Subject, w, s) },
		func() error { return x.restart(ctx, w.caller) })
	x.res.Emulator += faults
	if err != nil {
		return nil, err
	}
	if once != "" {
		x.res.Once = append(x.res.Once, fmt.Sprintf("%s, %v, %v: %s", w.caller.Name, w, s, once))
	}
	if c.blocked != "" {
		x.impossible(c)
	} else {
		x.res.Schedules++
	}
	x.judge(w, c)
	if c.ruined {
		if err := x.restart(ctx, w.caller); err != nil {
			return nil, err
		}
	}
	if x.Progress != nil {
		x.Progress(x.res.Schedules + x.res.Impossible)
	}
	return c, nil
}

// impossible counts a schedule that the kernel does not allow.
func (x *explorer) impossible(c *cell) {
	x.res.Impossible++
	x.res.Waits[c.blocked]++
	if c.alone {
		x.res.Alone++
	}
}

// judge notes what a schedule broke. Those that end alike are one.
func (x *explorer) judge(w work, c *cell) {
	b := &Broken{Caller: w.caller.Name, Ops: w.String(), Schedule: c.schedule.String(), Count: 1, Witness: c.witness}
	switch {
	case c.died != nil:
		b.Property, b.Text, b.Log = protocol.KernelLives, c.died.Fault.Line, c.died.Fault.Log
	case c.differs != "":
		b.Property, b.Text = protocol.Conformance, c.differs
	case c.broken != "":
		b.Property, b.Text = c.broken, c.witness.Text
	default:
		return
	}
	for _, o := range x.res.Broken {
		if o.Property == b.Property && o.Caller == b.Caller && o.Ops == b.Ops && (b.Property != protocol.Conformance || o.Text == b.Text) {
			o.Count++
			return
		}
	}
	x.res.Broken = append(x.res.Broken, b)
}

// bound says within which bounds everything is explored.
func (x *explorer) bound() string {
	kind, ops, readers := "callers", "any operation, and any two", "one reader"
	if x.Sleepable {
		kind = "sleepable callers"
	}
	if x.Ops != nil {
		ops = x.Ops[0].String()
	}
	if x.Readers > 1 {
		readers = "one reader, and two"
	}
	return fmt.Sprintf("%s, each held once; %s, %s; fetches are coherent", readers, kind, ops)
}

// restart goes on in another machine.
func (x *explorer) restart(ctx context.Context, c *inside.Caller) error {
	x.res.Restart++
	x.res.Moves += x.machine.moves
	m, err := x.machine.again(ctx)
	if err != nil {
		return err
	}
	x.machine = m
	if i := slices.IndexFunc(m.facts.Callers, func(o inside.Caller) bool { return o.Name == c.Name }); i < 0 || !slices.Equal(m.facts.Callers[i].Funcs, c.Funcs) {
		return errors.New("the machine that was begun anew is another one")
	}
	return nil
}

// A table has the letters of all schedules.
type table struct{ report.SteeredCase }

// set puts a letter at its place. Those of a row come in order.
func (t *table) set(s schedule, letter byte) {
	rows := t.Rows
	if n := len(rows); n == 0 || rows[n-1].Places != s.held() || rows[n-1].Entered != s.from {
		t.Rows = append(rows, report.SteeredRow{Places: s.held(), Entered: s.from, First: s.to})
	}
	last := &t.Rows[len(t.Rows)-1]
	last.Cells += string(letter)
}
