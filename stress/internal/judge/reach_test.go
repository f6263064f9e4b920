package judge_test

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/internal/workload"
)

// TestTailCallsAreReached: a probe that makes its tail call where the task can be read, or where the
// function that it sits on has returned 1, makes it.
func TestTailCallsAreReached(t *testing.T) {
	needCPU(t)
	task := asm.Instructions{
		asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R3, asm.R0), asm.Add.Imm(asm.R3, 2944), asm.Mov.Imm(asm.R2, 8),
		asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, -8), asm.FnProbeReadKernel.Call(), asm.JEq.Imm(asm.R0, 0, "on"),
	}
	const rax = 80 // in struct pt_regs
	returned := asm.Instructions{asm.LoadMem(asm.R7, asm.R6, rax, asm.DWord), asm.JEq.Imm(asm.R7, 1, "on")}
	for name, first := range map[string]asm.Instructions{"task": task, "returned": returned} {
		t.Run(name, func(t *testing.T) {
			first = append(first, asm.Mov.Imm(asm.R0, 0), asm.Return(), asm.Mov.Imm(asm.R7, 0).WithSymbol("on"))
			spec := unlike(first, func(c *ebpf.CollectionSpec) {
				for _, p := range c.Programs {
					p.Type = ebpf.Kprobe
				}
			})
			w, err := workload.FromCollection(spec, workload.Source{Name: "x.o", Entry: "entry"})
			if err != nil {
				t.Fatal(err)
			}
			o := stress.Options{Duration: 100 * time.Millisecond, MinCycles: 3, Patience: time.Minute, Seed: 1}
			if v, _, why := ofCPU(t, w, protocol.DefaultSubject().Protocol, o); v != protocol.NotObserved {
				t.Errorf("%s: %s", v, why)
			}
		})
	}
}
