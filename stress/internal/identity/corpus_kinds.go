package identity

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// kinds are the types of programs that the corpus has besides SchedCLS. The first four run on
// top of others, and have private stacks.
var kinds = []ebpf.ProgramType{
	ebpf.Kprobe, ebpf.TracePoint, ebpf.PerfEvent, ebpf.RawTracepoint,
	ebpf.XDP, ebpf.SocketFilter, ebpf.CGroupSKB,
}

// kindSamples are programs of every kind: with frames of all shapes and stacks around the depth
// that private ones begin at, with calls out of them, and with tail calls, which keep a program
// from private stacks.
func kindSamples() []Sample {
	var out []Sample
	for _, kind := range kinds {
		add := func(name string, insns asm.Instructions) {
			out = append(out, sampleOf(fmt.Sprintf("%v: %s", kind, name), kind, describe(insns)))
		}
		for i, stack := range []int16{0, 8, 48, 49, 56, 64, 65, 504, 512} {
			for _, regs := range []int{i % 5, (i + 2) % 5} {
				add(fmt.Sprintf("%d registers, stack %d", regs, stack),
					slices.Concat(frameOf(regs, stack), asm.Instructions{asm.FnKtimeGetNs.Call()}, returning(1)))
			}
		}
		for _, stacks := range [][3]int16{{0, 64, 0}, {8, 100, 128}, {200, 16, 64}, {64, 0, 240}} {
			add(fmt.Sprintf("three functions, stacks %v", stacks), threeFunctions(stacks))
		}
		add("lookup in a hash", lookupIn("hash"))
		add("lookup in a hash, stack 80", slices.Concat(frameOf(0, 80), lookupIn("hash")))
		add("callback, stacks 64 and 128", callbackOn(64, 128))
		add("loop by a helper, stacks 64 and 128", loopOn(64, 128))
		for _, key := range []int32{2, 4} { // direct and indirect
			add(fmt.Sprintf("tail call of key %d, stack 128", key),
				slices.Concat(frameOf(2, 128), tailCallOf("progs", key), returning(1)))
		}
		add("tail call and a function, stack 128", slices.Concat(frameOf(1, 128),
			asm.Instructions{asm.Call.Label("sub")}, tailCallOf("progs", 1), returning(1),
			function("sub", 1, 96, returning(0))))
	}
	return append(out, privateSamples()...)
}

// privateSamples access a private stack in every way, and go deeper than ordinary stacks may.
func privateSamples() []Sample {
	var out []Sample
	add := func(s Sample, name string) {
		s.Name = "private stack: " + name
		s.Spec.Programs[s.Program].Type = ebpf.RawTracepoint
		out = append(out, s)
	}
	for _, s := range memorySamples() {
		add(s, s.Name)
	}
	add(sampleOf("", ebpf.RawTracepoint, threeFunctions([3]int16{512, 512, 512})),
		"three stacks of 512")
	var frame asm.Instructions // the frame pointer where other registers may stand
	for i, r := range scalars {
		label := fmt.Sprintf("l%d", i)
		frame = append(frame, asm.Mov.Reg(r, asm.R10), asm.Sub.Reg(r, asm.R10), asm.Mov.Reg(r, asm.R10),
			asm.StoreMem(asm.R10, int16(-8*(i+1)), asm.R10, asm.DWord), asm.JEq.Reg(r, asm.R10, label),
			asm.Mov.Imm(r, 1), asm.Mov.Imm(r, 0).WithSymbol(label))
	}
	add(sampleOf("", ebpf.RawTracepoint, append(frame, returning(0)...)),
		"the frame pointer as an operand")
	return out
}

// function is one with a frame, see frameOf, and what it does.
func function(name string, regs int, stack int16, body asm.Instructions) asm.Instructions {
	insns := slices.Concat(frameOf(regs, stack), body)
	insns[0] = insns[0].WithSymbol(name)
	return insns
}

// threeFunctions call one another: the entry the second, twice, and that one the third.
func threeFunctions(stacks [3]int16) asm.Instructions {
	callTwice := asm.Instructions{
		asm.Call.Label("mid"), asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R6), asm.Call.Label("mid"),
	}
	return describe(slices.Concat(
		frameOf(2, stacks[0]), callTwice, returning(1),
		function("mid", 3, stacks[1], asm.Instructions{asm.Call.Label("leaf"), asm.FnKtimeGetNs.Call(),
			asm.Return()}),
		function("leaf", 0, stacks[2], returning(3)),
	))
}

// callbackOn calls back a function, on stacks of these depths.
func callbackOn(stack, callee int16) asm.Instructions {
	return describe(slices.Concat(frameOf(2, stack), asm.Instructions{
		asm.LoadMapPtr(asm.R1, 0).WithReference("array"), loadFunc(asm.R2, "each"),
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, int32(-stack)), asm.Mov.Imm(asm.R4, 0),
		asm.FnForEachMapElem.Call(),
	}, returning(1), function("each", 1, callee, returning(0))))
}

// loopOn has its loop from the verifier, on stacks of these depths.
func loopOn(stack, callee int16) asm.Instructions {
	return describe(slices.Concat(frameOf(1, stack), asm.Instructions{
		asm.Mov.Imm(asm.R1, 5), loadFunc(asm.R2, "each"), asm.Mov.Imm(asm.R3, 0), asm.Mov.Imm(asm.R4, 0),
		asm.FnLoop.Call(),
	}, returning(1), function("each", 1, callee, returning(0))))
}

// onTracepoint makes a random program one of a raw tracepoint, which cannot write its context:
// what it would write there goes to its stack.
func onTracepoint(insns asm.Instructions) asm.Instructions {
	for i := range insns {
		if insns[i].Dst == asm.R6 && insns[i].OpCode.Class() == asm.StXClass {
			insns[i].Dst, insns[i].Offset = asm.R10, -8
		}
	}
	return insns
}
