package inside

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/stress/internal/identity"
)

// flagSleepable is BPF_F_SLEEPABLE of the kernel's include/uapi/linux/bpf.h.
const flagSleepable = 1 << 4

// A kind is a kind of programs, and where their context has two words whose values the verifier does
// not know.
type kind struct {
	prefix string
	of     ebpf.ProgramType
	flags  uint32
	at     [2]int16
	run    ebpf.RunOptions
}

func kinds() []kind {
	ctx := append([]byte{0x67, 0x45, 0x23, 0x01, 0x78, 0x56, 0x34, 0x12}, make([]byte, 56)...)
	return []kind{
		{"", ebpf.SchedCLS, 0, [2]int16{0, 8}, ebpf.RunOptions{Data: make([]byte, 64), Repeat: 1}}, // skb->len, skb->mark
		{Sleeps, ebpf.Syscall, flagSleepable, [2]int16{0, 4}, ebpf.RunOptions{Context: ctx}},
	}
}

// loadedCaller is a caller with what it needs.
type loadedCaller struct {
	Caller
	array    *ebpf.Map
	program  *ebpf.Program
	programs []*ebpf.Program
	run      ebpf.RunOptions
	again    func() (*ebpf.Program, error) // loads a copy
}

func fn(name string) *btf.Func {
	return &btf.Func{Name: name, Linkage: btf.StaticFunc, Type: &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}}},
	}}
}

// site is a tail call with its function's own registers in use: in state A these are lost to whoever
// called it.
func site(array *ebpf.Map, at int16) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R7, asm.R6, at, asm.Word), asm.Mov.Reg(asm.R8, asm.R7), asm.Mov.Reg(asm.R9, asm.R7),
		asm.LoadMapPtr(asm.R2, array.FD()), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(),
		asm.Add.Reg(asm.R7, asm.R8), asm.Add.Reg(asm.R7, asm.R9), // so that they are alive here
		asm.Mov.Imm(asm.R0, Skipped), asm.Return(),
	}
}

// insnsOf makes a caller. The one with a function keeps a canary in registers and on its stack, a
// value that the verifier does not know: it removes comparisons of constants.
func insnsOf(name string, array *ebpf.Map, at [2]int16) asm.Instructions {
	if name == Entry {
		return append(asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Reg(asm.R1, asm.R6)}, site(array, at[0])...)
	}
	insns := asm.Instructions{
		btf.WithFuncMetadata(asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("caller"), fn("caller")),
		asm.LoadMem(asm.R7, asm.R6, at[0], asm.Word), asm.StoreMem(asm.RFP, -8, asm.R7, asm.DWord),
		asm.Mov.Reg(asm.R8, asm.R7), asm.Mov.Reg(asm.R9, asm.R7),
		asm.Mov.Reg(asm.R1, asm.R6), asm.Call.Label("sub"),
		asm.LoadMem(asm.R1, asm.RFP, -8, asm.DWord),
	}
	for _, r := range []asm.Register{asm.R7, asm.R8, asm.R9} {
		insns = append(insns, asm.JNE.Reg(r, asm.R1, "lost"))
	}
	insns = append(insns, asm.Return(), asm.Mov.Imm(asm.R0, Lost).WithSymbol("lost"), asm.Return(),
		btf.WithFuncMetadata(asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("sub"), fn("sub")))
	return append(insns, site(array, at[1])...)
}

// load loads one caller, with the programs for its key.
func (k *kind) load(name string, compiler *identity.Compiler) (*loadedCaller, error) {
	array, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	program := func(name string, insns asm.Instructions) (*ebpf.Program, error) {
		return ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: k.of, Flags: k.flags, License: "GPL", Instructions: insns})
	}
	c := &loadedCaller{array: array, run: k.run}
	c.Name, c.Sleepable = k.prefix+name, k.flags != 0
	c.again = func() (*ebpf.Program, error) { return program("caller", insnsOf(name, array, k.at)) }
	if c.program, err = c.again(); err != nil {
		return nil, err
	}
	for i := range programs {
		p, err := program("target", asm.Instructions{asm.Mov.Imm(asm.R0, int32(Entered+i)), asm.Return()})
		if err != nil {
			return nil, err
		}
		c.programs = append(c.programs, p)
		img, err := compiler.Image("target", p)
		if err != nil {
			return nil, err
		}
		landing, err := compiler.Landing(p)
		if err != nil {
			return nil, err
		}
		c.Programs = append(c.Programs, Program{Region{img.Funcs[0].Addr, uint64(img.Funcs[0].Size)}, landing})
	}
	// At the first execution the library loads a program to try whether there can be one. That waits for
	// text_mutex, which a mutator that is held holds.
	if _, err := c.program.Run(&c.run); err != nil {
		return nil, err
	}
	return c, c.place(compiler)
}

// place finds where the caller's functions and its slots lie.
func (c *loadedCaller) place(compiler *identity.Compiler) error {
	img, err := compiler.Image("caller", c.program, c.array)
	if err != nil {
		return err
	}
	if len(img.Sites) != 1 {
		return fmt.Errorf("%s: %d sites, and it has one", c.Name, len(img.Sites))
	}
	for _, f := range img.Funcs {
		c.Funcs = append(c.Funcs, Region{f.Addr, uint64(f.Size)})
	}
	s := &img.Sites[0]
	c.In = s.Func
	for n := range s.Slots {
		c.Slots = append(c.Slots, Slot{s.Slots[n].Addr, s.Slots[n].Out})
		c.Nop = append([]byte{}, s.Slots[n].Nop[:]...)
	}
	return nil
}
