package kernel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
)

// blindRig is a rig of another type, of which nobody knows what it returns, fitted to the kernel.
func blindRig(t *testing.T, kind ebpf.ProgramType, at ebpf.AttachType, to string) Config {
	t.Helper()
	c := rig(t)
	c.Oracle, c.Duration, c.Threads = nil, 300*time.Millisecond, 2
	for _, p := range c.Spec.Programs {
		p.Type, p.AttachType, p.AttachTo = kind, at, to
		for i := range p.Instructions {
			if ins := &p.Instructions[i]; ins.Dst == asm.R0 && ins.OpCode.ALUOp() == asm.Mov {
				ins.Constant = 0 // some may return nothing else
			}
		}
	}
	return c
}

// fitted is a config as the kernel takes it.
func fitted(t *testing.T, c Config) (Config, *Fit) {
	t.Helper()
	f, err := Survey(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	c.Spec, c.Programs, c.Keys = f.Spec, f.Programs, f.Keys
	return c, f
}

// TestWays: programs of every type that can be are executed, and check their caller's registers.
func TestWays(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	for _, tc := range []struct {
		name string
		kind ebpf.ProgramType
		at   ebpf.AttachType
		to   string
	}{
		{"xdp", ebpf.XDP, ebpf.AttachXDP, ""},
		{"flow dissector", ebpf.FlowDissector, ebpf.AttachFlowDissector, ""},
		{"sk_lookup", ebpf.SkLookup, ebpf.AttachSkLookup, ""},
		{"raw tracepoint", ebpf.RawTracepoint, 0, ""},
		{"netfilter", ebpf.Netfilter, ebpf.AttachNetfilter, ""},
		{"kprobe", ebpf.Kprobe, 0, ""},
		{"tracepoint", ebpf.TracePoint, 0, ""},
		{"perf event", ebpf.PerfEvent, 0, ""},
		{"fentry", ebpf.Tracing, ebpf.AttachTraceFEntry, "tcp_connect"},
		{"fexit", ebpf.Tracing, ebpf.AttachTraceFExit, "tcp_connect"},
		{"fmod_ret", ebpf.Tracing, ebpf.AttachModifyReturn, "security_file_open"},
		{"tp_btf", ebpf.Tracing, ebpf.AttachTraceRawTp, "sched_switch"},
		{"lsm", ebpf.LSM, ebpf.AttachLSMMac, "file_open"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := blindRig(t, tc.kind, tc.at, tc.to)
			f, err := Survey(context.Background(), c)
			if errors.Is(err, ErrUnsupported) {
				t.Skipf("this kernel does not take it: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.Spec, c.Programs, c.Keys = f.Spec, f.Programs, f.Keys
			res := runUntil(t, c, func(res *Result) bool {
				return res.Idle != "" || res.Canaries > 0 && res.Executions > res.Canaries && res.Removes > 0
			})
			if res.Idle != "" {
				t.Skipf("nothing executes it here: %s", res.Idle)
			}
			if len(res.Findings) > 0 || res.Bad > 0 || res.Uncheckable != "" {
				t.Errorf("%d bad, uncheckable %q: %+v", res.Bad, res.Uncheckable, res.Findings)
			}
			if res.Watch == nil || res.Watch.Noted == 0 || len(res.Foreign) > 0 {
				t.Errorf("unwatched: %q; %+v", res.Unwatched, res.Foreign)
			}
		})
	}
}

// TestAims: programs that the kernel takes only where others execute them are not attached there.
func TestAims(t *testing.T) {
	for _, p := range []ebpf.ProgramSpec{
		{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "tcp_connect"},
		{Type: ebpf.Tracing, AttachType: ebpf.AttachModifyReturn, AttachTo: "security_file_open"},
		{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sched_switch"},
		{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open"},
		{Type: ebpf.Kprobe, AttachTo: "tcp_connect"},
	} {
		if e, err := eventFor(&p); err == nil || !strings.Contains(err.Error(), p.AttachTo) {
			t.Errorf("%v at %s: %v, %v", p.AttachType, p.AttachTo, e, err)
		}
		all := aims(&p)
		if len(all) == 0 {
			t.Errorf("%v at %s: nothing to aim at", p.AttachType, p.AttachTo)
		}
		for _, a := range all {
			if a.take(&p); !slices.Contains(aims(&p), aim{p.AttachType, p.AttachTo}) {
				t.Errorf("%+v is none of its aims", p)
			}
		}
	}
}

// TestReaches: an event that executes nothing is none.
func TestReaches(t *testing.T) {
	like := &ebpf.ProgramSpec{Type: ebpf.Kprobe}
	e, err := eventFor(like)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.reaches(like); err != nil {
		t.Skipf("uprobes execute nothing here: %v", err)
	}
	e.fire = func() error { return nil }
	if err := e.reaches(like); err == nil {
		t.Error("an event that does nothing executes programs")
	}
}

// TestBlindLostCanary: a lost register is seen where nothing is known of what is returned.
func TestBlindLostCanary(t *testing.T) {
	for _, kind := range []ebpf.ProgramType{ebpf.SchedCLS, ebpf.Kprobe} {
		c, _ := fitted(t, blindRig(t, kind, 0, ""))
		c.StopAtFirst, c.Duration = true, time.Minute
		c.faults.checker = losing(asm.R8)
		if res := mustRun(t, c); res.Idle != "" {
			t.Logf("nothing executes %v here: %s", kind, res.Idle)
		} else {
			found(t, res, live.ClassA)
		}
	}
}

// TestIdle: the slots of a program that nothing executes are watched, and that is the verdict.
func TestIdle(t *testing.T) {
	c := blindRig(t, ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Connect, "")
	for _, p := range c.Spec.Programs {
		for i := range p.Instructions {
			if ins := &p.Instructions[i]; ins.Dst == asm.R0 && ins.OpCode.ALUOp() == asm.Mov {
				ins.Constant = 1
			}
		}
	}
	c, _ = fitted(t, c)
	res := runUntil(t, c, func(res *Result) bool { return res.Cycles > 0 && res.Loads > 0 })
	if res.Idle == "" || res.Executions != 0 || len(res.Findings) > 0 {
		t.Errorf("%+v", res)
	}
	if res.Watch == nil || res.Watch.Noted == 0 {
		t.Errorf("unwatched: %q", res.Unwatched)
	}
	if v := res.Verdict(); v.Verdict != protocol.NotObserved || v.Overlaps != 0 {
		t.Errorf("%s %s, %d overlaps", v.Verdict, v.Reason, v.Overlaps)
	}
}

// TestSurvey: programs that the kernel does not load, or does not take into the array, are left out;
// where less than two are left, more are made; and keys with sites are found.
func TestSurvey(t *testing.T) {
	c := rig(t)
	c.Keys = nil
	c.Spec.Programs["p0"].Instructions = asm.Instructions{asm.LoadMem(asm.R0, asm.R9, 0, asm.DWord), asm.Return()} // R9 holds nothing
	c.Spec.Programs["p1"].Type = ebpf.XDP
	f, err := Survey(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Programs) != 2 || !slices.Equal(f.Programs, f.Made) || !strings.Contains(f.Left, "p1") && !strings.Contains(f.Left, "p0") || strings.Contains(f.Left, "\n") {
		t.Errorf("programs %q, made %q, left out %q", f.Programs, f.Made, f.Left)
	}
	if want := []protocol.Key{{Map: "progs", Index: 0}, {Map: "progs", Index: 1}}; !slices.Equal(f.Keys, want) || f.Most != 1 {
		t.Errorf("keys %v, at most %d sites", f.Keys, f.Most)
	}
	c = rig(t)
	f, err = Survey(context.Background(), c)
	if err != nil || !slices.Equal(f.Programs, c.Programs) || !slices.Equal(f.Keys, c.Keys) || len(f.Made) > 0 || f.Left != "" {
		t.Errorf("%+v, %v", f, err)
	}
	c.Spec.Programs["entry"].Instructions = asm.Instructions{asm.Return()}
	if _, err = Survey(context.Background(), c); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "program entry: the verifier says: R0 !read_ok") {
		t.Errorf("an entry that the kernel does not load: %v", err)
	}
}

// TestSurveyArrays: what programs that the entry's prog arrays do not take have tail calls into is no
// concern of the entry's.
func TestSurveyArrays(t *testing.T) {
	c := rig(t)
	c.Spec.Maps["elsewhere"] = &ebpf.MapSpec{Name: "elsewhere", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	other := c.Spec.Programs["p0"].Copy()
	other.Name = "other"
	other.Instructions = asm.Instructions{
		asm.LoadMapPtr(asm.R2, 0).WithReference("elsewhere").WithSymbol("other"), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(), asm.Mov.Imm(asm.R0, 1), asm.Return(),
	}
	c.Spec.Programs["other"] = other
	for _, p := range c.Spec.Programs {
		p.Type, p.AttachType = ebpf.XDP, ebpf.AttachXDP
		for p != other && len(p.Instructions) < 8 { // the other one is tried first
			p.Instructions = append(asm.Instructions{asm.Mov.Imm(asm.R0, 0)}, p.Instructions...)
		}
	}
	other.AttachType = ebpf.AttachXDPCPUMap
	own := c.Keys
	c.Keys, c.Programs = append(own[:len(own):len(own)], protocol.Key{Map: "elsewhere"}), []string{"other", "p0", "p1"}
	f, err := Survey(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(f.Programs, "other") {
		t.Skip("this kernel's prog arrays take programs of any attach type")
	}
	if !slices.Equal(f.Programs, []string{"p0", "p1"}) || !slices.Equal(f.Keys, own) {
		t.Errorf("programs %q, keys %v; left out: %s", f.Programs, f.Keys, f.Left)
	}
}

// TestMissed: whether executions take a tail call is tried, also where what they return does not show it.
func TestMissed(t *testing.T) {
	for _, kind := range []ebpf.ProgramType{ebpf.SchedCLS, ebpf.Kprobe} {
		c := blindRig(t, kind, 0, "")
		if _, f := fitted(t, c); f.Missed {
			t.Errorf("%v: its tail calls are not taken", kind)
		}
		entry := c.Spec.Programs["entry"]
		last := len(entry.Instructions) - 2
		entry.Instructions[last] = entry.Instructions[last].WithSymbol("out")
		entry.Instructions = append(asm.Instructions{ // of the context's first word the verifier knows nothing
			asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.JNE.Imm(asm.R0, 0x1234567, "out"),
		}, entry.Instructions...)
		if _, f := fitted(t, c); !f.Missed {
			t.Errorf("%v: its tail calls are taken, though its first word is another", kind)
		}
	}
}

// TestSurveyEnds: a survey ends with its context, whatever the kernel is at.
func TestSurveyEnds(t *testing.T) {
	why := errors.New("a signal")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	if _, err := Survey(ctx, rig(t)); err != nil && !errors.Is(err, why) {
		t.Error(err)
	}
}

// TestSlotsOf: what changes in an image is the slots of a site with two, or an error.
func TestSlotsOf(t *testing.T) {
	jump := func(to byte) []byte { return []byte{opJump, to, 0, 0, 0} }
	nop := usualNop[:]
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	unwind := []byte{0x5b, 0x58}
	// bypass at 0, target at 7, which ends at 12
	empty, holds := join(jump(7), unwind, nop), join(nop, unwind, jump(99))
	for _, tc := range []struct {
		name         string
		empty, holds []byte
		sites        int
		want         string
	}{
		{"nothing", empty, empty, 0, ""},
		{"one", empty, holds, 1, ""},
		{"two", join(empty, empty), join(holds, join(nop, unwind, jump(99-12))), 2, ""},
		{"to two programs", join(empty, empty), join(holds, holds), 0, "jump to"},
		{"another byte", join(empty, []byte{1}), join(holds, []byte{2}), 0, "in no slot"},
		{"other bytes", join(empty, make([]byte, 8)), join(holds, []byte{1}, make([]byte, 7)), 0, "no slot of a site with two"},
		{"one slot", nop, jump(99), 0, "no slot of a site with two"},
		{"no target", empty, join(nop, unwind, nop), 0, "has no target"},
		{"bypass elsewhere", join(jump(9), unwind, nop), holds, 0, "not after the target"},
	} {
		of := func(code []byte) *text { return &text{code, []identity.Func{{Addr: 0x1000, Size: len(code)}}} }
		sites, _, err := slotsOf(of(tc.empty), of(tc.holds))
		if len(sites) != tc.sites || (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %d sites, %v; want %d, %q", tc.name, len(sites), err, tc.sites, tc.want)
		}
	}
}

// TestUntyped: programs whose sections name no type are taken for what the kernel takes the entry for.
func TestUntyped(t *testing.T) {
	c := rig(t)
	for _, p := range c.Spec.Programs {
		p.Type = ebpf.UnspecifiedProgram
	}
	_, f := fitted(t, c)
	if f.As != ebpf.SchedCLS.String() || len(f.Made) > 0 {
		t.Errorf("taken for %s, %q made: %s", f.As, f.Made, f.Left)
	}
}
