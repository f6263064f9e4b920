package identity

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
)

// layouts are all layouts, some with what kernels' builds add, and one with the shifts of BMI2 if this
// CPU has them.
func layouts() []*jit.Layout {
	all := jit.Layouts()
	for _, name := range []string{
		"v5.10+ibt+oldnops+unrounded+ret-int3+jmp-retpoline", "v6.2+ibt+jmp-lfence+short=120", "v7.3+ibt+ret-thunk+jmp-thunk+calldepth",
	} {
		if l, err := jit.LayoutByName(name); err == nil {
			all = append(all, l)
		}
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil && bytes.Contains(info, []byte(" bmi2 ")) {
		l := *all[len(all)-1]
		l.Name, l.ShiftX = l.Name+"+bmi2", true
		all = append(all, &l)
	}
	return all
}

// runImages runs a program's images of all layouts in turn, and gives what went wrong: a result
// other than want, or a register of the caller's that was not given back.
func runImages(p *jit.Program, ctx []byte, want uint64) (err error) {
	arena, err := exec.NewArena(1 << 20)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, arena.Close()) }()
	var entries []uint64
	off := 0
	for _, l := range layouts() {
		img, err := jit.Compile(p, jit.Options{Layout: l})
		if err != nil {
			return err
		}
		arena.Write(exec.Off(off), img.Code)
		entries = append(entries, arena.Addr(exec.Off(off)))
		off += len(img.Code)
	}
	pool, err := exec.NewPool(exec.PoolConfig{Threads: 1, Ctx: ctx, RestoreHi: len(ctx), Outcomes: []uint64{want}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetEntries(entries)
	if err := pool.Start(); err != nil {
		return err
	}
	defer pool.Stop()
	for deadline := time.Now().Add(10 * time.Second); pool.Counters().Executions < uint64(len(entries)); {
		if time.Now().After(deadline) {
			return errors.New("images do not end")
		}
	}
	if bad := pool.Anomalies(); len(bad) > 0 {
		return fmt.Errorf("want %#x, found %+v; images at %#x", want, bad[0], entries)
	}
	return nil
}

// oracle says what a program that needs no maps returns.
func oracle(p *jit.Program, ctx []byte) (uint64, error) {
	o, err := interp.Run(p, interp.World{
		Ctx:        bytes.Clone(ctx),
		Layout:     &jit.V612,
		Held:       func(string, uint32) []*jit.Program { return []*jit.Program{nil} },
		MaxEntries: func(string) uint32 { return 0 },
	})
	return o.R0, err
}

// TestImagesOnCorners applies every operation to all pairs of numbers at the limits of what
// fits into something, in registers that the machine treats differently.
func TestImagesOnCorners(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	for _, op := range aluOps {
		forms := map[string]func(d, s asm.Register, v int64) asm.Instruction{
			"64 bits": func(d, s asm.Register, _ int64) asm.Instruction { return op.Reg(d, s) },
			"32 bits": func(d, s asm.Register, _ int64) asm.Instruction { return op.Reg32(d, s) },
		}
		switch op {
		case asm.MovSX32:
			delete(forms, "32 bits")
		case asm.MovSX8, asm.MovSX16:
		default:
			forms["64 bits, constant"] = func(d, _ asm.Register, v int64) asm.Instruction { return op.Imm(d, int32(v)) }
			forms["32 bits, constant"] = func(d, _ asm.Register, v int64) asm.Instruction { return op.Imm32(d, int32(v)) }
		}
		for name, form := range forms {
			t.Run(fmt.Sprintf("%v %s", op, name), func(t *testing.T) { compareOnCorners(t, form) })
		}
	}
}

func compareOnCorners(t *testing.T, form func(d, s asm.Register, v int64) asm.Instruction) {
	numbers := []int64{0, 1, -1, 7, -7, 63, 127, -128, 1<<31 - 1, -1 << 31, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, -1 << 63}
	pairs := [][2]asm.Register{{asm.R0, asm.R1}, {asm.R3, asm.R0}, {asm.R7, asm.R3}, {asm.R4, asm.R4}, {asm.R1, asm.R4}}
	insns := asm.Instructions{asm.Mov.Imm(asm.R9, 0)}
	for _, r := range pairs {
		for _, x := range numbers {
			for _, y := range numbers {
				insns = append(insns,
					asm.LoadImm(r[0], x, asm.DWord), asm.LoadImm(r[1], y, asm.DWord), form(r[0], r[1], y),
					asm.Mul.Imm(asm.R9, 31), asm.Add.Reg(asm.R9, r[0]), asm.Add.Reg(asm.R9, r[1]))
			}
		}
	}
	p, err := jit.Parse("corners", append(insns, asm.Mov.Reg(asm.R0, asm.R9), asm.Return()))
	if err != nil {
		t.Fatal(err)
	}
	want, err := oracle(p, make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	if err := runImages(p, make([]byte, 8), want); err != nil {
		t.Error(err)
	}
}

// TestImagesOnAtomics runs every atomic operation on memory that matches R0, that matches its
// lower half, and that does not.
func TestImagesOnAtomics(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	for _, op := range atomicOps {
		for _, size := range []asm.Size{asm.Word, asm.DWord} {
			insns := asm.Instructions{asm.Mov.Imm(asm.R9, 0)}
			for _, src := range []asm.Register{asm.R0, asm.R1, asm.R8} {
				for _, r0 := range []int64{0x1_8000_0001, 0x8000_0001, 0x2_8000_0001, 5} {
					insns = append(insns,
						asm.LoadImm(asm.R2, 0x1_8000_0001, asm.DWord), asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
						asm.LoadImm(src, -77, asm.DWord), asm.LoadImm(asm.R0, r0, asm.DWord),
						atomic(op.Mem(asm.R10, src, size, -8)), asm.LoadMem(asm.R2, asm.R10, -8, asm.DWord))
					for _, r := range []asm.Register{asm.R0, asm.R2, src} {
						insns = append(insns, asm.Mul.Imm(asm.R9, 31), asm.Add.Reg(asm.R9, r))
					}
				}
			}
			p, err := jit.Parse("atomics", append(insns, asm.Mov.Reg(asm.R0, asm.R9), asm.Return()))
			if err != nil {
				t.Fatal(err)
			}
			want, err := oracle(p, make([]byte, 8))
			if err != nil {
				t.Fatal(err)
			}
			if err := runImages(p, make([]byte, 8), want); err != nil {
				t.Errorf("%v of %d bytes: %v", op, size.Sizeof(), err)
			}
		}
	}
}

// TestImagesCallThroughRegisters has a function chosen by a number, whose address is found
// from the instruction pointer.
func TestImagesCallThroughRegisters(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	const callX = 0x8d
	for key, want := range map[byte]uint64{0: 107, 1: 207} {
		p, err := jit.Parse("pointers", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Byte), loadFunc(asm.R0, "hundred"),
			asm.JEq.Imm(asm.R2, 0, "call"), loadFunc(asm.R0, "twohundred"),
			asm.Mov.Imm(asm.R1, 7).WithSymbol("call"), {OpCode: callX, Dst: asm.R0}, asm.Return(),
			asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("hundred"), asm.Add.Imm(asm.R0, 100), asm.Return(),
			asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("twohundred"), asm.Add.Imm(asm.R0, 200), asm.Return(),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := []byte{key, 0, 0, 0, 0, 0, 0, 0}
		got, err := oracle(p, ctx)
		if err != nil || got != want {
			t.Fatalf("interpreter: %d, %v, want %d", got, err, want)
		}
		if err := runImages(p, ctx, want); err != nil {
			t.Error(err)
		}
	}
}

// imagesAgree runs a random program three ways: interpreted, as images of all layouts, and in
// the kernel if it lets us.
func imagesAgree(seed, n uint64, withKernel bool) error {
	insns := randomProgram(seed, n, alone)
	ctx := drawnContext(rand.New(rand.NewPCG(seed, n)))
	p, err := jit.Parse("random", insns)
	if err != nil {
		return fmt.Errorf("seed %#x/%d: %w", seed, n, err)
	}
	want, err := oracle(p, ctx)
	if err != nil {
		return fmt.Errorf("seed %#x/%d: interpreter: %w", seed, n, err)
	}
	if err := runImages(p, ctx, want); err != nil {
		return fmt.Errorf("seed %#x/%d: %w", seed, n, err)
	}
	if !withKernel {
		return nil
	}
	s := sampleOf("random", ebpf.SchedCLS, insns)
	coll, err := ebpf.NewCollection(s.Spec)
	if err != nil {
		return fmt.Errorf("seed %#x/%d: %w", seed, n, err)
	}
	defer coll.Close()
	got, err := coll.Programs[s.Program].Run(&ebpf.RunOptions{Data: make([]byte, 64), Context: ctx})
	if err != nil || got != uint32(want) {
		return fmt.Errorf("seed %#x/%d: kernel returns %#x, %v, interpreter %#x", seed, n, got, err, uint32(want))
	}
	return nil
}

func TestImagesAgree(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	_, err := DetectCompiler()
	if err != nil {
		t.Log("without the kernel: ", err)
	}
	withKernel := err == nil
	seed, n := uint64(time.Now().UnixNano()), many(200)
	for i := range n {
		if err := imagesAgree(seed, uint64(i), withKernel); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %#x: %d programs", seed, n)
}
