package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
)

// fake is an engine that notes what it is told, and an oracle that says what it was asked.
type fake struct {
	driver   *Driver
	calls    []string
	ops      []Op
	asked    [][][]int
	bad      bool
	ignorant int                                        // the question that the oracle does not answer, from 1
	err      error                                      // of every operation
	after    func(context.Context, protocol.Call) error // a random call
}

func (f *fake) say(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) Before()       { f.say("before") }
func (f *fake) Load() error   { f.say("load"); return nil }
func (f *fake) Unload() error { f.say("unload"); return nil }
func (f *fake) Bad() bool     { return f.bad }

func (f *fake) Operate(op Op) error {
	f.say("%v %d %d", op.Kind, op.Key, op.Prog)
	f.ops = append(f.ops, op)
	return f.err
}

func (f *fake) After(ctx context.Context, c protocol.Call) error { return f.after(ctx, c) }

func (f *fake) Outcomes() []Outcome   { return nil }
func (f *fake) Written() (lo, hi int) { return 0, 0 }
func (f *fake) Legal(held [][]int) (uint64, error) {
	var copied [][]int
	for _, h := range held {
		copied = append(copied, slices.Clone(h))
	}
	f.asked = append(f.asked, copied)
	if len(f.asked) == f.ignorant {
		return 0, errIgnorant
	}
	return uint64(len(f.asked)), nil
}

var errIgnorant = errors.New("nobody knows")

func newFake(c Config, keys, programs int) *fake {
	f := &fake{}
	c.Keys, c.Oracle = make([]protocol.Key, keys), f
	f.driver = NewDriver(&c, programs, 1, f)
	f.driver.Start()
	return f
}

func script(t *testing.T, text string) protocol.Script {
	t.Helper()
	s, err := protocol.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScript: what a call does depends on what the key holds; the oracle is asked for what holds
// during an operation and after it.
func TestScript(t *testing.T) {
	f := newFake(Config{Script: script(t, `
		unload
		delete 0
		put 0 1
		put 1 0
		put 0 2
		delete 0
		load
		load
		unload
		put 0 0
		delete 0`)}, 2, 3)
	if err := f.driver.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	calls := slices.DeleteFunc(slices.Clone(f.calls), func(s string) bool { return s == "before" })
	want := []string{
		"install 0 1", "install 1 0", "update 0 2", "remove 0 -1", "load", "load", "unload", "install 0 0", "remove 0 -1",
	}
	if !slices.Equal(calls, want) || len(f.calls) != len(want)+11 {
		t.Errorf("did %q, want %q", f.calls, want)
	}
	asked := "[[-1 1] [-1]] [[1] [-1]] [[1] [-1 0]] [[1] [0]] [[1 2] [0]] [[2] [0]] [[2 -1] [0]] [[-1] [0]] [[-1 0] [0]] [[0] [0]] [[0 -1] [0]] [[-1] [0]]"
	if got := strings.Trim(fmt.Sprint(f.asked), "[]"); got != strings.Trim(asked, "[]") {
		t.Errorf("asked for %s\nwant      %s", got, asked)
	}
	for i, op := range f.ops {
		if op.During != uint64(2*i+1) || op.After != uint64(2*i+2) {
			t.Errorf("operation %d: legal %d, then %d", i, op.During, op.After)
		}
	}
	if r := f.driver.Counts(); len(r.Script) != 0 {
		t.Errorf("without a finding: calls %v", r.Script)
	}
	f.driver.NoteFinding()
	r := f.driver.Counts()
	if n := len(r.Script); n == 0 || r.Script[n-1].String() != "delete 0" {
		t.Errorf("with a finding: calls %v", r.Script)
	}
	if r.Installs != 3 || r.Updates != 1 || r.Removes != 2 || r.Cycles != 1 || r.Loads != 1 {
		t.Errorf("%+v", r)
	}
	if f.driver.Holds(0) != None || f.driver.Holds(1) != 0 {
		t.Errorf("key 0 holds %d, key 1 %d", f.driver.Holds(0), f.driver.Holds(1))
	}
	if p := r.Progress(); p.Operations != 6 || p.Cycles != 1 {
		t.Errorf("%+v", p)
	}
}

// TestFailedOperation: an operation that fails has not happened.
func TestFailedOperation(t *testing.T) {
	f := newFake(Config{Script: script(t, "put 0 0\nput 0 1")}, 1, 2)
	f.err = errors.New("no")
	if err := f.driver.Run(context.Background()); !errors.Is(err, f.err) || len(f.ops) != 1 {
		t.Errorf("%v after %v", err, f.ops)
	}
	if r := f.driver.Counts(); r.Installs != 0 || f.driver.Holds(0) != None {
		t.Errorf("%+v, the key holds %d", r, f.driver.Holds(0))
	}
	f = newFake(Config{Duration: time.Hour}, 1, 2)
	f.err = errors.New("no")
	f.after = func(context.Context, protocol.Call) error { panic("nothing was done that anything comes after") }
	if err := f.driver.Run(context.Background()); !errors.Is(err, f.err) || len(f.ops) != 1 {
		t.Errorf("random calls: %v after %v", err, f.ops)
	}
	if err := f.driver.Burst(context.Background(), 0, time.Hour, func() bool { return len(f.ops) < 9 }); !errors.Is(err, f.err) || len(f.ops) != 2 {
		t.Errorf("burst: %v after %v", err, f.ops)
	}
}

// TestOracleFails: an operation of which nobody knows what is legal, during it or after it, is not
// carried out.
func TestOracleFails(t *testing.T) {
	for n := range 2 {
		f := newFake(Config{Script: script(t, "put 0 0")}, 1, 1)
		f.ignorant = 1 + n
		if err := f.driver.Run(context.Background()); !errors.Is(err, errIgnorant) || len(f.ops) != 0 {
			t.Errorf("question %d: %v after %v", n, err, f.ops)
		}
	}
}

// TestRandomCalls: random calls take every key through installs, updates to every other program and
// removes that follow an update, as the seed says.
func TestRandomCalls(t *testing.T) {
	run := func(seed uint64, programs int) []Op {
		f := newFake(Config{Seed: seed, Duration: time.Hour}, 2, programs)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		f.after = func(context.Context, protocol.Call) error {
			if len(f.ops) == 1000 {
				cancel()
			}
			return nil
		}
		if err := f.driver.Run(ctx); err != nil {
			t.Fatal(err)
		}
		r := f.driver.Counts()
		if r.Cycles != r.Removes || r.Cycles == 0 {
			t.Errorf("%d programs: %d removes, %d cycles", programs, r.Removes, r.Cycles)
		}
		return f.ops
	}
	ops := run(1, 3)
	held := [2]int{None, None}
	seen := map[[2]int]bool{} // from one program to another
	for i, op := range ops {
		from := held[op.Key]
		if op.Prog == from && op.Kind == protocol.Update {
			t.Fatalf("operation %d gives key %d the program %d that it holds", i, op.Key, from)
		}
		seen[[2]int{from, op.Prog}] = true
		held[op.Key] = op.Prog
	}
	if len(seen) != 12 { // three installs, three removes, six updates
		t.Errorf("%d different changes of a key: %v", len(seen), seen)
	}
	if !slices.Equal(ops, run(1, 3)) || slices.Equal(ops, run(2, 3)) {
		t.Error("operations are not what the seed makes them")
	}
	run(1, 1) // with one program an update gives it again
}

// TestBurst: a burst goes round the programs until it is stopped.
func TestBurst(t *testing.T) {
	f := newFake(Config{Script: script(t, "put 0 1"), StopAtFirst: true}, 1, 3)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	burst := func(long time.Duration, more func() bool) (n int) {
		t.Helper()
		before := len(f.ops)
		if err := f.driver.Burst(ctx, 0, long, more); err != nil {
			t.Fatal(err)
		}
		return len(f.ops) - before
	}
	if err := f.driver.Run(ctx); err != nil {
		t.Fatal(err)
	}
	left := 4
	four := func() bool { left--; return left >= 0 }
	if n := burst(time.Hour, four); n != 4 {
		t.Errorf("%d updates, want 4", n)
	}
	for i, want := range []int{1, 2, 0, 1, 2} {
		if f.ops[i].Prog != want {
			t.Errorf("operation %d gives %d, want %d", i, f.ops[i].Prog, want)
		}
	}
	always := func() bool { return true }
	if n := burst(0, always); n != 0 {
		t.Errorf("%d updates in no time", n)
	}
	f.bad = true
	if n := burst(time.Hour, always); n != 0 {
		t.Errorf("%d updates after a finding", n)
	}
	f.bad = false
	cancel()
	if n := burst(time.Hour, always); n != 0 {
		t.Errorf("%d updates after the end", n)
	}
}

// TestNoOracle: without an oracle nothing is known, and all goes on.
func TestNoOracle(t *testing.T) {
	f := newFake(Config{Script: script(t, "put 0 0")}, 1, 1)
	f.driver.c.Oracle = nil
	if legal, err := f.driver.Idle(); legal != 0 || err != nil {
		t.Errorf("%d, %v", legal, err)
	}
	if err := f.driver.Run(context.Background()); err != nil || f.ops[0].During != 0 {
		t.Errorf("%v, %v", f.ops, err)
	}
}

func TestCheck(t *testing.T) {
	good := Config{Keys: make([]protocol.Key, 2), Duration: time.Second}
	if err := good.Check(1); err != nil {
		t.Error(err)
	}
	for want, tc := range map[string]struct {
		programs int
		change   func(*Config)
	}{
		"programs and keys":       {0, func(c *Config) {}},
		"needs programs and keys": {1, func(c *Config) { c.Keys = nil }},
		"a duration or a script":  {1, func(c *Config) { c.Duration = 0 }},
		"call 2 of the script":    {1, func(c *Config) { c.Script = script(t, "put 1 0\nput 1 1") }},
		"there are 2 keys":        {1, func(c *Config) { c.Script = script(t, "delete 2") }},
	} {
		c := good
		tc.change(&c)
		if err := c.Check(tc.programs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestCheckNamesTheCall: calls are counted from 1.
func TestCheckNamesTheCall(t *testing.T) {
	c := Config{Keys: make([]protocol.Key, 1), Script: script(t, "put 0 0\nput 1 0\n")}
	if err := c.Check(1); err == nil || err.Error() != "call 2 of the script (put 1 0): there are 1 keys and 1 programs" {
		t.Error(err)
	}
}
