package judge_test

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// machineOf asks the machine engine about a program of an object file.
func machineOf(t *testing.T, object, entry, layout string) *report.Verdict {
	t.Helper()
	target, err := workload.LoadObject(object, entry)
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Layout, s.Shape = layout, target.Shape(16)
	r, err := stress.Run(t.Context(), s, target, stress.Options{Engines: []protocol.Engine{protocol.Machine}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Of(protocol.Machine)
}

// TestLayoutsOfThePast: where each function counts for itself, a hierarchy of tail calls goes on
// behind the limit, whoever looks at the bytes sees it.
func TestLayoutsOfThePast(t *testing.T) {
	slowUnderRace(t)
	for layout, want := range map[string]protocol.Verdict{
		"seed": protocol.Violated, "v5.10": protocol.Violated, "v6.12": protocol.Safe,
	} {
		v := machineOf(t, "../../bpf/hierarchy.o", "hierarchy", layout)
		if v.Verdict != want || want == protocol.Violated && (v.Property != "tail-limit" || v.Witness == nil) {
			t.Errorf("%s: %s %s %s", layout, v.Verdict, v.Property, v.Reason)
		}
	}
}

// TestMachineSaysWhatItCannot has a program that calls helpers, and a protocol with a mutex of its
// own.
func TestMachineSaysWhatItCannot(t *testing.T) {
	if v := machineOf(t, "../regress/bpf/sockex3.o", "parse_ether", "v6.12"); v.Verdict != protocol.Unsupported || v.Reason == "" {
		t.Errorf("%s %q", v.Verdict, v.Reason)
	}
	s, target, err := stress.Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	s.Protocol.Mutex = protocol.MutexNone
	r, err := stress.Run(t.Context(), s, target, stress.Options{Engines: stress.MutantEngines()})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Verdicts {
		if v.Engine != protocol.Model && (v.Verdict != protocol.Unsupported || !strings.Contains(v.Reason, "the kernel's")) {
			t.Errorf("%s: %s %q", v.Engine, v.Verdict, v.Reason)
		}
		if v.Engine == protocol.Model && (v.Verdict != protocol.Violated || v.Property != protocol.ExpectedBytes) {
			t.Errorf("model: %s %s", v.Verdict, v.Property)
		}
	}
}

// TestMachineHasNoPacket: a program that reads its packet returns something else without one, and
// is not accused of that.
func TestMachineHasNoPacket(t *testing.T) {
	parse := func(name string, insns ...asm.Instruction) *jit.Program {
		p, err := jit.Parse(name, insns)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	target := &stress.Workload{
		Entry: parse("main",
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadMem(asm.R7, asm.R1, 76, asm.Word), asm.LoadMem(asm.R8, asm.R1, 80, asm.Word),
			asm.LoadMapPtr(asm.R2, 0).WithReference("progs"), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(),
			asm.Mov.Imm(asm.R0, 1), asm.Mov.Reg(asm.R4, asm.R7), asm.Add.Imm(asm.R4, 14),
			asm.JGT.Reg(asm.R4, asm.R8, "out"),
			asm.LoadMem(asm.R0, asm.R7, 12, asm.Byte), asm.Add.Imm(asm.R0, 100),
			asm.Return().WithSymbol("out")),
		Programs: []*jit.Program{parse("leaf", asm.Mov.Imm(asm.R0, 2), asm.Return())},
		Maps:     map[string]int{"progs": 1}, Keys: []protocol.Key{{Map: "progs"}},
		Context: workload.ContextOf(ebpf.SchedCLS, workload.DefaultPacket()),
	}
	s := protocol.DefaultSubject()
	s.Shape = target.Shape(2)
	r, err := stress.Run(t.Context(), s, target, stress.Options{Engines: []protocol.Engine{protocol.Machine}})
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Of(protocol.Machine); v.Verdict != protocol.Safe {
		t.Errorf("%s %s %s\n%v", v.Verdict, v.Property, v.Reason, v.Witness)
	}
}
