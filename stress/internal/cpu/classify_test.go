package cpu

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

func TestMayTear(t *testing.T) {
	for _, m := range protocol.Methods() {
		if MayTear(m) {
			t.Errorf("%s is built in", m.Name)
		}
	}
	if m, err := protocol.ParseMethod("method m\n bytes; sync"); err != nil || !MayTear(m) {
		t.Errorf("bytes without int3 are held to be whole (%v)", err)
	}
}

// TestEnough: a run waits for as many executions that are known to have been at a tail call as its
// verdict needs, whatever they are known by; where there are none, it does not wait.
func TestEnough(t *testing.T) {
	for _, tc := range []struct {
		tails, traps uint64
		want         bool
	}{{0, 0, true}, {29, 0, false}, {30, 0, true}, {0, 5, false}, {0, 30, true}, {5, 40, true}} {
		res := &Result{Result: live.Result{
			Installs: 30, Updates: 30, Removes: 30, Cycles: 30, MinCycles: 30, Tails: tc.tails,
			Overlaps: report.Overlaps{Install: 1, Update: 1, Remove: 1},
		}}
		if res.Traps = tc.traps; res.enough() != tc.want {
			t.Errorf("%d tail calls, %d traps: enough is %t", tc.tails, tc.traps, !tc.want)
		}
	}
	if (&Result{}).enough() {
		t.Error("a run that has done nothing has done enough")
	}
}

// loaded returns a run that has everything loaded, and executes nothing.
func loaded(t *testing.T) *run {
	t.Helper()
	r := &run{Config: config(t, 1, 1, "put 0 0\n")}
	r.driver = live.NewDriver(&r.Config.Config, len(r.Programs), 1, r)
	if err := r.open(r.observe); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := r.load(); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestClasses has every kind of anomaly that threads can meet with.
func TestClasses(t *testing.T) {
	r := loaded(t)
	gone, err := r.Patcher.Load("gone", r.images[0], patcher.PlaceAny)
	if err != nil {
		t.Fatal(err)
	}
	r.remember(gone)
	gone.Hold()
	r.Patcher.Release(gone)
	free := exec.Off(0)
	for r.locate(free) != nil {
		free += 4096
	}
	entry, code := r.Patcher.Addr(r.entry), r.entry.Image
	bypass, inside := code.Sites[0].Slots[0].Off, patcher.Off(1)
	skip := r.Oracle.Outcomes()[0]
	tail := r.Oracle.Outcomes()[1]
	if skip.Tail {
		skip, tail = tail, skip
	}
	for i, o := range r.Oracle.Outcomes() {
		if !o.Tail {
			skip = r.Oracle.Outcomes()[i]
		}
	}
	canary := [6]uint64{1, 2, 3, 4, 5, 6}
	lost := canary
	lost[1], lost[5] = 0x77, 0x99
	tear, err := protocol.ParseMethod("method m\n bytes; sync")
	if err != nil {
		t.Fatal(err)
	}
	const trap, segv = 5, 11
	for _, tt := range []struct {
		a     exec.Anomaly
		tears bool
		class live.Class
		text  string
	}{
		{exec.Anomaly{Kind: exec.BadRegisters, RAX: 7, Regs: lost, Canary: canary}, false, live.ClassA,
			"returned 0x7 with rsp off by 0 and the caller's registers lost: rbp=0x77 r15=0x99"},
		{exec.Anomaly{Kind: exec.BadRegisters, RAX: 7, RSPOff: -8, Regs: canary, Canary: canary}, false, live.ClassRegisters,
			"returned 0x7 with rsp off by -8"},
		{exec.Anomaly{Kind: exec.BadValue, RAX: 0x1234}, false, live.ClassRegisters, "returned 0x1234, which no path returns"},
		{exec.Anomaly{Kind: exec.BadPhase, RAX: skip.Value, From: 4, To: 4}, false, live.ClassMiss,
			fmt.Sprintf("returned %#x, having fallen through a key that held a program, between operations", skip.Value)},
		{exec.Anomaly{Kind: exec.BadPhase, RAX: skip.Value, From: 3, To: 4}, false, live.ClassMiss,
			fmt.Sprintf("returned %#x, having fallen through a key that held a program, during an operation", skip.Value)},
		{exec.Anomaly{Kind: exec.BadPhase, RAX: tail.Value, From: 4, To: 5}, false, live.ClassStale,
			fmt.Sprintf("returned %#x, which the contents of the keys do not give, during an operation", tail.Value)},
		{exec.Anomaly{Kind: exec.Fault, Signal: exec.Evicted, RIP: 0x99}, false, live.ClassEndless, "was thrown out of its image at 0x99"},
		{exec.Anomaly{Kind: exec.Fault, Signal: segv, RIP: 0x99, Addr: 0x88}, false, live.ClassCrash,
			"SIGSEGV at 0x99, outside every program, address 0x88"},
		{exec.Anomaly{Kind: exec.Fault, Signal: segv, RIP: 0x99, Addr: 0x88}, true, live.ClassTorn,
			"SIGSEGV at 0x99, where no program is: a torn jump leads anywhere"},
		{exec.Anomaly{Kind: exec.Fault, Signal: trap, RIP: r.Arena.Addr(free)}, false, live.ClassUAF,
			fmt.Sprintf("trapped at arena offset %#x, where no program is", free)},
		{exec.Anomaly{Kind: exec.Fault, Signal: segv, RIP: r.Arena.Addr(free), Addr: 9}, false, live.ClassCrash,
			fmt.Sprintf("SIGSEGV at %#x, outside every program, address 0x9", r.Arena.Addr(free))},
		{exec.Anomaly{Kind: exec.Fault, Signal: trap, RIP: r.Patcher.Addr(gone) + 5}, false, live.ClassUAF,
			"trapped in freed program gone at +0x5"},
		{exec.Anomaly{Kind: exec.Fault, Signal: segv, RIP: r.Patcher.Addr(gone), Addr: 9}, false, live.ClassCrash,
			"SIGSEGV in program gone at +0x0, address 0x9"},
		{exec.Anomaly{Kind: exec.Fault, Signal: trap, RIP: entry + uint64(bypass)}, false, live.ClassTorn,
			fmt.Sprintf("SIGTRAP in program entry at +%#x, where a slot is or no instruction begins", bypass)},
		{exec.Anomaly{Kind: exec.Fault, Signal: segv, RIP: entry + uint64(inside)}, false, live.ClassTorn,
			"SIGSEGV in program entry at +0x1, where a slot is or no instruction begins"},
		{exec.Anomaly{Kind: exec.Fault, Signal: segv, RIP: entry, Addr: 3}, false, live.ClassCrash,
			"SIGSEGV in program entry at +0x0, address 0x3"},
		{exec.Anomaly{Kind: exec.Fault, Signal: trap, RIP: entry}, false, live.ClassCrash,
			"SIGTRAP in program entry at +0x0, address 0x0"},
	} {
		r.Subject.Method = protocol.DefaultSubject().Method
		if tt.tears {
			r.Subject.Method = tear
		}
		tt.a.Thread = 3
		if f := r.classify(tt.a); f.Class != tt.class || f.Text != tt.text || f.Thread != 3 || f.Count != 1 {
			t.Errorf("%+v\nis %+v\nwant %s %q", tt.a, f, tt.class, tt.text)
		}
	}
}

// TestProgramsAreRemembered: the last thousand programs are looked up, the newest first, for two may
// have lain at one place.
func TestProgramsAreRemembered(t *testing.T) {
	r := loaded(t)
	if err := r.Operate(live.Op{Kind: protocol.Install, Prog: 0}); err != nil {
		t.Fatal(err)
	}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(r.pinned, r.current[0], r.copies[0], r.entry) {
		if off, _ := r.Arena.OffOf(r.Patcher.Addr(p)); r.locate(off) != p {
			t.Errorf("%s at %#x is not known", p.Name, off)
		}
	}
	r.loaded = nil
	one := r.pinned[0]
	off, _ := r.Arena.OffOf(r.Patcher.Addr(one))
	r.remember(one)
	for range 1023 {
		r.remember(r.pinned[1])
	}
	if r.locate(off) != one {
		t.Error("forgotten after 1023 others")
	}
	r.remember(r.pinned[1])
	if r.locate(off) != nil || len(r.loaded) != 1024 {
		t.Errorf("still known among %d", len(r.loaded))
	}
	at, _ := r.Arena.OffOf(r.Patcher.Addr(r.entry))
	if r.locate(at) != r.entry {
		t.Error("the entry is not known")
	}
}

// TestFindingsNameLines: a fault, and a poke that finds other bytes, are of the source line that they
// happen at.
func TestFindingsNameLines(t *testing.T) {
	c := config(t, 1, 1, "")
	w, err := workload.LoadObject("../workload/testdata/lines.o", "entry")
	if err != nil {
		t.Fatal(err)
	}
	c.Entry, c.Programs, c.Maps, c.Keys, c.Ctx, c.Packet = w.Entry, w.Programs, w.Maps, w.Keys, w.Context.Bytes, w.Context.Packet
	r := &run{Config: c}
	r.driver = live.NewDriver(&r.Config.Config, len(r.Programs), 1, r)
	if err := errors.Join(r.open(r.observe), r.load()); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	bypass := uint64(r.entry.Image.Sites[0].Slots[0].Off)
	f := r.classify(exec.Anomaly{Kind: exec.Fault, Signal: 11, RIP: r.Patcher.Addr(r.entry) + bypass})
	if got := f.Report().Place.Source.Short(); got != "lines.c:15" {
		t.Errorf("a fault in the first site is at %q", got)
	}
	off, _ := r.Arena.OffOf(r.Patcher.Addr(r.pinned[0]))
	if err := r.finding(&text.MismatchError{Off: off}); err != nil || r.findings[0].Source.Short() != "lines.c:9" {
		t.Errorf("%v, %+v", err, r.findings)
	}
	if f := r.classify(exec.Anomaly{Kind: exec.Fault, Signal: 11, RIP: 9}); f.Source.Known() {
		t.Errorf("nowhere is %v", f.Source)
	}
}

// TestErrorsThatAreFindings: what a poke or a grace period finds wrong is a finding; anything else
// is an error.
func TestErrorsThatAreFindings(t *testing.T) {
	other := errors.New("other")
	for _, tt := range []struct {
		err    error
		class  live.Class
		thread int
	}{
		{fmt.Errorf("update: %w", &text.MismatchError{Off: 5, Want: text.Nop}), live.ClassBytes, live.None},
		{fmt.Errorf("remove: %w", &rcu.StallError{Reader: 4}), live.ClassEndless, 4},
		{fmt.Errorf("update: %w", &patcher.LifeError{Property: protocol.NoLeak, Program: "p"}), live.ClassLeak, live.None},
		{fmt.Errorf("remove: %w", &patcher.LifeError{Property: protocol.NoEarlyFree}), live.ClassEarlyFree, live.None},
		{other, "", 0},
		{nil, "", 0},
	} {
		r := &run{}
		err := r.finding(tt.err)
		if tt.class == "" {
			if err != tt.err || len(r.findings) != 0 {
				t.Errorf("%v: %v, %+v", tt.err, err, r.findings)
			}
			continue
		}
		if err != nil || len(r.findings) != 1 || r.findings[0].Class != tt.class ||
			r.findings[0].Thread != tt.thread || r.findings[0].Count != 1 || !strings.HasPrefix(r.findings[0].Text, tt.err.Error()) {
			t.Errorf("%v: %v, %+v", tt.err, err, r.findings)
		}
	}
}
