package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tailpoke/internal/bundle"
	"tailpoke/internal/state"
	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

func TestMain(m *testing.M) {
	stress.Child() // rounds are children of this binary
	os.Exit(m.Run())
}

// options are those of a soak on one site, with a flavour of grace periods, that keeps its state in a
// folder.
func options(t *testing.T, grace, dir string) Options {
	t.Helper()
	if err := stress.Missing(protocol.CPU); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
	s, w, err := stress.Choice{Sites: 1, Grace: grace, Threads: 2}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	about, text, err := stress.Options{}.Text(s, w)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Subject: s, Workload: w, Every: 100 * time.Millisecond,
		Head: state.Head{Schema: state.Schema, Subject: about, Job: text, Seed: "0x7", Engines: []protocol.Engine{protocol.Model, protocol.CPU}},
		Run:  state.Run{Began: state.Stamp(time.Now()), Tool: report.Tool{Module: "tailpoke"}},
	}
	o.Seed, o.Duration = 7, time.Hour
	if o.State, err = state.Open(dir, func() state.Head { return o.Head }, func(*state.Head) error { return nil }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.State.Close)
	return o
}

// TestGoesOn: a soak that ends when enough is known, and another one on its folder that wants more.
func TestGoesOn(t *testing.T) {
	dir := t.TempDir()
	last, seeds := uint64(0), map[string]bool{}
	for n := range 2 {
		o := options(t, "", dir)
		var err error
		if o.Until, err = ParseUntil(fmt.Sprintf("cycles>=%d", 30*(n+1)+int(last))); err != nil {
			t.Fatal(err)
		}
		d, err := Soak(t.Context(), o)
		o.State.Close()
		if err != nil {
			t.Fatal(err)
		}
		v := d.Of(protocol.CPU)
		if d.Verdict != report.Holds || v.Cycles < last+30 || v.Near == nil || v.Durations["remove"] == nil {
			t.Errorf("%v: %+v", d.Verdict, v)
		}
		last = v.Cycles
		s, err := state.Read(dir)
		if err != nil || len(s.Runs) != n+1 || s.Rounds[len(s.Rounds)-1].How != report.Done {
			t.Fatalf("%v: %+v", err, s)
		}
		for _, r := range s.Rounds {
			seeds[r.Seed] = true
		}
		if len(seeds) != len(s.Rounds) {
			t.Errorf("%d seeds of %d rounds", len(seeds), len(s.Rounds))
		}
	}
}

// roundOf finds the process of a round of this one.
func roundOf(t *testing.T) int {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range tasks {
		text, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				return pid
			}
		}
	}
	t.Error("no round is in progress")
	return 0
}

// TestWatchdog: a process that stands still is ended, its stacks are in a bundle, and the next round
// begins; so it is with one that has too much memory.
func TestWatchdog(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	for kind, odd := range map[report.FindingKind]func(o *Options){
		report.OfHang:   func(o *Options) { o.Silence = 5 * time.Second },
		report.OfMemory: func(o *Options) { o.Memory = 1 << 20 },
	} {
		t.Run(string(kind), func(t *testing.T) {
			dir := t.TempDir()
			o := options(t, "", dir)
			odd(&o)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stopped := false
			o.Tick = func(report.Progress) {
				rounds := len(o.State.Sum.Rounds)
				switch {
				case kind == report.OfHang && !stopped:
					stopped = true
					if pid := roundOf(t); pid != 0 {
						_ = syscall.Kill(pid, syscall.SIGSTOP)
					}
				case rounds > 1: // it went on
					cancel()
				}
			}
			if _, err := Soak(ctx, o); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(o.State.Findings, func(f report.Finding) bool { return f.Kind == kind })
			if i < 0 {
				t.Fatalf("%+v", o.State.Findings)
			}
			b := read(t, dir, o.State.Findings[i].Bundle)
			log := string(b.Files[bundle.Log])
			if !strings.Contains(log, "thread ") || !strings.Contains(log, "goroutine ") || b.Subject == nil || b.Job == nil {
				t.Errorf("%.2000s", log)
			}
		})
	}
}

func read(t *testing.T, dir, name string) *bundle.Bundle {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, state.Bundles, name))
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBundle: a violation's bundle has what shows it again, fewer calls, and nothing of this machine.
func TestBundle(t *testing.T) {
	dir := t.TempDir()
	o := options(t, "sleep", dir)
	o.StopAtFirst = true
	o.Head.Again = "stress soak --state " + dir
	d, err := Soak(t.Context(), o)
	if err != nil || d.Verdict != report.Violated || len(o.State.Findings) == 0 {
		t.Fatalf("%v, %v", err, d.Verdict)
	}
	for _, f := range o.State.Findings {
		b := read(t, dir, f.Bundle)
		for _, name := range []string{bundle.Script, bundle.Shrunk, bundle.Trace} {
			about, seed, err := stress.Choice{}.With(string(b.Files[name]))
			if err != nil || about.Grace != "sleep" || about.Sites+len(about.Object) == 0 || name != bundle.Trace && seed != b.Seed {
				t.Errorf("%s is for %+v with seed %s, %v; the bundle's is %s", name, about, seed, err, b.Seed)
			}
		}
		script, err := protocol.ParseScript(string(b.Files[bundle.Script]))
		if err != nil {
			t.Fatal(err)
		}
		shrunk, err := protocol.ParseScript(string(b.Files[bundle.Shrunk]))
		if err != nil || len(shrunk) == 0 || len(shrunk) > 4 || len(shrunk) >= len(script) {
			t.Errorf("%d calls of %d: %v, %v", len(shrunk), len(script), shrunk, err)
		}
		for _, name := range []string{bundle.Witness, bundle.Trace, bundle.Images + "entry.bin", bundle.Images + "listing.txt"} {
			if len(b.Files[name]) == 0 {
				t.Errorf("no %s", name)
			}
		}
		again, err := stress.Replay(t.Context(), filepath.Join(dir, state.Bundles, f.Bundle))
		if err != nil || again.Verdict != report.Violated {
			t.Errorf("%v: %+v", err, again)
		}
		for name, content := range b.Files {
			if strings.Contains(string(content), dir) || strings.Contains(string(content), filepath.Dir(dir)) {
				t.Errorf("%s names a folder", name)
			}
		}
	}
	counted := slices.Clone(o.State.Findings)
	gone := filepath.Join(dir, state.Bundles, counted[0].Bundle)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	o.State.Close()
	o = options(t, "sleep", dir)
	o.Duration = time.Nanosecond
	if _, err := Soak(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(gone); err != nil || !slices.EqualFunc(counted, o.State.Findings, func(a, b report.Finding) bool { return a.Key == b.Key && a.Count == b.Count }) {
		t.Errorf("a bundle that was gone: %v, %+v", err, o.State.Findings)
	}
}

// TestSmallest: of many calls those stay without which nothing breaks.
func TestSmallest(t *testing.T) {
	var all protocol.Script
	for n := range 48 {
		all = append(all, protocol.Call{Kind: protocol.Put, Key: n % 3, Prog: n % 2})
	}
	all[20], all[31] = protocol.Call{Kind: protocol.Load}, protocol.Call{Kind: protocol.Unload}
	tries := 0
	got := smallest(all, func(s protocol.Script) bool {
		tries++
		load := slices.IndexFunc(s, func(c protocol.Call) bool { return c.Kind == protocol.Load })
		unload := slices.IndexFunc(s, func(c protocol.Call) bool { return c.Kind == protocol.Unload })
		return load >= 0 && unload > load
	})
	if len(got) != 2 || tries > maxTries {
		t.Errorf("%v after %d tries", got, tries)
	}
}

// TestKey: figures make no other finding, and a place does.
func TestKey(t *testing.T) {
	of := func(text string) string {
		return Key(&report.Finding{Engine: protocol.CPU, Kind: report.OfProperty, Property: protocol.NeverA, Class: "a", Text: text})
	}
	lost := "returned %s with rsp off by 0 and the caller's registers lost:%s"
	a, b := of(fmt.Sprintf(lost, "0x12", " rbx=0x0 r13=0x0")), of(fmt.Sprintf(lost, "0x344", " r14=0x7f3e"))
	if a != b {
		t.Error("registers make another finding")
	}
	if of("trapped in freed program p0 at +0xb") == of("trapped in freed program p0 at +0x5d") {
		t.Error("another place is the same finding")
	}
	if of("trapped in freed program p0 at +0xb") != of("trapped in freed program p1 at +0xb") {
		t.Error("a copy of a program makes another finding")
	}
}

// TestUntil: what is a condition, and when it holds.
func TestUntil(t *testing.T) {
	k := Known{Cycles: 100, Executions: 1e6, Seconds: 9, Rate: 0.03}
	for text, want := range map[string]bool{
		"cycles>=100": true, "cycles >= 101": false, "executions>=1e6,rate<=0.03": true, "rate<=0.01": false,
		"seconds>=9,cycles>=1e3": false,
	} {
		u, err := ParseUntil(text)
		if err != nil || u.Holds(k) != want || u.String() != text {
			t.Errorf("%s: %v, %v", text, u.Holds(k), err)
		}
	}
	for _, text := range []string{"", "cycles", "cycles<=5", "rate>=1", "cycles>=", "cycles>=-1", "cycles>=NaN", "x>=1", "cycles>=1,"} {
		if _, err := ParseUntil(text); err == nil {
			t.Errorf("%q is a condition", text)
		}
	}
	if (Until{}).Holds(k) {
		t.Error("no condition holds")
	}
}
