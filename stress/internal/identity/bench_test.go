//go:build linux && amd64

package identity

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// A contest is a program that is timed on both sides.
type contest struct {
	name     string
	programs []asm.Instructions // the entry, and what keys 1, 2, ... of the map hold
	want     uint64             // what the entry returns
	parts    int                // what a call consists of: iterations, or tail calls; 0: nothing to divide by
	part     string
	plain    bool // our images return and jump without thunks
}

const (
	chainMap   = "chain"
	iterations = 10_000
)

// contests lists the programs. limit is how many tail calls succeed from one entry.
func contests(limit int) []contest {
	direct, indirect := chain(limit, constantKey), chain(limit, hiddenKey)
	return []contest{
		{name: "empty", programs: []asm.Instructions{empty()}},
		{name: "loop", programs: []asm.Instructions{loop()}, want: loopResult(), parts: iterations, part: "iter"},
		{name: "direct", programs: direct, want: uint64(limit), parts: limit, part: "hop"},
		{name: "indirect", programs: indirect, want: uint64(limit), parts: limit, part: "hop"},
		{name: "indirect-plain", programs: indirect, want: uint64(limit), parts: limit, part: "hop", plain: true},
	}
}

func empty() asm.Instructions { return asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()} }

// loop has six instructions an iteration, four of them in one chain of dependences.
func loop() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R0, 0), asm.Mov.Imm(asm.R1, iterations),
		asm.Mov.Reg(asm.R2, asm.R0).WithSymbol("again"), asm.LSh.Imm(asm.R2, 3), asm.Xor.Reg(asm.R2, asm.R1),
		asm.Add.Reg(asm.R0, asm.R2), asm.Sub.Imm(asm.R1, 1), asm.JNE.Imm(asm.R1, 0, "again"),
		asm.And.Imm(asm.R0, 0xffff), asm.Return(), // a test run returns 32 bits
	}
}

func loopResult() uint64 {
	sum := uint64(0)
	for left := uint64(iterations); left != 0; left-- {
		sum += sum<<3 ^ left
	}
	return sum & 0xffff
}

// chain is programs of which each tail calls the next and returns its own number if that
// fails. There is one more than the limit allows to reach, so that the number returned is that
// of the tail calls made, counted by nothing that would take time.
func chain(limit int, key func(int) asm.Instructions) []asm.Instructions {
	var out []asm.Instructions
	for i := range limit + 2 {
		insns := asm.Instructions{}
		if i <= limit {
			insns = append(insns, key(i+1)...)
			insns = append(insns, asm.LoadMapPtr(asm.R2, 0).WithReference(chainMap), asm.FnTailCall.Call())
		}
		out = append(out, append(insns, asm.Mov.Imm(asm.R0, int32(i)), asm.Return()))
	}
	return out
}

func constantKey(k int) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R3, int32(k))}
}

// hiddenKey computes the key from a difference of two addresses, which no analysis follows. A
// key from the context would be loaded from different places inside of the kernel and outside.
func hiddenKey(k int) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R3, asm.R10), asm.Sub.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, int32(k)),
	}
}

// BenchmarkKernel times the same programs as our images and as the running kernel's, by turns
// in one process: the kernel's in BPF_PROG_TEST_RUN with many repetitions, ours in the loop of
// an exec.Pool with one thread, direct sites made live by the patcher before it starts.
//
//   - Both images are the same bytes but for operands that are addresses, which is checked,
//     and lie alike in their cache lines. They are loaded anew every few rounds. Where in a
//     page they lie is up to either side's allocator, and counts in chains: images that lie
//     alike compete for the same sets of the instruction cache.
//   - Kernels with thunks have them outside of the image; ours get a copy after it. In
//     indirect-plain, ours return and jump without, as a process may.
//   - Both sides are timed by the CPU clock of the thread that executes, and on one CPU. The
//     kernel's own figure is of wall-clock time: it has what other processes took in it.
//   - A round lasts about roundTime a side. A ratio, ours to the kernel's, is of neighbouring
//     rounds; reported are the median of ratios and the least.
//
// A call costs its caller something on either side: "empty" is a call of a program that
// returns at once, with the executor's checks here, a test run's there. It is timed in every
// round, and net ratios and times of a part (iteration, or tail call) are without it.
//
// Times are of one machine at one moment. Compare ratios.
func BenchmarkKernel(b *testing.B) {
	t, err := DetectCompiler()
	if err != nil {
		b.Skip(err)
	}
	if err := exec.Supported(); err != nil {
		b.Skip(err)
	}
	all := contests(int(t.Layout.Counter.Limit))
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) { compete(b, t, c, all[0]) })
	}
	b.Run("compile", func(b *testing.B) { timeCompilers(b, t) })
}

// roundsAPlace is how many rounds are timed before both sides are loaded anew: where code
// happens to lie is no property of a compiler.
const roundsAPlace = 6

func compete(b *testing.B, t *Compiler, c, void contest) {
	var program, fixed *match
	release := func() {
		if err := errors.Join(program.close(), fixed.close()); err != nil {
			b.Fatal(err)
		}
		program, fixed = nil, nil
	}
	var s samples
	for i := 0; b.Loop(); i++ {
		if i%roundsAPlace == 0 {
			release()
			var err, err2 error
			program, err = newMatch(t, c, uint64(i))
			fixed, err2 = newMatch(t, void, uint64(i))
			if err := errors.Join(err, err2); err != nil {
				release()
				b.Fatal(err)
			}
		}
		if err := s.round(program, fixed); err != nil {
			release()
			b.Fatal(err)
		}
	}
	release()
	s.report(b, c)
}

// samples are what rounds found, in nanoseconds a call; net is without the empty program's.
type samples struct {
	ours, kernel, ratio          []float64
	netOurs, netKernel, netRatio []float64
}

func (s *samples) round(program, fixed *match) error {
	var ns [4]float64
	for i, run := range []func() (float64, error){fixed.runOurs, fixed.runKernel, program.runOurs, program.runKernel} {
		var err error
		if ns[i], err = run(); err != nil {
			return err
		}
	}
	s.ours = append(s.ours, ns[2])
	s.kernel = append(s.kernel, ns[3])
	s.ratio = append(s.ratio, ns[2]/ns[3])
	s.netOurs = append(s.netOurs, ns[2]-ns[0])
	s.netKernel = append(s.netKernel, ns[3]-ns[1])
	s.netRatio = append(s.netRatio, (ns[2]-ns[0])/(ns[3]-ns[1]))
	return nil
}

func (s *samples) report(b *testing.B, c contest) {
	b.ReportMetric(0, "ns/op") // of a round, which says nothing
	b.ReportMetric(median(s.ours), "ns-ours/call")
	b.ReportMetric(median(s.kernel), "ns-kernel/call")
	b.ReportMetric(median(s.ratio), "ratio")
	b.ReportMetric(slices.Min(s.ratio), "ratio-min")
	if c.parts == 0 {
		return
	}
	b.ReportMetric(median(s.netRatio), "ratio-net")
	b.ReportMetric(median(s.netOurs)/float64(c.parts), "ns-ours/"+c.part)
	b.ReportMetric(median(s.netKernel)/float64(c.parts), "ns-kernel/"+c.part)
}

// median of at least one number.
func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}

// timeCompilers reports nanoseconds an instruction: of Parse, of Compile, and of BPF_PROG_LOAD.
// The last is no compiler's time: it has the verifier and the allocation in it, and bpf(2)
// offers nothing nearer.
func timeCompilers(b *testing.B, t *Compiler) {
	progs, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	if err != nil {
		b.Fatal(err)
	}
	defer progs.Close()
	insns := usual(progs.FD(), 4096)
	spec := &ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: insns}
	var prog *jit.Program
	var kernelProg *ebpf.Program
	steps := []struct {
		metric string
		do     func() error
		ns     []float64
	}{
		{metric: "ns-parse/insn", do: func() (err error) { prog, err = jit.Parse("usual", insns); return }},
		{metric: "ns-compile/insn", do: func() error {
			name := fmt.Sprintf("fd %d", progs.FD())
			o := jit.Options{Layout: &t.Layout, Thunks: true, Maps: map[string]jit.MapInfo{name: {Addr: someAddr, MaxEntries: 4}}}
			_, err := jit.Compile(prog, o)
			return err
		}},
		{metric: "ns-load/insn", do: func() (err error) {
			kernelProg, err = ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogDisabled: true})
			return
		}},
	}
	for b.Loop() {
		for i := range steps {
			start := time.Now()
			if err := steps[i].do(); err != nil {
				b.Fatal(err)
			}
			steps[i].ns = append(steps[i].ns, float64(time.Since(start).Nanoseconds()))
		}
		kernelProg.Close()
	}
	b.ReportMetric(0, "ns/op")
	for _, s := range steps {
		b.ReportMetric(median(s.ns)/float64(len(insns)), s.metric)
	}
}

// usual is a program of at least n instructions of the kind that compilers write: arithmetic,
// stack and context, short jumps, and a direct tail call in every 64.
func usual(fd, n int) asm.Instructions {
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	for len(insns) < n {
		insns = append(insns, asm.LoadMem(asm.R2, asm.R6, 0, asm.Word), asm.Mov.Imm(asm.R7, 3))
		for range 11 {
			insns = append(insns,
				asm.Add.Imm(asm.R2, 7),
				asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
				asm.Instruction{OpCode: asm.JGT.Op(asm.ImmSource), Dst: asm.R2, Constant: 100, Offset: 1},
				asm.Xor.Reg(asm.R2, asm.R7),
				asm.LoadMem(asm.R7, asm.R10, -8, asm.DWord))
		}
		insns = append(insns, asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, fd), asm.Mov.Imm(asm.R3, 1), asm.FnTailCall.Call())
	}
	return append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return())
}
