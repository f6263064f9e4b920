package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// TestUnsupported has what package jit does not make: it is not compared, and says why.
func TestUnsupported(t *testing.T) {
	k := compiler(t)
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip("the kernel does not describe its types: ", err)
	}
	for want, sample := range map[string]func(*testing.T, *btf.Spec) Sample{
		"exceptions": throwing, "may fault": walking, "arena": inArena,
	} {
		t.Run(want, func(t *testing.T) {
			rep, err := k.Check(t.Context(), []Sample{sample(t, types)})
			switch {
			case err != nil:
				t.Fatal(err)
			case len(rep.Rejected) > 0:
				t.Skip("this kernel does not load it: ", rep.Rejected[0].Listing)
			}
			if rep.Programs != 0 || rep.Identical != 0 || len(rep.Differences) != 0 ||
				len(rep.Unsupported) != 1 || !strings.Contains(rep.Unsupported[0].Listing, want) {
				t.Errorf("%+v", *rep)
			}
		})
	}
}

// throwing calls bpf_throw.
func throwing(t *testing.T, types *btf.Spec) Sample {
	t.Helper()
	var throw *btf.Func
	if err := types.TypeByName("bpf_throw", &throw); err != nil {
		t.Skip(err)
	}
	id, err := types.TypeID(throw)
	if err != nil {
		t.Fatal(err)
	}
	return sampleOf("throws", ebpf.SchedCLS, slices.Concat(asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 8, asm.Word), asm.JEq.Imm(asm.R0, 0, "out"), asm.Mov.Imm(asm.R1, 0),
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)},
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
	}))
}

// walking follows a pointer that the verifier does not trust.
func walking(t *testing.T, types *btf.Spec) Sample {
	t.Helper()
	var task *btf.Struct
	if err := types.TypeByName("task_struct", &task); err != nil {
		t.Skip(err)
	}
	off := int16(-1)
	for _, m := range task.Members {
		if m.Name == "signal" {
			off = int16(m.Offset.Bytes())
		}
	}
	s := sampleOf("walks", ebpf.Tracing, asm.Instructions{
		asm.LoadMem(asm.R1, asm.R1, 8, asm.DWord), // the task that leaves the CPU
		asm.LoadMem(asm.R1, asm.R1, off, asm.DWord), asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.Return(),
	})
	p := s.Spec.Programs[s.Program]
	p.AttachType, p.AttachTo = ebpf.AttachTraceRawTp, "sched_switch"
	return s
}

// inArena names an arena, which is enough for its base to be held in a register.
func inArena(*testing.T, *btf.Spec) Sample {
	s := sampleOf("in an arena", ebpf.Syscall, returning(0))
	p := s.Spec.Programs[s.Program]
	p.Instructions = slices.Concat(asm.Instructions{asm.LoadMapPtr(asm.R1, 0).WithReference("arena")}, p.Instructions)
	const sleepable, mmapable = 1 << 4, 1 << 10
	p.Flags = sleepable
	s.Spec.Maps["arena"] = &ebpf.MapSpec{
		Name: "arena", Type: ebpf.Arena, MaxEntries: 1, Flags: mmapable, MapExtra: 1 << 44,
	}
	return s
}
