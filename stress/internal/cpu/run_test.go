package cpu

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// config has threads, sites and two programs; a script goes before everything that is random.
func config(t *testing.T, threads, sites int, script string) Config {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Threads: threads, Sites: sites, Programs: 2, Keys: 1}
	w, err := workload.Generate(s.Shape, false)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Config: live.Config{Keys: w.Keys, Seed: 1}, Subject: s, Layout: &jit.V510, Entry: w.Entry,
		Programs: w.Programs, Maps: w.Maps, Ctx: w.Context.Bytes, Packet: w.Context.Packet,
	}
	if c.Oracle, err = w.Oracle(t.Context(), c.Layout, w.Context); err != nil {
		t.Fatal(err)
	}
	if c.Script, err = protocol.ParseScript(script); err != nil {
		t.Fatal(err)
	}
	return c
}

func run1(t *testing.T, c Config) *Result {
	t.Helper()
	res, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// recorded has everything recorded but the events of bursts.
func recorded(c *Config) *[]protocol.Item {
	var items []protocol.Item
	c.Trace = func(some []protocol.Item) { items = append(items, some...) }
	return &items
}

// TestScriptIsCarriedOut counts what a script does on two sites, and compares the events.
func TestScriptIsCarriedOut(t *testing.T) {
	c := config(t, 2, 2, "put 0 0\nput 0 1\nput 0 0\nload\ndelete 0\nunload\ndelete 0\nput 0 1\n")
	items := recorded(&c)
	r := run1(t, c)
	if r.Bad != 0 || len(r.Findings) != 0 {
		t.Fatalf("%+v", r.Findings)
	}
	got := [...]uint64{r.Installs, r.Updates, r.Removes, r.Cycles, r.Loads}
	if want := [...]uint64{2, 2, 1, 1, 1}; got != want {
		t.Errorf("installs, updates, removes, cycles and loads %v, want %v", got, want)
	}
	// Installs poke two slots, updates one, removes two; of two sites, and the remove of the
	// copy's two as well, which its load has poked to the jump and open.
	if want := uint64(2*4 + 2*2 + 8); r.Pokes != want {
		t.Errorf("%d pokes, want %d", r.Pokes, want)
	}
	if r.Waits != 4 { // of the remove, for each of four sites
		t.Errorf("%d waits", r.Waits)
	}
	var text strings.Builder
	for _, it := range *items {
		if s, _, _ := strings.Cut(it.String(), " at "); !strings.Contains(s, "poked") {
			fmt.Fprintln(&text, strings.TrimRight(s, "0123456789"))
		}
	}
	want := `key 0 has 2 sites
key 0 install called p
key 0 install published
key 0 install returned
key 0 update called p
key 0 update published
key 0 update retired
key 0 update returned
key 0 update called p
key 0 update published
key 0 update retired
key 0 update returned
key 0 has 4 sites
key 0 remove called
key 0 remove published
key 0 remove waited site 
key 0 remove waited site 
key 0 remove waited site 
key 0 remove waited site 
key 0 remove retired
key 0 remove returned
key 0 has 2 sites
key 0 install called p
key 0 install published
key 0 install returned
`
	if text.String() != want {
		t.Errorf("trace\n%swant\n%s", &text, want)
	}
	if r.Trace == nil || r.Trace.Events == 0 || r.FirstSeconds != 0 || r.Seconds <= 0 {
		t.Errorf("%+v, first %v of %v s", r.Trace, r.FirstSeconds, r.Seconds)
	}
}

// TestRunForAWhile runs random operations: everything happens, and is shown as it goes on.
func TestRunForAWhile(t *testing.T) {
	restore, err := rcu.Elevate()
	if err == nil {
		restore()
	}
	grants := err == nil // the machine grants real-time priorities
	for _, noBoost := range []bool{false, true} {
		c := config(t, 3, 1, "")
		c.NoBoost, c.Duration = noBoost, 1500*time.Millisecond
		var seen []report.Progress
		c.Progress = func(p report.Progress) { seen = append(seen, p) }
		r := run1(t, c)
		if r.Bad != 0 || r.Installs == 0 || r.Updates == 0 || r.Removes == 0 || r.Cycles == 0 || r.Cycles > r.Removes || r.Loads == 0 || r.Waits == 0 || r.Traps == 0 {
			t.Errorf("no boost %v: %+v", noBoost, r)
		}
		if r.Skips == 0 || r.Tails == 0 || r.Skips+r.Tails != r.Executions || r.LateTraps > r.Traps {
			t.Errorf("no boost %v: %d skips and %d tails of %d", noBoost, r.Skips, r.Tails, r.Executions)
		}
		o := r.Overlaps
		if sum := o.Install + o.Update + o.Remove + o.Several; sum == 0 || sum > r.Executions {
			t.Errorf("overlaps %+v of %d", o, r.Executions)
		}
		if r.Boosted != (grants && !noBoost) || noBoost && r.Boosts != 0 {
			t.Errorf("no boost %v: boosted %v, %d boosts in %d waits", noBoost, r.Boosted, r.Boosts, r.Waits)
		}
		if len(seen) == 0 || seen[0].Executions == 0 || seen[0].Operations == 0 || seen[0].Traps == 0 || seen[0].Executions > r.Executions {
			t.Errorf("progress %+v", seen)
		}
		if r.Seconds < 1.5 {
			t.Errorf("it took %v s", r.Seconds)
		}
		if r.Updates < 2*r.Installs { // random calls alone are 1.3 updates for each install
			t.Errorf("%d updates and %d installs: there are no bursts", r.Updates, r.Installs)
		}
		v := r.Verdict()
		if v.PatcherCounts == nil || v.PatcherCounts.Pokes != r.Pokes {
			t.Errorf("verdict %+v", v)
		}
	}
}

// TestStopsAtTheFirstFinding has a protocol that is wrong. The class is what the zoo says, and a
// run that stops at the first finding ends long before its time.
func TestStopsAtTheFirstFinding(t *testing.T) {
	for name, class := range map[string]live.Class{"no-grace": live.ClassA, "free-on-update": live.ClassUAF} {
		m, err := protocol.MutantByName(name)
		if err != nil {
			t.Fatal(err)
		}
		c := config(t, 3, 1, "")
		if c.Subject, err = m.Apply(c.Subject); err != nil {
			t.Fatal(err)
		}
		c.Duration, c.StopAtFirst = time.Minute, true
		r := run1(t, c)
		if !r.Boosted && len(r.Findings) == 0 {
			t.Skip("no real-time priorities: needs a descheduled thread")
		}
		if len(r.Findings) == 0 || r.Bad == 0 || r.Seconds > 50 || r.FirstSeconds == 0 || r.FirstSeconds > r.Seconds {
			t.Fatalf("%s: %+v", name, r)
		}
		if f := r.Findings[0]; f.Class != class || f.Thread < 0 || f.Thread > 2 || f.Count == 0 {
			t.Errorf("%s: %+v, want class %s", name, f, class)
		}
	}
}

// TestWhatARunNeeds leaves out what there must be.
func TestWhatARunNeeds(t *testing.T) {
	for want, set := range map[string]func(c *Config){
		"a run needs programs and keys":                                                 func(c *Config) { c.Programs = nil },
		"a run needs a duration or a script":                                            func(c *Config) { c.Script = nil },
		"map m: keys of 0 bytes: an array's have 4":                                     func(c *Config) { c.Data = map[string]host.MapSpec{"m": {}} },
		`no key 1 in map "jmp_table"`:                                                   func(c *Config) { c.Keys = []protocol.Key{{Map: "jmp_table", Index: 1}} },
		`no key 0 in map "other"`:                                                       func(c *Config) { c.Keys = []protocol.Key{{Map: "other"}} },
		`entry: insn 7 (LoadMapPtr dst: r2 fd: 0 <jmp_table>): unknown map "jmp_table"`: func(c *Config) { c.Maps, c.Keys = map[string]int{"other": 1}, []protocol.Key{{Map: "other"}} },
	} {
		c := config(t, 1, 1, "put 0 0\n")
		set(&c)
		if _, err := Run(t.Context(), c); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestCancelled ends before its first call.
func TestCancelled(t *testing.T) {
	c := config(t, 1, 1, "put 0 0\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Run(ctx, c)
	if err != nil || r.Installs != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestProcs: programs that call helpers need threads that run Go code.
func TestProcs(t *testing.T) {
	c := config(t, 5, 1, "put 0 0\n")
	if n := c.procs(); n != 0 {
		t.Errorf("%d threads for programs without calls", n)
	}
	calls := *c.Programs[1]
	calls.Calls = make([]jit.HelperCall, 1)
	c.Programs = slices.Clone(c.Programs)
	c.Programs[1] = &calls
	if n := c.procs(); n < 6 {
		t.Errorf("%d threads for 5 that call helpers", n)
	}
}

// TestKeysInAnotherOrder: keys are named by their places in the configuration, wherever they lie in
// their map, and a program that two of them hold is loaded once.
func TestKeysInAnotherOrder(t *testing.T) {
	c := config(t, 1, 2, "put 0 0\nput 1 0\nput 1 1\ndelete 1\ndelete 0\n")
	s := c.Subject.Shape
	s.Keys = 2
	w, err := workload.Generate(s, false)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(w.Keys)
	c.Entry, c.Programs, c.Maps, c.Keys = w.Entry, w.Programs, w.Maps, w.Keys
	if c.Oracle, err = w.Oracle(t.Context(), c.Layout, w.Context); err != nil {
		t.Fatal(err)
	}
	items := recorded(&c)
	if r := run1(t, c); r.Bad != 0 || r.Installs != 2 || r.Updates != 1 || r.Removes != 2 {
		t.Errorf("%+v", r)
	}
	var keys []int
	progs := map[int]int{}
	for _, it := range *items {
		if it.Kind == protocol.Happened && it.Event.Kind == protocol.Published {
			keys = append(keys, it.Key)
		}
		if it.Kind == protocol.Happened && it.Event.Kind == protocol.Called && it.Op.Gives() {
			progs[it.Prog]++
		}
		if it.Kind == protocol.Has && it.Most != 1 {
			t.Errorf("%v: each key has one site", it)
		}
	}
	if !slices.Equal(keys, []int{0, 1, 1, 1, 0}) {
		t.Errorf("keys %v", keys)
	}
	if len(progs) != 2 {
		t.Errorf("programs %v: one was given twice, the other once", progs)
	}
}

// TestPaces: an operation is brisk or dwells, by chance, and is followed by a burst now and then.
func TestPaces(t *testing.T) {
	r := loaded(t)
	seen := map[pace]int{}
	for range 100 {
		r.Before()
		seen[pace(r.pace.Load())]++
	}
	if seen[brisk] < 20 || seen[dwells] < 20 || seen[bursts] != 0 {
		t.Errorf("paces %v", seen)
	}
	tears, err := protocol.ParseMethod("method m\n bytes; sync")
	if err != nil {
		t.Fatal(err)
	}
	r.Subject.Method = tears
	for range 20 {
		if r.Before(); !r.paceIs(brisk) {
			t.Error("dwells, under a method that may tear")
		}
	}
	c := config(t, 1, 1, "")
	c.Duration = 700 * time.Millisecond
	items := recorded(&c)
	if res := run1(t, c); res.Trace.Omitted == 0 && res.Updates < 1000 {
		t.Errorf("no bursts: %d updates, %+v, %d items", res.Updates, res.Trace, len(*items))
	}
}

// TestProcsDuringARun counts the threads that may run Go code, while programs call helpers.
func TestProcsDuringARun(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	c := config(t, 3, 1, "")
	entry := *c.Entry
	entry.Calls = make([]jit.HelperCall, 1)
	c.Entry, c.Duration = &entry, time.Minute
	during := 0
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	c.Progress = func(report.Progress) { during = runtime.GOMAXPROCS(0); enough() }
	if _, err := Run(ctx, c); err != nil {
		t.Fatal(err)
	}
	if after := runtime.GOMAXPROCS(0); during != before+3 || after != before {
		t.Errorf("%d before, %d during the run, %d after", before, during, after)
	}
}

// TestPatience: a run whose time is over goes on until each kind of operation had executions beside it.
func TestPatience(t *testing.T) {
	c := config(t, 2, 1, "")
	c.Duration, c.Patience = 1, time.Minute
	if v := run1(t, c).Verdict(); v.Verdict != protocol.NotObserved {
		t.Errorf("%s: %s", v.Verdict, v.Reason)
	}
}

// TestBursting: a burst is so many updates, and none more after one that poked nothing.
func TestBursting(t *testing.T) {
	var b bursting
	n := uint64(0)
	for b.more(2 * n) {
		n++
	}
	if n != burstUpdates {
		t.Errorf("%d updates, want %d", n, burstUpdates)
	}
	b = bursting{}
	if !b.more(7) || b.more(7) {
		t.Error("goes on where nothing is poked, or does not begin")
	}
}

// TestObserved: a grace period is timed from the step before it; every so many steps threads are asked
// where they stand.
func TestObserved(t *testing.T) {
	r := loaded(t)
	r.operates.array = r.Arrays["jmp_table"]
	for range lookEvery {
		r.stepped = time.Now().Add(-time.Hour)
		r.observe(protocol.Event{Kind: protocol.Called})
		r.observe(protocol.Event{Kind: protocol.Waited})
	}
	waits := r.driver.Took.Sum()["grace period"]
	if n := len(waits); n == 0 || waits.Bound(n-1) > 60e6 {
		t.Errorf("waits of up to %v us", waits.Bound(len(waits)-1))
	}
	if n := r.near.looked.Load(); r.near.steps != 2*lookEvery || len(r.near.looks) != 1 || !r.near.pending || n != 1 {
		t.Errorf("after %d steps %d threads have been asked, and %d answers taken", r.near.steps, len(r.near.looks), n)
	}
}
