package kernel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

func mustRun(t *testing.T, c Config) *Result {
	t.Helper()
	res, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// runUntil runs for longer and longer, a minute and more at last, until enough has happened: how much
// happens in a second is up to what else the machine does.
func runUntil(t *testing.T, c Config, enough func(*Result) bool) *Result {
	t.Helper()
	for ; ; c.Duration *= 4 {
		res := mustRun(t, c)
		if enough(res) || len(res.Findings) > 0 {
			return res
		}
		if c.Duration > time.Minute {
			t.Fatalf("too little happened in %v: %+v", c.Duration, res)
		}
	}
}

// TestRun: everything happens that the engine is for, and nothing is found.
func TestRun(t *testing.T) {
	res := runUntil(t, rig(t), func(res *Result) bool {
		return !slices.Contains([]uint64{
			res.Executions, res.Checked, res.Installs, res.Updates, res.Removes, res.Cycles, res.Loads, res.Frees, res.Skips,
			res.Tails, res.Overlaps.Install, res.Overlaps.Update, res.Overlaps.Remove,
		}, 0)
	})
	if len(res.Findings) > 0 || res.Bad > 0 {
		t.Errorf("%d bad executions: %+v", res.Bad, res.Findings)
	}
	if res.Unchecked > res.Checked/10 {
		t.Errorf("%d unchecked beside %d checked", res.Unchecked, res.Checked)
	}
	for op, l := range res.Latencies {
		if l.Count == 0 || l.Median <= 0 || l.Max < l.Median {
			t.Errorf("latency of %s: %+v", op, l)
		}
	}
}

// TestRelease: a prog array that is let go while sites jump to its programs is emptied.
func TestRelease(t *testing.T) {
	if res := runUntil(t, rig(t), func(res *Result) bool { return res.Releases > 0 }); len(res.Findings) > 0 {
		t.Errorf("%d arrays were let go: %+v", res.Releases, res.Findings)
	}
}

// TestPatience: a run whose time is over goes on until each kind of operation had executions beside it.
func TestPatience(t *testing.T) {
	c := rig(t)
	c.Duration, c.Patience = 1, time.Minute
	if v := mustRun(t, c).Verdict(); v.Verdict != protocol.NotObserved {
		t.Errorf("%s: %s", v.Verdict, v.Reason)
	}
}

// TestScript: a script is carried out as it is, and then the run ends.
func TestScript(t *testing.T) {
	c := rig(t)
	var err error
	if c.Script, err = protocol.ParseScript("put 0 0\nload\nput 0 1\nput 1 0\ndelete 0\nunload\ndelete 0\ndelete 1\n"); err != nil {
		t.Fatal(err)
	}
	c.Duration = 0
	res := mustRun(t, c)
	if res.Installs != 2 || res.Updates != 1 || res.Removes != 2 || res.Loads != 1 || res.Bad != 0 {
		t.Errorf("%+v", res)
	}
}

// TestWrongOracle: an oracle that expects the other program finds executions that run a stale one,
// by the checkers and by the callers that do not check themselves.
func TestWrongOracle(t *testing.T) {
	for name, callers := range map[string]int{"checked": 1, "checked and not": 2} {
		t.Run(name, func(t *testing.T) {
			c := rig(t)
			c.Callers, c.StopAtFirst, c.Duration = callers, true, time.Minute
			c.oracle().legal = func(held [][]int) uint64 {
				legal := rigLegal(held)
				return legal&1 | legal&2<<1 | legal&4>>1
			}
			res := mustRun(t, c)
			found(t, res, live.ClassStale)
			if res.Seconds > 40 || res.FirstSeconds == 0 {
				t.Errorf("found after %.3f s, ended after %.3f s", res.FirstSeconds, res.Seconds)
			}
		})
	}
}

// TestMissIsFound: an oracle that allows no falling through finds misses.
func TestMissIsFound(t *testing.T) {
	c := rig(t)
	c.StopAtFirst, c.Duration = true, time.Minute
	c.oracle().legal = func([][]int) uint64 { return 6 }
	found(t, mustRun(t, c), live.ClassMiss)
}

// TestUnknownValueIsFound: so is a value that no path returns.
func TestUnknownValueIsFound(t *testing.T) {
	c := rig(t)
	c.StopAtFirst, c.Duration = true, time.Minute
	c.oracle().outcomes[2].Value = 12345
	found(t, mustRun(t, c), live.ClassRegisters)
}

// TestBehindTheBack: a key that is changed behind the mutator's back is found by what executions
// return.
func TestBehindTheBack(t *testing.T) {
	c := rig(t)
	c.StopAtFirst, c.Duration = true, time.Minute
	c.faults.intrude = func(set func(key, prog int) error) error { return set(0, 1) }
	res := mustRun(t, c)
	if len(res.Findings) == 0 {
		t.Fatalf("nothing was found in %d executions", res.Executions)
	}
	if class := res.Findings[0].Class; class != live.ClassStale && class != live.ClassMiss {
		t.Errorf("class %s", class)
	}
}

// TestLostCanary: a checker that finds one of R6 to R9 changed behind the entry says so. No program
// can lose them but by what this engine looks for, so the checker loses them itself.
func TestLostCanary(t *testing.T) {
	for _, lost := range []asm.Register{asm.R6, asm.R7, asm.R8, asm.R9} {
		c := rig(t)
		c.StopAtFirst, c.Duration = true, time.Minute
		c.faults.checker = losing(lost)
		found(t, mustRun(t, c), live.ClassA)
	}
}

func found(t *testing.T, res *Result, want live.Class) {
	t.Helper()
	if len(res.Findings) == 0 || res.Bad == 0 {
		t.Fatalf("nothing was found in %d executions", res.Executions)
	}
	for _, f := range res.Findings {
		if f.Class == want {
			return
		}
	}
	t.Errorf("found %+v, want class %s", res.Findings, want)
}

// TestStopped: a run ends when its context does.
func TestStopped(t *testing.T) {
	c := rig(t)
	c.Duration = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := Run(ctx, c); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestRefused: what cannot be run is refused with its reason.
func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		unfit      bool
		change     func(*Config)
	}{
		{"no program", "no program \"none\"", false, func(c *Config) { c.Programs = []string{"none"} }},
		{"no key", "no key 9 in a prog array \"progs\"", false, func(c *Config) { c.Keys[1].Index = 9 }},
		{"no keys", "needs programs and keys", false, func(c *Config) { c.Keys = nil }},
		{"no time", "needs a duration or a script", false, func(c *Config) { c.Duration = 0 }},
		{"callers", "65 callers: want 1 to 64", false, func(c *Config) { c.Callers = 65 }},
		{"script", "call 1 of the script", false, func(c *Config) { c.Script = protocol.Script{{Kind: protocol.Delete, Key: 2}} }},
		{"outcomes", "64 different values", true, func(c *Config) { c.oracle().outcomes = make([]live.Outcome, 64) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := rig(t)
			tc.change(&c)
			_, err := Run(context.Background(), c)
			if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, ErrUnsupported) != tc.unfit {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestWrongSite: a watcher that is told the wrong place says that the bytes there are no slot's, and of
// which source line that is.
func TestWrongSite(t *testing.T) {
	c := rig(t)
	c.faults.site, c.StopAtFirst, c.Duration = 1, true, time.Minute
	c.Lines = [][]source.Line{{{Place: source.Place{File: "a.c", Number: 1}}}, {{Place: source.Place{File: "a.c", Number: 2}}}} // a site for each key
	res := mustRun(t, c)
	if res.Watch == nil {
		t.Skipf("nobody watched: %s", res.Unwatched)
	}
	found(t, res, live.ClassBytes)
	for _, f := range res.Findings {
		if f.Class == live.ClassBytes && f.Source != c.Lines[0][0] && f.Source != c.Lines[1][0] {
			t.Errorf("%s is of %v", f.Text, f.Source)
		}
	}
	if res.Seconds > 40 {
		t.Errorf("ended after %.1f s", res.Seconds)
	}
}

// TestOneBadExecution: of the only bad execution everything is kept.
func TestOneBadExecution(t *testing.T) {
	for _, lost := range []bool{false, true} {
		c := rig(t).withDefaults()
		c.Callers = 1
		legal := uint64(6) // falling through is not
		if lost {
			legal = 1
			c.faults.checker = losing(asm.R8)
		}
		l, err := open(&c)
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		if err := errors.Join(l.clock.begin(kindNone, 7), l.clock.begin(kindNone, legal)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.callers[0].Run(c.Input.options(l.entry.Type, 1)); err != nil {
			t.Fatal(err)
		}
		var got tally
		if err := readRows(l.rows, &got); err != nil {
			t.Fatal(err)
		}
		want := record{value: 7, from: 2, to: 2, legal: legal, lost: lost}
		if got.bad != 1 || len(got.records) != 1 || got.records[0] != want {
			t.Errorf("%d bad: %+v, want %+v", got.bad, got.records, want)
		}
	}
}

// losing edits a checker: it loses a register behind the entry.
func losing(r asm.Register) func(asm.Instructions) asm.Instructions {
	return func(insns asm.Instructions) asm.Instructions {
		call := slices.IndexFunc(insns, func(i asm.Instruction) bool { return i.IsFunctionCall() })
		return slices.Insert(insns, call+1, asm.Mov.Imm(r, 1))
	}
}

// TestSharedValue: a value that falling through and a tail call share is not said to be of one of them.
func TestSharedValue(t *testing.T) {
	c := rig(t)
	r := &run{Config: c, loaded: &loaded{clock: newClock(nil)}, bits: map[uint32]uint64{9: 0b11, 8: 0b01, 7: 0b10}}
	for value, says := range map[uint32]string{9: "or having fallen through", 8: "having fallen through", 7: "of a program that the key did not hold"} {
		if f := r.classify(record{value: value}); !strings.Contains(f.Text, says) {
			t.Errorf("%d: %s", value, f.Text)
		}
	}
}
