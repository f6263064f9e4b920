package judge_test

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/internal/workload"
)

var seeds = flag.Int("seeds", 2, "how many seeds programs are run with that must not be accused")

// unforeseen are programs of which much is unknown: what helpers and kernel functions give, what is in
// their context, what a kernel's types say.
func unforeseen(t *testing.T) map[string]*workload.Workload {
	t.Helper()
	out := map[string]*workload.Workload{}
	for name, first := range map[string]asm.Instructions{
		"helpers": {
			asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, -16), asm.Mov.Imm(asm.R2, 16),
			asm.FnGetCurrentComm.Call(), asm.LoadMem(asm.R8, asm.RFP, -16, asm.DWord), asm.Xor.Reg(asm.R7, asm.R8), asm.Xor.Reg(asm.R7, asm.R0),
		},
		"addresses": {
			asm.FnGetCurrentTaskBtf.Call(), asm.LoadMem(asm.R7, asm.R0, 512, asm.DWord), asm.LoadMem(asm.R7, asm.R7, 64, asm.DWord),
			asm.LoadMapPtr(asm.R1, 0).WithReference("events"), asm.Mov.Imm(asm.R2, 8), asm.Mov.Imm(asm.R3, 0), asm.FnRingbufReserve.Call(),
			asm.JEq.Imm(asm.R0, 0, "full"), asm.StoreMem(asm.R0, 0, asm.R7, asm.DWord), asm.Mov.Reg(asm.R1, asm.R0), asm.Mov.Imm(asm.R2, 0), asm.FnRingbufSubmit.Call(),
			asm.Mov.Imm(asm.R8, 0).WithSymbol("full"),
		},
		"context": {
			asm.LoadMem(asm.R7, asm.R6, 8, asm.Word), asm.LoadMem(asm.R8, asm.R6, 152, asm.DWord), asm.Xor.Reg(asm.R7, asm.R8),
			asm.Mov.Reg(asm.R1, asm.R6), asm.FnGetHashRecalc.Call(), asm.Xor.Reg(asm.R7, asm.R0),
		},
	} {
		spec := unlike(first, func(c *ebpf.CollectionSpec) {
			insns := c.Programs["entry"].Instructions
			insns[len(insns)-2] = asm.Mov.Reg(asm.R0, asm.R7)
		})
		w, err := workload.FromCollection(spec, workload.Source{Name: "x.o", Entry: "entry"})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = w
	}
	out["CO-RE"] = entryOf(t, "../workload/testdata/core.o", "core")
	return out
}

// entryOf is a program of an object file.
func entryOf(t *testing.T, object, entry string) *workload.Workload {
	t.Helper()
	w, err := workload.LoadObject(object, entry)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// silent is a program in which state A leaves no trace: it has nothing to lose.
func silent(t *testing.T) *workload.Workload {
	t.Helper()
	w, err := workload.FromCollection(unlike(nil, func(c *ebpf.CollectionSpec) {
		insns := c.Programs["entry"].Instructions
		c.Programs["entry"].Instructions = append(asm.Instructions{insns[2].WithSymbol("entry")}, insns[3:]...)
	}), workload.Source{Name: "silent.o", Entry: "entry"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// by has an engine judge a workload.
func by(t *testing.T, e protocol.Engine, w *workload.Workload, p protocol.Protocol, o stress.Options) (protocol.Verdict, protocol.Property, string) {
	t.Helper()
	s := protocol.DefaultSubject()
	s.Shape.Threads, s.Protocol = 2, p
	o.Engines = []protocol.Engine{e}
	d, err := stress.Run(t.Context(), s, w, o)
	if err != nil {
		t.Fatal(err)
	}
	v := d.Of(e)
	for _, f := range v.Findings {
		v.Reason += "; " + f.Text
	}
	return v.Verdict, v.Property, v.Reason
}

// faulty is the kernel's protocol with an edit.
func faulty(t *testing.T, old, new string) protocol.Protocol {
	t.Helper()
	p, err := protocol.ParseProtocol(strings.Replace(protocol.DefaultSubject().Protocol.String(), old, new, 1))
	if err != nil || p.Same(protocol.DefaultSubject().Protocol) {
		t.Fatalf("%s: %v", new, err)
	}
	return p
}

// TestNobodyIsAccused: whatever helpers give and contexts hold, with any seed, no program is accused of
// what it returns.
func TestNobodyIsAccused(t *testing.T) {
	needCPU(t)
	script, err := protocol.ParseScript(strings.Repeat("put 0 0\nput 0 0\ndelete 0\n", 20))
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range unforeseen(t) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(*seeds) {
				if v, p, why := by(t, protocol.CPU, w, protocol.DefaultSubject().Protocol, stress.Options{Seed: seed, Script: script}); v != protocol.NotObserved && v != protocol.Vacuous {
					t.Errorf("seed %d: %s %s: %s", seed, v, p, why)
				}
			}
		})
	}
}

// TestFaultsAreSeen: a protocol with a fault is accused on any program, also where nothing of it is
// known, whatever it returns. Where state A leaves no trace the cpu engine sees another fault.
func TestFaultsAreSeen(t *testing.T) {
	needCPU(t)
	hasty, freed := faulty(t, "target=jump; bypass=nop", "bypass=nop; target=jump"), faulty(t, "target=jump }; retire", "target=jump }; free")
	const events = "../workload/testdata/events.o"
	all := unforeseen(t)
	for _, entry := range []string{"entered", "asked", "probed"} {
		all[entry] = entryOf(t, events, entry)
	}
	all["dispatch"], all["both"], all["silent"] = workload.Default(), entryOf(t, "../regress/bpf/bpf2bpf.o", "both"), silent(t)
	for name, w := range all {
		if testing.Short() && !slices.Contains([]string{"helpers", "asked", "silent"}, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if silent := w.Traceable() != nil; silent != (name == "silent") {
				t.Fatalf("state A leaves no trace: %v", silent)
			}
			accused := func(e protocol.Engine, p protocol.Protocol) {
				if v, at, why := by(t, e, w, p, stress.Options{Seed: 1, Duration: 20 * time.Second, StopAtFirst: true}); v != protocol.Violated {
					t.Errorf("%s: %s %s: %s", e, v, at, why)
				}
			}
			if name != "addresses" && name != "helpers" { // simulated CPUs have no memory of a kernel
				accused(protocol.Machine, hasty)
			}
			if w.Traceable() != nil {
				accused(protocol.CPU, freed)
			} else {
				accused(protocol.CPU, hasty)
			}
		})
	}
}
