package affected

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// refusing is what the verifier answers to a program.
func refusing(lines ...string) error {
	return fmt.Errorf("load program: %w", &ebpf.VerifierError{Cause: syscall.EACCES, Log: lines})
}

// TestJudgements hands each judgement what kernels do, those that are not at hand among them.
func TestJudgements(t *testing.T) {
	busy, invalid := error(syscall.EBUSY), error(syscall.EINVAL)
	for _, c := range []struct {
		name string
		got  finding
		want report.Answer
	}{
		{"hierarchy, today", judgeCount(33, 33, "two"), report.HasNot},
		{"hierarchy, 5.10", judgeCount(33, 66, "two"), report.HasFault},
		{"hierarchy, too few", judgeCount(33, 31, "two"), report.HasFault},
		{"hierarchy, no limit at all", judgeCount(34, 66, "two"), report.CannotTell},
		{"unrounded, today", judgeUnrounded(1, 1), report.HasNot},
		{"unrounded, 5.10", judgeUnrounded(1, 0), report.HasFault},
		{"unrounded, no tail call", judgeUnrounded(0, 0), report.CannotTell},
		{"misses, today", judgeMisses(hit, hit), report.HasNot},
		{"misses, 6.1", judgeMisses(hit, 0), report.HasFault},
		{"misses, no tail call", judgeMisses(0, 0), report.CannotTell},
		{"wide key, today", judgeWideKey(42, 42), report.HasNot},
		{"wide key, 4.14", judgeWideKey(42, 2), report.HasFault},
		{"wide key, no tail call", judgeWideKey(1, 2), report.CannotTell},
		{"branches, today", judgeBranches(24, 24, 42), report.HasNot},
		{"branches, one key's program", judgeBranches(24, 24, 24), report.HasFault},
		{"branches, the other's", judgeBranches(24, 42, 42), report.HasFault},
		{"branches, no tail call", judgeBranches(1, 1, 1), report.CannotTell},
		{"stack, today", judgeRefusal(refusing("too large"), "it"), report.HasNot},
		{"stack, accepted", judgeRefusal(nil, "it"), report.HasFault},
		{"stack, no rights", judgeRefusal(fs.ErrPermission, "it"), report.CannotTell},
		{"trampoline, today", judgeTrampoline(33, 33, 34), report.HasNot},
		{"trampoline, endless", judgeTrampoline(33, stopAt, stopAt+1), report.HasFault},
		{"trampoline, early", judgeTrampoline(33, 0, 1), report.HasFault},
		{"trampoline, not traced", judgeTrampoline(33, 33, 0), report.CannotTell},
		{"trampoline, no limit at all", judgeTrampoline(stopAt, stopAt, 9), report.CannotTell},
		{"mix, today", judgeMix(nil, invalid, "it"), report.HasNot},
		{"mix, 6.1", judgeMix(nil, nil, "it"), report.HasFault},
		{"mix, nothing taken", judgeMix(invalid, invalid, "it"), report.NotApplicable},
		{"type, today", judgeType(nil, nil), report.HasNot},
		{"type, 5.10", judgeType(nil, invalid), report.HasFault},
		{"type, nothing taken", judgeType(invalid, invalid), report.CannotTell},
		{"loop, today", judgeLoop(nil, busy, busy), report.HasNot},
		{"loop, 6.12", judgeLoop(nil, nil, nil), report.HasFault},
		{"loop, one order", judgeLoop(nil, nil, busy), report.HasFault},
		{"loop, the other", judgeLoop(nil, busy, nil), report.HasFault},
		{"loop, 5.10", judgeLoop(invalid, invalid, invalid), report.NotApplicable},
		{"update, today", judgeUpdate(nil, nil), report.HasNot},
		{"update, refused", judgeUpdate(nil, invalid), report.HasFault},
		{"update, none taken", judgeUpdate(invalid, invalid), report.NotApplicable},
		{"race, outlived", judgePokeRace(40, enough, 999), report.NotSeen},
		{"race, alone", judgePokeRace(40, enough-1, 999), report.CannotTell},
	} {
		if c.got.answer != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, c.got.answer, c.got.seen, c.want)
		}
		if c.got.seen == "" || strings.Contains(c.got.seen, "%!") {
			t.Errorf("%s: %q", c.name, c.got.seen)
		}
	}
}

// TestOfError: what cannot be loaded is a matter of the kernel's or of rights, and never the fault.
func TestOfError(t *testing.T) {
	for _, c := range []struct {
		err  error
		want report.Answer
		says string
	}{
		{refusing("0: (85) call pc+2", "no tail calls here", "", "processed 3 insns"), report.NotApplicable, "it refuses the experiment's programs: no tail calls here"},
		{fmt.Errorf("load: %w", syscall.EPERM), report.CannotTell, "this process may not load or attach what it takes: operation not permitted"},
		{fmt.Errorf("load: %w", syscall.EINVAL), report.NotApplicable, "it does not know what the experiment takes: load: invalid argument"},
		{fmt.Errorf("attach: %w", ebpf.ErrNotSupported), report.NotApplicable, "it does not know what the experiment takes: attach: not supported"},
		{fmt.Errorf("attach: %w", enotsupp), report.NotApplicable, "it does not know what the experiment takes: attach: errno 524"},
		{fmt.Errorf("load: %w", syscall.EMFILE), report.CannotTell, "too many open files"},
		{errors.New("two\nlines"), report.CannotTell, "two"},
	} {
		if f := ofError(c.err); f.answer != c.want || f.seen != c.says {
			t.Errorf("%v: %s, %q; want %s, %q", c.err, f.answer, f.seen, c.want, c.says)
		}
	}
}

// TestRow: a race that was not seen bounds how often it happens; other rows have no bound.
func TestRow(t *testing.T) {
	f := pokeRace()
	if row := f.row(judgePokeRace(700, 600, 9)); row.Trials != 600 || row.RateMax != 0.005 || row.Confidence != 0.95 || !row.Race {
		t.Errorf("%+v", row)
	}
	if row := f.row(judgePokeRace(1, 1, 9)); row.Trials != 0 || row.RateMax != 0 || row.Confidence != 0 {
		t.Errorf("%+v", row)
	}
}

// TestSleepable: a lost canary is the fault, and a run without one says how often it was tried.
func TestSleepable(t *testing.T) {
	run := func(edit func(*kernel.Result)) finding {
		r := &kernel.Result{}
		r.MinCycles, r.Cycles, r.Removes, r.Overlaps.Remove = 30, 40, 40, 32
		edit(r)
		return judgeSleepable(r)
	}
	if f := run(func(*kernel.Result) {}); f.answer != report.NotSeen || f.trials != 32 {
		t.Errorf("%+v", f)
	}
	if f := run(func(r *kernel.Result) { r.Cycles = 3 }); f.answer != report.CannotTell || f.trials != 0 {
		t.Errorf("%+v", f)
	}
	lost := []live.Finding{{Class: live.ClassA, Text: "returned without its canary"}}
	if f := run(func(r *kernel.Result) { r.Bad, r.Findings = 1, lost }); f.answer != report.HasFault || f.seen != lost[0].Text {
		t.Errorf("%+v", f)
	}
}

// TestWithin: an experiment that the kernel does not let go ends all the same, and an error is a row.
func TestWithin(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	f := (&bench{}).within(time.Millisecond, func(*bench) finding { <-never; return finding{} })
	if f.answer != report.CannotTell || !strings.Contains(f.seen, "did not end") {
		t.Errorf("%+v", f)
	}
	f = (&bench{}).within(time.Minute, func(b *bench) finding { b.must(syscall.EPERM); return has("it") })
	if f.answer != report.CannotTell || !strings.Contains(f.seen, "not permitted") {
		t.Errorf("%+v", f)
	}
	closed := false
	f = (&bench{}).within(time.Minute, func(b *bench) finding {
		b.later(func() error { closed = true; return nil })
		b.must(nil)
		return has("it")
	})
	if f.answer != report.HasFault || !closed {
		t.Errorf("%+v, and what it had was let go: %v", f, closed)
	}
}

// TestFaults: names are of their own, all is said, and what endangers a kernel comes last.
func TestFaults(t *testing.T) {
	seen, endangers := map[string]bool{}, false
	for _, f := range Faults() {
		if f.Name == "" || f.Says == "" || len(f.Origin) != 12 || f.Versions == "" || f.ask == nil || seen[f.Name] {
			t.Errorf("%+v", f)
		}
		if endangers && !f.Endangers {
			t.Errorf("%s comes after what may end the kernel", f.Name)
		}
		seen[f.Name], endangers = true, f.Endangers
	}
	if !endangers {
		t.Error("nothing endangers a kernel")
	}
	if _, err := chosen([]string{"hierarchy", "nonsense"}); err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("an unknown name: %v", err)
	}
	if got, err := chosen([]string{"poke-race", "hierarchy"}); err != nil || strings.Join(namesOf(got), " ") != "hierarchy poke-race" {
		t.Errorf("%v, %v", namesOf(got), err)
	}
}
