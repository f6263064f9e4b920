package judge_test

import (
	"strings"
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
			if v, _, why := by(t, protocol.CPU, w, protocol.DefaultSubject().Protocol, o); v != protocol.NotObserved {
				t.Errorf("%s: %s", v, why)
			}
		})
	}
}

// TestKernelVariables: a program that reads variables of the kernel is judged, outside of it too, and is
// not accused of what it finds there.
func TestKernelVariables(t *testing.T) {
	needCPU(t)
	w, err := workload.LoadObject("../workload/testdata/ksym.o", "reads")
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Shape.Threads = 2
	d, err := stress.Run(t.Context(), s, w, stress.Options{
		Engines:  []protocol.Engine{protocol.Machine, protocol.CPU, protocol.Kernel},
		Duration: 100 * time.Millisecond, MinCycles: 3, Patience: time.Minute, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for engine, want := range map[protocol.Engine]protocol.Verdict{
		protocol.Machine: protocol.Unsupported, protocol.CPU: protocol.NotObserved, protocol.Kernel: protocol.NotObserved,
	} {
		// a kernel without CONFIG_KALLSYMS_ALL knows the variable's type and not its address
		if v := d.Of(engine); v.Verdict != want && v.Verdict != protocol.Skipped && !strings.Contains(v.Reason, "address for kernel symbol") {
			t.Errorf("%s: %s %s, want %s", engine, v.Verdict, v.Reason, want)
		}
	}
}
