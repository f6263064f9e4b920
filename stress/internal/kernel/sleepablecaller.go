package kernel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/stress/internal/identity"
	"tailpoke/stress/report"
)

// flagSleepable is BPF_F_SLEEPABLE of the kernel's include/uapi/linux/bpf.h.
const flagSleepable = 1 << 4

// What a sleepable caller returns, and how often an execution passes its site.
const (
	sleepableKept = 0
	sleepableLost = 66
	sleepableTail = 120
)

// sleepableInsns is a caller whose only site is in a function that it calls again and again. Both use
// R6 to R9: in state A the function gives its caller wrong ones, the caller says that it lost its
// canary, and its own epilogue gives the kernel back what is the kernel's. The canary is a value that
// the verifier does not know, from the context: it removes comparisons of constants. As many
// instructions as pad are jumped over at the function's start.
func sleepableInsns(array *ebpf.Map, pad int) asm.Instructions {
	const canary, kept = -8, -16 // on the stack: the value, and the context
	insns := asm.Instructions{
		btf.WithFuncMetadata(asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("caller"), function("caller")),
		asm.LoadMem(asm.R7, asm.R6, 0, asm.Word),
		asm.StoreMem(asm.RFP, canary, asm.R7, asm.DWord), asm.StoreMem(asm.RFP, kept, asm.R6, asm.DWord),
		asm.Mov.Reg(asm.R8, asm.R7), asm.Mov.Reg(asm.R9, asm.R7),
	}
	for range sleepableTail {
		insns = append(insns, asm.LoadMem(asm.R1, asm.RFP, kept, asm.DWord), asm.Call.Label("sub"),
			asm.LoadMem(asm.R1, asm.RFP, canary, asm.DWord))
		for _, r := range []asm.Register{asm.R7, asm.R8, asm.R9} {
			insns = append(insns, asm.JNE.Reg(r, asm.R1, "lost"))
		}
	}
	insns = append(insns, asm.Mov.Imm(asm.R0, sleepableKept), asm.Return(),
		asm.Mov.Imm(asm.R0, sleepableLost).WithSymbol("lost"), asm.Return())

	sub := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1), asm.LoadMem(asm.R7, asm.R6, 4, asm.Word),
		asm.Mov.Reg(asm.R8, asm.R7), asm.Mov.Reg(asm.R9, asm.R7),
		asm.LoadMapPtr(asm.R2, array.FD()), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(),
		asm.Mov.Reg(asm.R0, asm.R7), asm.Add.Reg(asm.R0, asm.R8), asm.Add.Reg(asm.R0, asm.R9), asm.Return(),
	}
	sub[0] = btf.WithFuncMetadata(sub[0].WithSymbol("sub"), function("sub"))
	if pad > 0 {
		sub = lengthen(&ebpf.ProgramSpec{Instructions: sub}, pad).Instructions
	}
	return append(insns, sub...)
}

// sleepableContext is the canary, and what the function fills its registers with.
func sleepableContext() []byte {
	return append([]byte{0x67, 0x45, 0x23, 0x01, 0x78, 0x56, 0x34, 0x12}, make([]byte, 56)...)
}

func (s *sleeper) load(name string, insns asm.Instructions) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: ebpf.Syscall, Flags: flagSleepable, License: "GPL", Instructions: insns})
}

// open makes the array, loads the caller, and two programs for the key.
func (s *sleeper) open(ctx context.Context) (err error) {
	if s.array, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}); err != nil {
		return refused("a prog array", err)
	}
	if s.caller, err = s.load("caller", sleepableInsns(s.array, 0)); err != nil {
		return refused("a sleepable program with a tail call, as since Linux 7.0", err)
	}
	for i := range s.targets {
		insns := asm.Instructions{asm.Mov.Imm(asm.R0, int32(7+i)), asm.Return()}
		if s.targets[i], err = s.load("target", insns); err != nil {
			return refused("a sleepable program", err)
		}
	}
	if !s.AcrossPages {
		return nil
	}
	return s.place(ctx)
}

// place exchanges the caller for a copy whose window lies across a page, if one is found in time.
func (s *sleeper) place(ctx context.Context) error {
	s.windows = &report.Windows{Sites: 1}
	compiler, err := identity.DetectCompiler()
	if err != nil {
		s.windows.Error = firstLine(err.Error())
		return nil
	}
	img, err := compiler.Image("caller", s.caller, s.array)
	if err != nil {
		s.windows.Error = firstLine(err.Error())
		return nil
	}
	if len(img.Sites) != 1 {
		s.windows.Error = fmt.Sprintf("%d sites are known of it, and it has one", len(img.Sites))
		return nil
	}
	wanted, end := []bool{true}, time.Now().Add(seekTime)
	search := &pageSearch{
		more: func() bool { return ctx.Err() == nil && time.Now().Before(end) },
		fill: func(steps int) (placed, error) { return placedProgram(ebpf.NewProgram(filler(steps))) },
	}
	pad, least := padToOdds(img, wanted, img.Sites[0].Func)
	img = lengthened(img, img.Sites[0].Func, pad)
	found, ok, err := search.find(img, wanted, least, func() (placed, error) {
		return placedProgram(s.load("caller", sleepableInsns(s.array, pad)))
	})
	if err != nil { // the run has what was found
		s.windows.Error = reasonOf(err)
	}
	s.windows.Loads = search.loads
	if ok {
		search.rejected = append(search.rejected, s.caller)
		s.caller, s.windows.Across = found.Closer.(*ebpf.Program), 1
	}
	_, err = search.end()
	return err
}

func (s *sleeper) close() (err error) {
	for _, p := range append(s.targets[:], s.caller) {
		if p != nil {
			err = errors.Join(err, p.Close())
		}
	}
	if s.array != nil {
		err = errors.Join(err, s.array.Close())
	}
	return err
}
