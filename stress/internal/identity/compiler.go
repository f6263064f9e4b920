package identity

import (
	"bytes"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/arch/x86/x86asm"

	"tailpoke/jit"
)

// Compiler is what must be known of the compiler of the running kernel, to compile as it does.
type Compiler struct {
	told func(done, all int) // of a comparison; may be nil

	Layout jit.Layout

	// PrivateStackMin is the depth in bytes from which on a stack is a private one, in programs
	// of the kinds that get them; 0: the kernel has no private stacks.
	PrivateStackMin int

	make func(kind ebpf.ProgramType, insns asm.Instructions) (*readback, error) // what is probed
}

// DetectCompiler finds out from what the kernel makes of a few small programs. The error says
// [ErrUnsupported] when this is no kernel of an era that is known, or when it cannot be asked.
func DetectCompiler() (*Compiler, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("%w: needs Linux on x86-64, this is %s on %s", ErrUnsupported,
			runtime.GOOS, runtime.GOARCH)
	}
	k, err := detect(func(kind ebpf.ProgramType, insns asm.Instructions) (*readback, error) {
		return load(sampleOf("probe", kind, insns))
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return k, nil
}

// detect finds out from what a compiler makes of programs. It names the layout by its facts.
func detect(compiler func(ebpf.ProgramType, asm.Instructions) (*readback, error)) (*Compiler, error) {
	k := &Compiler{Layout: jit.V612, make: compiler}
	for _, probe := range []func(*Compiler) error{
		(*Compiler).probeReturn, (*Compiler).probeTailCall, (*Compiler).probeCall, (*Compiler).probeShift, (*Compiler).probeDivide,
		(*Compiler).probeConstant, (*Compiler).probeXchg, (*Compiler).probeShortJump, (*Compiler).probePrivateStack,
		(*Compiler).probeCallDepth,
	} {
		if err := probe(k); err != nil {
			return nil, err
		}
	}
	k.Layout.Name = k.Layout.String()
	return k, nil
}

// probe gives the machine code of a small program.
func (k *Compiler) probe(insns ...asm.Instruction) ([]byte, error) {
	r, err := k.make(ebpf.SocketFilter, insns)
	if err != nil {
		return nil, err
	}
	return r.funcs[0].code, nil
}

// probeReturn learns from a program that does nothing how it is entered, and how it returns.
func (k *Compiler) probeReturn() error {
	code, err := k.probe(asm.Mov.Imm(asm.R0, 0), asm.Return())
	if err != nil {
		return err
	}
	rest := code
	next := func(insn string) (ok bool) {
		cut, ok := bytes.CutPrefix(rest, []byte(insn))
		rest = cut
		return ok
	}
	ibt, old := next(jit.Endbr64), false
	if !next("\x0f\x1f\x44\x00\x00") { // nop5
		if old = next("\x66\x66\x66\x66\x90"); !old {
			return fmt.Errorf("prologue % x begins with no nop of five bytes", code)
		}
	}
	switch {
	case next("\x0f\x1f\x00"): // nop3: the counter comes by a pointer
	case next("\x66\x90"): // nop2: by value
		k.Layout = jit.V510
	default:
		return fmt.Errorf("prologue % x is of no known era", code)
	}
	k.Layout.IBT, k.Layout.OldNops = ibt, old
	known := next("\x55\x48\x89\xe5") && (!ibt || next(jit.Endbr64)) && next("\x31\xc0\xc9")
	if !known { // push rbp; mov rbp, rsp; endbr64; xor eax, eax; leave
		return fmt.Errorf("prologue % x is of no known era", code)
	}
	return k.learnReturn(rest)
}

// learnReturn tells the form of a return from its bytes.
func (k *Compiler) learnReturn(ret []byte) error {
	switch {
	case bytes.Equal(ret, []byte{0xc3}):
		k.Layout.Forms.Return = jit.ReturnPlain
	case bytes.Equal(ret, []byte{0xc3, 0xcc}):
		k.Layout.Forms.Return = jit.ReturnTrap
	case len(ret) == 5 && ret[0] == 0xe9:
		k.Layout.Forms.Return = jit.ReturnThunk
	default:
		return fmt.Errorf("return of unknown form % x", ret)
	}
	return nil
}

// probeTailCall learns from an indirect site where its fields lie and how it jumps.
func (k *Compiler) probeTailCall() error {
	code, err := k.probe(
		asm.LoadMem(asm.R3, asm.R1, 8, asm.Word), // a key that cannot be known
		asm.LoadMapPtr(asm.R2, 0).WithReference("progs"),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0), asm.Return())
	if err != nil {
		return err
	}
	for at := 0; at < len(code); {
		if bytes.HasPrefix(code[at:], []byte(jit.Endbr64)) {
			at += len(jit.Endbr64)
			continue
		}
		inst, err := x86asm.Decode(code[at:], 64)
		if err != nil {
			return fmt.Errorf("probe of the tail call: %w at %#x", err, at)
		}
		at += inst.Len
		if done := k.learn(inst); done {
			return k.learnJump(code[at:])
		}
	}
	return fmt.Errorf("no tail call in % x", code)
}

// learn takes from one instruction of an indirect site what it tells; done says that the next
// is the jump.
func (k *Compiler) learn(inst x86asm.Inst) (done bool) {
	m0, _ := inst.Args[0].(x86asm.Mem)
	m1, _ := inst.Args[1].(x86asm.Mem)
	switch {
	case inst.Op == x86asm.CMP && inst.Args[0] == x86asm.EAX:
		limit, _ := inst.Args[1].(x86asm.Imm)
		k.Layout.LimitJAE = uint32(limit) == k.Layout.Counter.Limit
	case inst.Op == x86asm.CMP && m0.Base == x86asm.RSI && inst.Args[1] == x86asm.EDX:
		k.Layout.ArrayMaxEntries = uint32(m0.Disp)
	case inst.Op == x86asm.MOV && m1.Base == x86asm.RSI && m1.Index == x86asm.RDX:
		k.Layout.ArrayPtrs = uint32(m1.Disp)
	case inst.Op == x86asm.MOV && inst.Args[0] == x86asm.RCX && m1.Base == x86asm.RCX:
		k.Layout.ProgFunc = uint32(m1.Disp)
	case inst.Op == x86asm.ADD && inst.Args[0] == x86asm.RCX:
		landing, _ := inst.Args[1].(x86asm.Imm)
		k.Layout.AdjOff = uint8(landing)
		return true
	}
	return false
}

// learnJump tells the form of a jump to rcx from its first bytes.
func (k *Compiler) learnJump(code []byte) error {
	for form, start := range map[jit.JumpForm]string{
		jit.JumpThunk: "\xe9", jit.JumpLfence: "\x0f\xae\xe8\xff\xe1", jit.JumpTrap: "\xff\xe1\xcc",
		jit.JumpRetpoline: "\xe8\x07\x00\x00\x00\xf3\x90\x0f\xae\xe8", // call 1f; pause; lfence
	} {
		if bytes.HasPrefix(code, []byte(start)) {
			k.Layout.Forms.Jump = form
			return nil
		}
	}
	if !bytes.HasPrefix(code, []byte{0xff, 0xe1}) {
		return fmt.Errorf("jump of unknown form % x", code)
	}
	k.Layout.Forms.Jump = jit.JumpPlain
	return nil
}

// probeShortJump learns the longest distance that a short jump is used for, from jumps of all
// distances that could be it.
func (k *Compiler) probeShortJump() error {
	for d := 127; d >= 120; d-- {
		insns := asm.Instructions{asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.JEq.Imm(asm.R0, 0, "out")}
		for left := d; left > 0; {
			if left%4 != 0 {
				insns = append(insns, asm.Mov.Imm(asm.R2, 1)) // five bytes
				left -= 5
				continue
			}
			insns = append(insns, asm.Add.Imm(asm.R0, 1)) // four
			left -= 4
		}
		insns = append(insns, asm.Return().WithSymbol("out"))
		code, err := k.probe(insns...)
		if err != nil {
			return err
		}
		if bytes.Contains(code, []byte{0x48, 0x85, 0xc0, 0x74, byte(d)}) { // test rax, rax; je out
			k.Layout.ShortJumpMax = uint32(d)
			return nil
		}
	}
	return fmt.Errorf("no short jump over 120 to 127 bytes")
}
