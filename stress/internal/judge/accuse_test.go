package judge_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/internal/workload"
)

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
	raw, err := os.ReadFile("../workload/testdata/core.o")
	if err != nil {
		t.Fatal(err)
	}
	if out["CO-RE"], err = workload.ReadObject("core.o", raw, "core"); err != nil {
		t.Fatal(err)
	}
	return out
}

// ofCPU has the cpu engine judge a workload.
func ofCPU(t *testing.T, w *workload.Workload, p protocol.Protocol, o stress.Options) (protocol.Verdict, protocol.Property, string) {
	t.Helper()
	s := protocol.DefaultSubject()
	s.Shape.Threads, s.Protocol = 2, p
	o.Engines = []protocol.Engine{protocol.CPU}
	d, err := stress.Run(t.Context(), s, w, o)
	if err != nil {
		t.Fatal(err)
	}
	v := d.Of(protocol.CPU)
	for _, f := range v.Findings {
		v.Reason += "; " + f.Text
	}
	return v.Verdict, v.Property, v.Reason
}

// TestNobodyIsAccused: whatever helpers give and contexts hold, with any seed, no program is accused of
// what it returns; and a protocol with a fault is, on each of them.
func TestNobodyIsAccused(t *testing.T) {
	needCPU(t)
	script, err := protocol.ParseScript(strings.Repeat("put 0 0\nput 0 0\ndelete 0\n", 20))
	if err != nil {
		t.Fatal(err)
	}
	hasty, err := protocol.ParseProtocol(strings.Replace(protocol.DefaultSubject().Protocol.String(), "target=jump; bypass=nop", "bypass=nop; target=jump", 1))
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range unforeseen(t) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				if v, p, why := ofCPU(t, w, protocol.DefaultSubject().Protocol, stress.Options{Seed: seed, Script: script}); v != protocol.NotObserved && v != protocol.Vacuous {
					t.Errorf("seed %d: %s %s: %s", seed, v, p, why)
				}
			}
			if v, p, why := ofCPU(t, w, hasty, stress.Options{Seed: 1, Duration: 20 * time.Second, StopAtFirst: true}); v != protocol.Violated {
				t.Errorf("with a fault: %s %s: %s", v, p, why)
			}
		})
	}
}
